"""Plain values exchanged with chat models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MessageRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a conversation as a model sees it."""

    role: MessageRole
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model chooses its words. ``None`` leaves the server's own default in place.

    ``top_k``, ``min_p`` and ``repetition_penalty`` are extensions of vLLM and other open servers;
    a server that does not know them refuses the request and says so. ``response_schema`` is the
    JSON Schema of an object that the answer has to be; servers that cannot hold a model to one are
    asked without it.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    response_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written by the model, as the server counted them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of a streamed answer.

    ``text`` may be empty. ``finish_reason`` is set on at most one delta of a stream ("stop",
    "length", ...) and ``usage`` on at most one; the two may arrive on different deltas.
    ``reasoning`` is what the model thinks aloud before it answers, and no part of the answer;
    ``refusal`` what it says where its server tells a refusal apart. With ``restart`` all text
    before this delta turned out to be reasoning: forget it, ``reasoning`` holds it.
    ``calls_tool`` marks a model that asks for a tool instead of answering.
    """

    text: str
    finish_reason: str | None = None
    usage: Usage | None = None
    reasoning: str = ""
    refusal: str = ""
    restart: bool = False
    calls_tool: bool = False


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """Outcome of a successful trial request against a model server."""

    latency_ms: float
    model: str
