"""What a message of a model says, in whichever of its shapes a server sends it.

``content`` is text, or a list of typed parts (text, thinking, refusal); reasoning has a field of
its own under several names. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TEXT = frozenset({"text", "output_text", ""})
_REASONING = frozenset({"thinking", "reasoning", "reasoning_text", "redacted_thinking"})
_REASONING_FIELDS = ("reasoning", "reasoning_content", "thinking", "reasoning_text")
_DEEPEST = 4
"""Lists in lists that are looked into."""


@dataclass(frozen=True, slots=True)
class Content:
    """Text of the answer, reasoning, refusal, and whether a tool was asked for."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls_tool: bool = False


def read_message(message: Mapping[str, Any]) -> Content:
    """Read a message or the delta of one. Raises ``TypeError`` for content of another type."""
    texts: list[str] = []
    thoughts: list[str] = []
    refusals: list[str] = []
    _read_part(message.get("content"), texts, thoughts, refusals, depth=0)
    for name in _REASONING_FIELDS:
        if value := message.get(name):
            thoughts.append(_join(value))
            break  # some servers send the same under two names
    else:
        if details := message.get("reasoning_details"):
            thoughts.append(_join(details))
    if refusal := message.get("refusal"):
        refusals.append(_join(refusal))
    calls = bool(message.get("tool_calls") or message.get("function_call"))
    return Content("".join(texts), "".join(thoughts), "".join(refusals), calls)


def _read_part(
    part: Any, texts: list[str], thoughts: list[str], refusals: list[str], *, depth: int
) -> None:
    if part is None:
        return
    if isinstance(part, str):
        texts.append(part)
    elif isinstance(part, list) and depth < _DEEPEST:
        for one in part:
            _read_part(one, texts, thoughts, refusals, depth=depth + 1)
    elif isinstance(part, Mapping):
        kind = str(part.get("type") or "")
        if kind in _REASONING:
            thoughts.append(_join(part))
        elif kind == "refusal":
            refusals.append(_join(part.get("refusal") or part.get("text")))
        elif kind in _TEXT:
            texts.append(_join(part.get("text", part.get("content"))))
        # Pictures, sound and other parts hold no text of an answer.
    else:
        raise TypeError(f"content is {type(part).__name__}")


def _join(value: Any, *, depth: int = 0) -> str:
    """The text in strings, parts and lists of them."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "".join(_join(one, depth=depth + 1) for one in value)
    if isinstance(value, Mapping):
        names = ("text", "thinking", "reasoning", "content", "summary", "value")
        return next((_join(value[n], depth=depth + 1) for n in names if value.get(n)), "")
    return ""
