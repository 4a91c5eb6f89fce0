"""The client of log-probabilities against a recorded answer and broken ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inference.errors import ModelError
from inference.openai.logprobs import LogprobClient, parse_logprobs
from tests.inference.conftest import Replay
from tests.inference.test_openai_rerank import make_http

# As vLLM answers for "Hello there, world", with the one token that had to be asked for.
TOLD: dict[str, Any] = {
    "text_offset": [0, 3, 5, 11, 12, 16, 18],
    "token_logprobs": [None, -4.9, -6.8, -10.8, -12.3, -8.9, -0.1],
    "tokens": ["Hel", "lo", " there", ",", " wor", "ld", "!"],
}
RECORDED = {
    "model": "tiny",
    "choices": [{"index": 0, "text": "Hello there, world!", "logprobs": TOLD}],
    "usage": {"prompt_tokens": 6, "total_tokens": 7, "completion_tokens": 1},
}


async def test_only_the_tokens_of_the_text_count(replay: Replay) -> None:
    server = await replay(make_http(json.dumps(RECORDED)))
    client = LogprobClient(server.base_url, model="tiny", api_key="sk-1")

    found = await client.read("Hello there,", " world")

    assert (found.logprobs, found.input_tokens) == ((-12.3, -8.9), 6)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/completions ")
    assert b"authorization: bearer sk-1" in head.lower()
    assert json.loads(body) == {
        "model": "tiny", "prompt": "Hello there, world", "max_tokens": 1, "temperature": 0,
        "echo": True, "logprobs": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "choice",
    [
        {"text": "!", "logprobs": None},
        {"text": "!"},
        {"logprobs": {"text_offset": [0], "token_logprobs": []}},
        # Only what was written, without the echo: nothing lies where the text stood.
        {"logprobs": {"text_offset": [18], "token_logprobs": [-0.1]}},
        {"logprobs": {"text_offset": [12], "token_logprobs": [None]}},
    ],
)
def test_a_server_that_tells_none_is_recognised(choice: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as raised:
        parse_logprobs(json.dumps({"choices": [choice]}).encode(), start=12, end=18)

    assert raised.value.kind == "invalid_response"


async def test_an_error_of_the_server_is_told(replay: Replay) -> None:
    server = await replay(make_http('{"detail": "Not Found"}', status=404))

    with pytest.raises(ModelError) as raised:
        await LogprobClient(server.base_url, model="tiny").read("a", " b")

    assert raised.value.kind == "not_found"
