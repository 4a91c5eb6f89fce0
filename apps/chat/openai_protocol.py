"""The OpenAI chat protocol as this product speaks it: requests in, responses and chunks out.

Pure. The wire format follows what OpenAI-compatible servers send; citations, the message's and
the trace's id travel in extra fields, which existing clients ignore or expose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.assistants.answering.pipeline import CitedPassage, Outcome, Turn
from apps.retrieval.search.places import locate_words

MAX_QUESTION = 32_000
MAX_MESSAGES = 200


class RequestError(Exception):
    """The request cannot be answered: an HTTP status, a message, and the field at fault."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    def body(self) -> dict[str, Any]:
        kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        fallback = "invalid_request_error" if self.status < 500 else "server_error"
        return {
            "error": {
                "message": self.message,
                "type": kind.get(self.status, fallback),
                "param": self.param,
                "code": self.code,
            }
        }


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request: which assistant is asked what."""

    model: str
    question: str
    history: list[Turn]
    stream: bool
    include_usage: bool


def parse_request(data: bytes) -> ChatRequest:
    """Read a chat completion request. Raises RequestError, saying which field is wrong."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise RequestError(400, "The request body must be a JSON object.")
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str) or not model:
        raise RequestError(400, "Name the assistant in 'model'.", param="model")
    if not isinstance(messages, list) or not messages:
        raise RequestError(400, "'messages' must be a list with a question.", param="messages")
    if len(messages) > MAX_MESSAGES:
        raise RequestError(400, f"At most {MAX_MESSAGES} messages.", param="messages")
    said = [_read_message(message, index) for index, message in enumerate(messages)]
    question, history = _split_turns(said)
    options = body.get("stream_options")
    return ChatRequest(
        model=model,
        question=question,
        history=history,
        stream=bool(body.get("stream")),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def _read_message(message: Any, index: int) -> tuple[str, str]:
    where = f"messages[{index}]"
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RequestError(400, f"{where} must have a 'role' and 'content'.", param=where)
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "\n".join(part for part in parts if isinstance(part, str))
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise RequestError(400, f"{where}.content must be text.", param=f"{where}.content")
    return message["role"], content


def _split_turns(said: Sequence[tuple[str, str]]) -> tuple[str, list[Turn]]:
    """The last user message, and the earlier pairs of question and answer."""
    last = max((i for i, (role, _) in enumerate(said) if role == "user"), default=None)
    if last is None or not said[last][1].strip():
        raise RequestError(400, "There is no user message with text.", param="messages")
    if len(said[last][1]) > MAX_QUESTION:
        raise RequestError(
            400,
            f"The question is longer than {MAX_QUESTION} characters.",
            param="messages",
            code="context_length_exceeded",
        )
    history: list[Turn] = []
    question = ""
    for role, content in said[:last]:
        if role == "user":
            question = content
        elif role == "assistant" and question:
            history.append(Turn(question, content))
            question = ""
    return said[last][1].strip(), history


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids under which an answer can be found again."""

    message_id: UUID
    trace_id: UUID
    model: str
    created: int


def list_citations(outcome: Outcome) -> list[dict[str, Any]]:
    """The cited passages: number, document, page, and the offsets of the cited sentences."""
    return [_citation(passage) for passage in outcome.passages if passage.cited]


def _citation(passage: CitedPassage) -> dict[str, Any]:
    hit, cited = passage.hit, passage.cited
    start, end = (cited.start, cited.end) if cited else (0, len(hit.text))
    first, last = locate_words(hit, start, end)
    return {
        "n": passage.number,
        "document": str(hit.document_id),
        "document_name": hit.document_name,
        "page": hit.page,
        "start": first,
        "end": last,
        "text": hit.text[start:end],
    }


def _usage(outcome: Outcome) -> dict[str, int]:
    tokens_in, tokens_out = outcome.usage.input_tokens, outcome.usage.output_tokens
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }


def _extras(identity: Identity, outcome: Outcome) -> dict[str, Any]:
    return {
        "citations": list_citations(outcome),
        "message_id": str(identity.message_id),
        "trace_id": str(identity.trace_id),
        "declined": outcome.is_declined,
    }


def make_completion(identity: Identity, outcome: Outcome) -> dict[str, Any]:
    """The whole answer at once."""
    message = {"role": "assistant", "content": outcome.content, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": f"chatcmpl-{identity.message_id.hex}",
        "object": "chat.completion",
        "created": identity.created,
        "model": identity.model,
        "choices": [choice],
        "usage": _usage(outcome),
        **_extras(identity, outcome),
    }


class ChunkWriter:
    """Writes the server-sent events of a streamed answer."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        head = {
            "id": f"chatcmpl-{identity.message_id.hex}",
            "object": "chat.completion.chunk",
            "created": identity.created,
            "model": identity.model,
        }
        # All chunks begin alike, so only the end of the JSON object is serialised for each.
        self._head = b"data: " + orjson.dumps(head)[:-1] + b","

    def _chunk(self, rest: dict[str, Any]) -> bytes:
        return self._head + orjson.dumps(rest)[1:] + b"\n\n"

    def text(self, piece: str) -> bytes:
        return (
            self._head
            + b'"choices":[{"index":0,"delta":{"content":'
            + orjson.dumps(piece)
            + b'},"logprobs":null,"finish_reason":null}]}\n\n'
        )

    def role(self) -> bytes:
        delta = {"role": "assistant", "content": ""}
        return self._chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    def end(self, outcome: Outcome, *, include_usage: bool) -> bytes:
        """The finish chunk with the extra fields, the usage chunk if wanted, and [DONE]."""
        extras = _extras(self.identity, outcome)
        finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], **extras}
        chunks = self._chunk(finish)
        if include_usage:
            chunks += self._chunk({"choices": [], "usage": _usage(outcome), **extras})
        return chunks + b"data: [DONE]\n\n"

    def error(self, error: RequestError) -> bytes:
        return b"data: " + orjson.dumps(error.body()) + b"\n\ndata: [DONE]\n\n"
