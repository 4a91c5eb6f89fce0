"""The OpenAI chat-completions wire format: request bodies, event streams and error bodies.

Servers differ in details; what is tolerated here was recorded from real ones: errors that arrive as
the first event of a 200 response, an ``error`` that is a bare string, a usage chunk without
choices, no usage at all, reasoning beside the answer, and plain JSON where a stream was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from apps.core.text import storable
from inference.errors import ErrorKind, ModelError
from inference.openai.content import read_message
from inference.openai.reasoning import split_reasoning
from inference.types import ChatDelta, ChatMessage, Sampling, Usage

DETAIL_LENGTH = 300
SENT_SETTINGS = (
    "temperature", "max_tokens", "top_p", "top_k", "min_p", "seed", "frequency_penalty",
    "presence_penalty", "repetition_penalty",
)  # fmt: skip
"""Fields of a sampling that are sent under their own names."""

# Names that servers other than OpenAI's give to the same two outcomes.
_FINISH_REASONS = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "content_filtered": "content_filter",
}
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size)|maximum context|too many tokens|prompt is too long"
    r"|input_tokens|exceeds? the (?:available )?context",
    re.IGNORECASE,
)
_SECRET = re.compile(r"\b(?:sk|pk|gsk|hf|xai|key)[-_][\w*.-]{6,}|\bBearer\s+\S+", re.IGNORECASE)

_STATUS_KINDS: dict[int, ErrorKind] = {
    401: "auth",
    403: "auth",
    404: "not_found",
    405: "not_found",
    408: "timeout",
    413: "too_long",
    429: "rate_limited",
    502: "unreachable",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_MESSAGES: dict[ErrorKind, str] = {
    "unreachable": "The model server cannot be reached.",
    "forbidden_address": "The model server's address is not one that may be contacted.",
    "timeout": "The model server took too long to answer.",
    "auth": "The model server refused the API key.",
    "not_found": "The model server does not know this model or address.",
    "rate_limited": "The model server is limiting the number of requests.",
    "overloaded": "The model server is busy.",
    "bad_request": "The model server rejected the request.",
    "too_long": "The question and its passages are too long for this model.",
    "interrupted": "The model server stopped in the middle of the answer.",
    "empty": "The model ended without an answer.",
    "server_error": "The model server failed.",
    "invalid_response": "The address answers, but not like an OpenAI-compatible model server.",
}


def make_error(
    kind: ErrorKind, detail: str = "", *, retry_after: float | None = None
) -> ModelError:
    """Build a ``ModelError`` whose message is the plain sentence for its kind, then the detail."""
    message = f"{_MESSAGES[kind]} {detail}".strip()
    return ModelError(kind, message, retry_after=retry_after)


def encode_request(
    model: str, messages: Sequence[ChatMessage], *, sampling: Sampling, stream: bool
) -> dict[str, Any]:
    """Return the request body; settings that are ``None`` are left to the server."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in messages],
        "stream": stream,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    for name in SENT_SETTINGS:
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.response_schema is not None:
        schema = {"name": "answer", "schema": dict(sampling.response_schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def adapt_request(
    body: Mapping[str, Any], *, status: int, response: bytes
) -> dict[str, Any] | None:
    """Return the body without what an error ``response`` calls unsupported, or ``None``.

    Reasoning models want ``max_completion_tokens`` and fix the temperature; old servers do not
    know ``stream_options``, or no schemas of answers. Other settings are never left out: somebody
    chose them, and an answer without them would look as if it had followed them.
    """
    if status not in (400, 422):
        return None
    text = response[:4096].decode("utf-8", "replace").lower()
    if "max_tokens" in body and "max_completion_tokens" in text:
        adapted = dict(body)
        adapted["max_completion_tokens"] = adapted.pop("max_tokens")
        return adapted
    if "response_format" in body and re.search(r"response_format|json_schema|guided", text):
        return {key: value for key, value in body.items() if key != "response_format"}
    if not re.search(r"unsupported|not support|unrecognized|extra (?:inputs|fields)", text):
        return None
    for name in ("stream_options", "temperature"):
        if name in body and name in text:
            return {key: value for key, value in body.items() if key != name}
    return None


def explain_status(
    status: int, body: bytes, *, secret: str | None, retry_after: float | None = None
) -> ModelError:
    """Turn an HTTP error into a ``ModelError``; ``secret`` never appears in its message."""
    return _explain(status, *_read_error(_parse_json(body)), secret=secret, retry_after=retry_after)


def explain_event(error: object, *, secret: str | None) -> ModelError:
    """Turn the ``error`` of a stream event into a ``ModelError``."""
    detail, code = _read_error({"error": error})
    status = int(code) if code.isdigit() else 500
    return _explain(status, detail, code, secret=secret, retry_after=None)


def _explain(
    status: int, detail: str, code: str, *, secret: str | None, retry_after: float | None
) -> ModelError:
    kind = _classify(status, f"{detail} {code}")
    if kind in ("auth", "overloaded"):
        detail = ""  # adds nothing, and some servers repeat the key
    error = make_error(kind, _clean(detail, secret), retry_after=retry_after)
    if "insufficient_quota" in code:
        return ModelError(kind, f"The account's quota is used up. {error.message}", retryable=False)
    return error


def _classify(status: int, text: str) -> ErrorKind:
    if status in _STATUS_KINDS:
        return _STATUS_KINDS[status]
    if 300 <= status < 400:
        return "invalid_response"
    if status >= 500:
        return "server_error"
    return "too_long" if _TOO_LONG.search(text) else "bad_request"


def _read_error(payload: object) -> tuple[str, str]:
    """Return message and code of an error body in any of its shapes."""
    if not isinstance(payload, dict):
        return "", ""
    error = payload.get("error", payload.get("detail", payload.get("message", "")))
    if not isinstance(error, dict):
        return (error if isinstance(error, str) else ""), ""
    parts = (error.get("code"), error.get("param"), error.get("type"))
    code = next((str(part) for part in parts if part is not None), "")
    return str(error.get("message") or ""), code


def _clean(detail: str, secret: str | None) -> str:
    if secret:
        detail = detail.replace(secret, "(key)")
    detail = " ".join(_SECRET.sub("(key)", detail).split())
    if len(detail) > DETAIL_LENGTH:
        detail = detail[:DETAIL_LENGTH].rstrip() + "…"
    return f"It says: “{detail}”" if detail else ""


def _parse_json(data: bytes) -> object:
    try:
        parsed: object = load_json(data)
    except ValueError:
        return None
    return parsed


def load_json(data: bytes) -> Any:
    """Raises ``ValueError``. Halves of escaped surrogate pairs stay as they are."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # The standard library reads what orjson is too strict for: half a character that the
        # next event goes on with, or bytes that are no UTF-8.
        return json.loads(data.decode("utf-8", "replace"))


def parse_completion(data: bytes) -> ChatDelta:
    """Read a whole, unstreamed completion as one delta; raises ``ModelError``."""
    try:
        payload = load_json(data)
        choice = payload["choices"][0]
        content = read_message(choice["message"])
        reason = choice.get("finish_reason") or "stop"
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise make_error("invalid_response") from error
    answer, thoughts = split_reasoning(content.text)
    return ChatDelta(
        answer,
        read_finish_reason(reason),
        read_usage(payload.get("usage")),
        reasoning=storable(content.reasoning) + thoughts,
        refusal=content.refusal,
        calls_tool=content.calls_tool,
    )


def read_finish_reason(reason: object) -> str:
    """The reason under the name that OpenAI gives it."""
    return _FINISH_REASONS.get(str(reason).lower(), str(reason))


def parse_model_ids(data: bytes) -> list[str]:
    """Read the ids of a ``/models`` response; raises ``ModelError``."""
    try:
        return [str(entry["id"]) for entry in orjson.loads(data)["data"]]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise make_error("invalid_response") from error


def parse_served_model(data: bytes) -> str:
    """Read which model a completion says it came from; empty when it does not say."""
    payload = _parse_json(data)
    return str(payload.get("model") or "") if isinstance(payload, dict) else ""


def read_usage(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not all(isinstance(count, int) for count in counts):
        return None
    return Usage(*counts)  # type: ignore[arg-type]  # checked just above
