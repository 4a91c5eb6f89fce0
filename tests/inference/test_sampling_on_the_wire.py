"""What of a sampling is sent, and what is never left out."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from inference.openai.wire import adapt_request, encode_request
from inference.types import ChatMessage, Sampling

MESSAGES = [ChatMessage("user", "Hi")]
VALUES: dict[str, Any] = {
    "temperature": 0.1, "max_tokens": 5, "top_p": 0.9, "top_k": 40, "min_p": 0.1, "seed": 3,
    "stop": ("END",), "frequency_penalty": 0.2, "presence_penalty": 0.3, "repetition_penalty": 1.1,
}  # fmt: skip


def test_a_sampling_without_values_sends_none() -> None:
    body = encode_request("m", MESSAGES, sampling=Sampling(), stream=False)
    assert set(body) == {"model", "messages", "stream"}


@pytest.mark.parametrize("name", [f.name for f in fields(Sampling) if f.name != "response_schema"])
def test_each_setting_is_sent_under_its_own_name(name: str) -> None:
    sampling = replace(Sampling(), **{name: VALUES[name]})
    body = encode_request("m", MESSAGES, sampling=sampling, stream=False)
    expected = list(VALUES[name]) if name == "stop" else VALUES[name]
    assert body[name] == expected


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"temperature", "max_tokens"}))
def test_what_somebody_chose_is_not_left_out_where_a_server_refuses_it(name: str) -> None:
    body = {"model": "m", name: 1}
    error = json.dumps({"error": {"message": f"Unsupported parameter: '{name}'"}}).encode()
    assert adapt_request(body, status=400, response=error) is None
