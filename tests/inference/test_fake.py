"""The stand-ins behave like what they stand in for."""

from __future__ import annotations

import httpx2
import numpy as np

from inference.fake import HashEmbedder
from inference.protocols import Embedder
from inference.stub_answers import DEFAULT_REPLY, StubConfig, split_tokens
from inference.stub_server import serve_in_thread


def test_hash_embedder() -> None:
    embedder = HashEmbedder()
    assert isinstance(embedder, Embedder)
    vectors = embedder.encode(["red apple", "Apple, red!", "blue sky", ""])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert float(vectors[0] @ vectors[2]) < 0.5
    assert embedder.count_tokens(["red apple", ""]) == [2, 0]


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
