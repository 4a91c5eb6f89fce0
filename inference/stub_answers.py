"""What the stub model server says: replies, refusals and the frames of a stream."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import orjson

DEFAULT_REPLY = (
    "According to the documents the answer is given in the first passage [1] and the second "
    "passage confirms it with further detail [2]."
)
MODEL_NAME = "stub"
_DIRECTIVE = re.compile(r"\[\[stub:(\w+)\]\]")
_REPLY = re.compile(r"\[\[reply:(.*?)\]\]", re.DOTALL)
_TOKEN = re.compile(r"\s*\S+")
_TOO_LONG = "This model's maximum context length is 1024 tokens, your prompt has at least 1025."
REFUSALS: dict[str, tuple[int, object]] = {
    "error": (500, {"error": {"message": "EngineCore encountered an issue.", "code": 500}}),
    "overloaded": (503, {"error": {"message": "The engine is currently busy.", "code": 503}}),
    "rate_limited": (429, {"error": {"message": "Too many requests.", "code": 429}}),
    "auth": (401, {"error": "Unauthorized"}),
    "not_found": (404, {"error": {"message": "The model does not exist.", "code": 404}}),
    "too_long": (400, {"error": {"message": _TOO_LONG, "param": "input_tokens", "code": 400}}),
    "redirect": (302, {}),
}
EXTRA_HEADERS = {
    "rate_limited": b"Retry-After: 30\r\n",
    "redirect": b"Location: http://127.0.0.1:1/\r\n",
}


@dataclass(frozen=True, slots=True)
class StubConfig:
    """Timing in milliseconds, tokens per answer, and what happens by default."""

    first_token_ms: float = 50.0
    token_ms: float = 20.0
    tokens: int | None = 64
    reply: str = DEFAULT_REPLY
    fail: str | None = None


@dataclass(slots=True)
class StubRequest:
    """The parts of a chat request that decide the answer."""

    stream: bool
    usage: bool
    behaviour: str
    tokens: list[str]
    input_tokens: int


def interpret_request(body: dict[str, Any], *, config: StubConfig, number: int) -> StubRequest:
    """Decide how to answer chat request ``number`` (1 for the first)."""
    messages = [str(m.get("content") or "") for m in body.get("messages") or [{}]]
    behaviour = _choose_behaviour(messages[-1], str(body.get("model") or ""), config)
    if behaviour == "overloaded_once":
        behaviour = "overloaded" if number % 2 else ""
    wants_usage = (body.get("stream_options") or {}).get("include_usage")
    return StubRequest(
        stream=bool(body.get("stream")),
        usage=bool(wants_usage) and behaviour != "no_usage",
        behaviour=behaviour,
        tokens=_pick_tokens(messages[-1], body, config),
        input_tokens=sum(len(text.split()) for text in messages),
    )


def _choose_behaviour(message: str, model: str, config: StubConfig) -> str:
    if directive := _DIRECTIVE.search(message):
        return directive[1]
    if model.startswith(f"{MODEL_NAME}-"):
        return model.removeprefix(f"{MODEL_NAME}-")
    return config.fail or ""


def _pick_tokens(message: str, body: dict[str, Any], config: StubConfig) -> list[str]:
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    if reply := _REPLY.search(message):
        tokens = split_tokens(reply[1], count=None)
    else:
        tokens = split_tokens(config.reply, count=config.tokens)
    return tokens[:limit] if isinstance(limit, int) else tokens


def render_tokens(tokens: list[str]) -> list[bytes]:
    """Return the frames of an answer's tokens, the role chunk joined to the first."""
    frames = [frame(make_chunk({"content": token})) for token in tokens]
    frames[0] = frame(make_chunk({"role": "assistant", "content": ""})) + frames[0]
    return frames


def frame(data: bytes) -> bytes:
    """Wrap bytes as one piece of a chunked HTTP body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(payload: object) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def make_chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event(
        {
            "id": "chatcmpl-stub",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": MODEL_NAME,
            "choices": [choice],
        }
    )


def split_tokens(text: str, *, count: int | None) -> list[str]:
    """Cut a text into ``count`` pieces that join to it, repeating it when it is too short."""
    words = _TOKEN.findall(text) or [""]
    if count is None:
        return words
    repeated = itertools.chain(words, itertools.cycle([" " + word.lstrip() for word in words]))
    return list(itertools.islice(repeated, count))


def _usage(request: StubRequest) -> dict[str, int]:
    written = len(request.tokens)
    return {
        "prompt_tokens": request.input_tokens,
        "completion_tokens": written,
        "total_tokens": request.input_tokens + written,
    }


def make_completion(request: StubRequest) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(request.tokens)}
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL_NAME,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(request),
    }


def plan_frames(request: StubRequest, tokens: list[bytes]) -> tuple[list[bytes], str]:
    """Return the frames to send, one per token interval, and how the stream ends."""
    half = tokens[: max(1, len(tokens) // 2)]
    done = frame(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    if request.behaviour == "mid_stream":
        return half, "close"
    if request.behaviour == "stall":
        return half, "stall"
    if request.behaviour == "event_error":
        return [*half, frame(_event(REFUSALS["error"][1])) + done], "finish"
    if request.behaviour == "first_error":
        return [frame(_event(REFUSALS["overloaded"][1])) + done], "finish"
    end = frame(make_chunk({}, "stop"))
    if request.usage:
        end += frame(_event({"id": "chatcmpl-stub", "choices": [], "usage": _usage(request)}))
    frames = [*tokens[:-1], tokens[-1] + end + done]
    if request.behaviour == "reasoning":
        frames = [frame(make_chunk({"reasoning": word})) for word in ("Let ", "me see.")] + frames
    return frames, "finish"
