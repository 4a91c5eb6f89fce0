"""The OpenAI chat protocol as this product speaks it: errors, responses and chunks.

Pure. The wire format follows what OpenAI-compatible servers send; citations, the message's and
the trace's id travel in extra fields, which existing clients ignore or expose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.assistants.answering.pipeline import CitedPassage, Outcome
from apps.retrieval.search.places import locate_words

FINISH_REASONS = frozenset({"stop", "length", "content_filter"})


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
class Identity:
    """The ids under which an answer can be found again."""

    message_id: UUID
    trace_id: UUID
    model: str
    created: int
    conversation_id: UUID
    scope: dict[str, Any]


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
        "conversation_id": str(identity.conversation_id),
        "scope": identity.scope,
        "trace_id": str(identity.trace_id),
        "declined": outcome.is_declined,
    }


def make_completion(identity: Identity, outcome: Outcome) -> dict[str, Any]:
    """The whole answer at once."""
    refusal = outcome.content if outcome.is_refused else None
    message = {"role": "assistant", "content": outcome.content, "refusal": refusal}
    reason = _finish_reason(outcome)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {
        "id": f"chatcmpl-{identity.message_id.hex}",
        "object": "chat.completion",
        "created": identity.created,
        "model": identity.model,
        "choices": [choice],
        "usage": _usage(outcome),
        **_extras(identity, outcome),
    }


def _finish_reason(outcome: Outcome) -> str:
    """One that clients of this protocol know."""
    return outcome.finish_reason if outcome.finish_reason in FINISH_REASONS else "stop"


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
        reason = _finish_reason(outcome)
        finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], **extras}
        chunks = self._chunk(finish)
        if include_usage:
            chunks += self._chunk({"choices": [], "usage": _usage(outcome), **extras})
        return chunks + b"data: [DONE]\n\n"

    def error(self, error: RequestError) -> bytes:
        return b"data: " + orjson.dumps(error.body()) + b"\n\ndata: [DONE]\n\n"
