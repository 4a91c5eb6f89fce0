"""The stand-ins behave like what they stand in for."""

from __future__ import annotations

from contextlib import aclosing

import httpx2
import numpy as np
import pytest

from inference.errors import ModelError
from inference.fake import FakeChatModel, HashEmbedder, Stall
from inference.protocols import ChatModel, Embedder
from inference.stub_answers import DEFAULT_REPLY, StubConfig, split_tokens
from inference.stub_server import serve_in_thread
from inference.types import ChatMessage, Sampling, Usage

HELLO = [ChatMessage("user", "Hello there")]


def test_hash_embedder() -> None:
    embedder = HashEmbedder()
    assert isinstance(embedder, Embedder)
    vectors = embedder.encode(["red apple", "Apple, red!", "blue sky", ""])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert float(vectors[0] @ vectors[2]) < 0.5
    assert embedder.count_tokens(["red apple", ""]) == [2, 0]


async def test_fake_model_streams_its_script() -> None:
    model = FakeChatModel(["Hello ", Stall(0), "world [1]"])
    assert isinstance(model, ChatModel)
    deltas = [delta async for delta in model.stream(HELLO, sampling=Sampling(seed=1))]
    assert "".join(delta.text for delta in deltas) == "Hello world [1]"
    assert (deltas[-1].finish_reason, deltas[-1].usage) == ("stop", Usage(2, 3))
    assert model.calls == [(tuple(HELLO), Sampling(seed=1))]
    assert model.closed == 0


async def test_fake_model_fails_and_is_left() -> None:
    failing = FakeChatModel(["part", ModelError("interrupted", "gone")])
    stream = failing.stream(HELLO, sampling=Sampling())
    assert (await anext(stream)).text == "part"
    with pytest.raises(ModelError, match="gone"):
        await anext(stream)
    stalled = FakeChatModel(["part", Stall()])
    async with aclosing(stalled.stream(HELLO, sampling=Sampling())) as deltas:  # type: ignore[type-var]
        await anext(deltas)
    assert stalled.closed == 1


def test_stub_server_in_a_thread() -> None:
    with serve_in_thread(StubConfig(first_token_ms=0, tokens=64)) as stub:
        body = {"model": "stub", "messages": [{"role": "user", "content": "a b"}]}
        answer = httpx2.post(f"{stub.base_url}/chat/completions", json=body, trust_env=False).json()
        models = httpx2.get(f"{stub.base_url}/models", trust_env=False).json()
        missing = httpx2.get(f"{stub.base_url}/nothing", trust_env=False)
    text = answer["choices"][0]["message"]["content"]
    assert text.startswith(DEFAULT_REPLY)
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 64, "total_tokens": 66}
    assert [model["id"] for model in models["data"]] == ["stub"]
    assert missing.status_code == 404


def test_tokens_join_to_the_reply() -> None:
    assert "".join(split_tokens("See [1] now.", count=None)) == "See [1] now."
    assert split_tokens("a b", count=4) == ["a", " b", " a", " b"]
