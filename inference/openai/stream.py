"""Event streams of completion chunks, read as they come off the network.

Servers differ here too: signs of life without data, an event's JSON over several lines, half an
emoji in each of two events, reasoning in the text, plain carriage returns as line ends.
"""

from __future__ import annotations

import re
from typing import Any

from apps.core.text import storable
from inference.openai.content import Content, read_message
from inference.openai.reasoning import ReasoningDelta, ReasoningSplitter
from inference.openai.wire import load_json, make_error, read_finish_reason, read_usage
from inference.types import ChatDelta, Usage

MAX_EVENT_BYTES = 1 << 20
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A carriage return at the very end may be the first half of a pair."""


class StreamDecoder:
    """Reads a ``text/event-stream`` of completion chunks as it comes off the network."""

    def __init__(self) -> None:
        self._rest = b""
        self._unfinished = b""  # data lines of an event that are not complete JSON yet
        self._half = ""  # the first half of a character that the next text completes
        self._splitter = ReasoningSplitter()
        self.done = False  # nothing more is to be read
        self.complete = False  # [DONE] was read
        self.understood = False  # at least one event was a chunk of an answer
        self.speaking = False  # the model began to write, be it answer or reasoning
        self.finish_reason: str | None = None
        self.error: object = None  # payload of an error event

    def feed(self, data: bytes) -> ChatDelta | None:
        """Take the bytes of one network read and return what they say, joined into one delta.

        Raises ``ModelError`` on anything that is not a stream of chunks. After an error event
        ``error`` is set and the rest is ignored.
        """
        lines = _LINE_END.split(self._rest + data)
        self._rest = lines.pop()
        if len(self._rest) + len(self._unfinished) > MAX_EVENT_BYTES:
            raise make_error("invalid_response")
        parts = _Parts()
        for line in lines:
            if self.done:
                break
            line = line.removeprefix(b"\xef\xbb\xbf")
            if line[:5] == b"data:":
                self._read_data(line[5:].strip(), parts)
            elif not line.strip() and self._unfinished:
                raise make_error("invalid_response")  # the event ended, and is no JSON
            # Comments and other fields carry nothing.
        if self.done:
            self._end(parts)
        return parts.join()

    def finish(self) -> ChatDelta | None:
        """Take the last line of a stream that ended without a line break."""
        self.done = False
        delta = self.feed(b"\n") if self._rest.strip() else None
        self.done = True
        parts = _Parts()
        self._end(parts)
        return _merge(delta, parts.join())

    def _end(self, parts: _Parts) -> None:
        """Pass on the text that was held back because it could have become a tag."""
        text, self._half = storable(self._half), ""
        if text:
            parts.add(self._splitter.feed(text))
        parts.add(self._splitter.finish())

    def _read_data(self, payload: bytes, parts: _Parts) -> None:
        if not payload and not self._unfinished:
            return  # a sign of life
        if payload == b"[DONE]":
            self.done = self.complete = True
            return
        chunk = self._parse_chunk(payload)
        if chunk is None:
            return
        if chunk.get("usage") is not None:
            parts.usage = read_usage(chunk["usage"]) or parts.usage
        for choice in chunk.get("choices") or ():
            self._read_choice(choice, parts)

    def _parse_chunk(self, payload: bytes) -> dict[str, Any] | None:
        """The chunk; None if it is an error, or goes on in the event's next line."""
        if self._unfinished:
            payload = self._unfinished + b"\n" + payload
        try:
            chunk = load_json(payload)
        except ValueError as error:
            if not self._unfinished and not payload.startswith(b"{"):
                raise make_error("invalid_response") from error
            self._unfinished = payload
            return None
        self._unfinished = b""
        if not isinstance(chunk, dict):
            return None  # `null` and the like say nothing
        if chunk.get("error") is not None:
            self.error = chunk["error"]
            self.done = True
            return None
        self.understood = True
        return chunk

    def _read_choice(self, choice: Any, parts: _Parts) -> None:
        try:
            if choice.get("index", 0) != 0:
                return  # alternatives were not asked for and cannot be told apart here
            content = read_message(self._find_message(choice))
            reason = choice.get("finish_reason")
        except (AttributeError, TypeError) as error:
            raise make_error("invalid_response") from error
        if content.text:
            parts.add(self._splitter.feed(self._whole(content.text)))
        if content.reasoning:
            parts.reasoning.append(storable(content.reasoning))
        parts.refusal += content.refusal
        parts.calls_tool = parts.calls_tool or content.calls_tool
        if content != _NOTHING:
            self.speaking = True
        if reason:
            name = read_finish_reason(reason)
            if self.finish_reason in (None, "stop"):  # a "stop" behind a "length" adds nothing
                parts.finish = self.finish_reason = name
            self._end(parts)

    def _find_message(self, choice: dict[str, Any]) -> dict[str, Any]:
        """The delta; where there is none, the whole message or the text that some servers send."""
        delta = choice.get("delta")
        if delta or self.speaking:
            return delta or {}
        if choice.get("message"):
            return dict(choice["message"])
        return {"content": choice["text"]} if isinstance(choice.get("text"), str) else {}

    def _whole(self, text: str) -> str:
        """Text without halves of characters; one at the end waits for the other."""
        if self._half:
            text, self._half = self._half + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return storable(text)


_NOTHING = Content()


class _Parts:
    """What the events of one network read add up to."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reasoning: list[str] = []
        self.refusal = ""
        self.restart = self.calls_tool = False
        self.finish: str | None = None
        self.usage: Usage | None = None

    def add(self, delta: ReasoningDelta) -> None:
        if delta.restart:
            self.texts, self.restart = [], True
        if delta.answer:
            self.texts.append(delta.answer)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)

    def join(self) -> ChatDelta | None:
        delta = ChatDelta(
            "".join(self.texts),
            self.finish,
            self.usage,
            reasoning="".join(self.reasoning),
            refusal=self.refusal,
            restart=self.restart,
            calls_tool=self.calls_tool,
        )
        return None if delta == _NO_DELTA else delta


_NO_DELTA = ChatDelta("")


def _merge(first: ChatDelta | None, last: ChatDelta | None) -> ChatDelta | None:
    if first is None or last is None:
        return first or last
    return ChatDelta(
        last.text if last.restart else first.text + last.text,
        first.finish_reason or last.finish_reason,
        first.usage or last.usage,
        reasoning=first.reasoning + last.reasoning,
        refusal=first.refusal + last.refusal,
        restart=first.restart or last.restart,
        calls_tool=first.calls_tool or last.calls_tool,
    )
