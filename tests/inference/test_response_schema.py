"""Answers held to a JSON Schema: how a server is asked, and asked again when it cannot."""

from __future__ import annotations

from inference.openai.wire import adapt_request, encode_request
from inference.types import ChatMessage, Sampling

SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}


def test_the_schema_goes_along() -> None:
    sampling = Sampling(max_tokens=5, response_schema=SCHEMA)
    body = encode_request("m", [ChatMessage("user", "Hi")], sampling=sampling, stream=True)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
    }
    plain = encode_request("m", [ChatMessage("user", "Hi")], sampling=Sampling(), stream=True)
    assert "response_format" not in plain


def test_a_server_that_cannot_is_asked_without() -> None:
    body = {"model": "m", "response_format": {}, "max_tokens": 5}
    error = b'{"error": {"message": "response_format.type json_schema is not available"}}'
    assert adapt_request(body, status=400, response=error) == {"model": "m", "max_tokens": 5}
    assert adapt_request({"model": "m"}, status=400, response=error) is None
    assert adapt_request(body, status=500, response=error) is None
