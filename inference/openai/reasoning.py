"""Telling a model's reasoning from its answer where a server sends both as one text.

Servers that know a model's template send its reasoning in a field of its own. Others pass on what
the model writes: ``<think>…</think>`` and its relatives, the channel marks of gpt-oss, or, where
the template opened the tag already, a ``</think>`` that nothing opened. A tag counts only where
models put it, at the start of a reply or of a line and never in code, so that an answer about tags
is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PAIRS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|start_thinking|>": "<|end_thinking|>",
}
_CLOSERS = tuple(_PAIRS.values())
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>", re.I)
_MARKS = re.compile(r"<\|(?:start\|>(?:assistant)?|(?:end|return|call|im_end)\|>)", re.I)
# gpt-oss on a server that drops special tokens: "analysisWe need …assistantfinalThe pump …".
_BARE_CHANNEL = re.compile(r"\s*analysis(?=[A-Z\"“])")
_BARE_FINAL = "assistantfinal"
_TAG = re.compile(
    "|".join(re.escape(tag) for tag in (*_PAIRS, *_CLOSERS, _BARE_FINAL))
    + f"|{_CHANNEL.pattern}|{_MARKS.pattern}",
    re.IGNORECASE,
)
_NAMES = (
    *_PAIRS, *_CLOSERS, "<|start|>assistant", "<|end|>", "<|return|>", "<|call|>", "<|im_end|>",
    "<|channel|>",
)  # fmt: skip
_START = re.compile(r"[<\[◁]")
_LONGEST_TAG = 80
"""Characters for which something that may become a tag is held back."""


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """What the text so far has settled: more of the answer, more of the reasoning.

    With ``restart`` everything taken for the answer before was reasoning after all: the consumer
    drops it, and ``reasoning`` holds it.
    """

    answer: str = ""
    reasoning: str = ""
    restart: bool = False


class ReasoningSplitter:
    """Splits a stream of text into answer and reasoning; tags may be cut anywhere."""

    def __init__(self) -> None:
        self._held = ""
        self._said = ""  # what was passed on as the answer
        self._closer = ""  # the tag that ends the current reasoning; "|" for a channel
        self._closed_once = False
        self._answer: list[str] = []
        self._reasoning: list[str] = []
        self._restart = False

    def feed(self, text: str) -> ReasoningDelta:
        """Take more text; what cannot be told yet is held back."""
        if self._said and not self._held and not self._closer and not _START.search(text):
            self._said += text
            return ReasoningDelta(text)
        self._held += text
        self._read(final=False)
        return self._take()

    def finish(self) -> ReasoningDelta:
        """End the reply: text that was held back counts as what it looks like."""
        self._read(final=True)
        return self._take()

    def _take(self) -> ReasoningDelta:
        piece = ReasoningDelta("".join(self._answer), "".join(self._reasoning), self._restart)
        self._answer, self._reasoning, self._restart = [], [], False
        return piece

    def _read(self, *, final: bool) -> None:
        text = self._held
        if not self._said and not self._closer and not self._closed_once:
            text = self._open_bare_channel(text, final=final)
        position = 0
        for match in _TAG.finditer(text):
            if match.start() < position:
                continue
            if not final and _may_grow(match, text):
                break
            before = text[position : match.start()]
            if self._is_tag(match, text, before):
                self._put(before)
                self._turn(match)
                position = match.end()
        rest = text[position:]
        names = (_BARE_FINAL,) if self._closer == _BARE_FINAL else _NAMES
        if not self._said and not self._closer and not self._closed_once:
            names = (*_NAMES, "analysis")
        keep = 0 if final else _count_unclear(rest, names)
        cut = len(rest) - keep
        self._put(rest[:cut])
        self._held = rest[cut:]

    def _open_bare_channel(self, text: str, *, final: bool) -> str:
        if match := _BARE_CHANNEL.match(text):
            self._closer = _BARE_FINAL
            return text[match.end() :]
        return text

    def _is_tag(self, match: re.Match[str], text: str, before: str) -> bool:
        """Whether the mark stands where models put it, and in the state that it belongs to."""
        mark = match.group().lower()
        if mark.startswith("<|") and mark not in _PAIRS and mark not in _CLOSERS:
            return not self._in_code(before)
        if self._closer:
            return mark == self._closer
        if mark in _PAIRS:
            so_far = self._said + before
            at_start = not so_far.strip() or so_far.rstrip(" \t").endswith("\n")
            return at_start and not self._in_code(before)
        # A closing tag that nothing opened: the template had opened it.
        return mark in _CLOSERS and not self._closed_once and not self._in_code(before)

    def _in_code(self, before: str) -> bool:
        """Whether the answer stands inside a fence or between backticks here."""
        said = "" if self._closer else self._said + before
        if len(re.findall(r"^ {0,3}(?:```|~~~)", said, re.MULTILINE)) % 2:
            return True
        line = said[said.rfind("\n") + 1 :]
        return line.count("`") % 2 == 1

    def _turn(self, match: re.Match[str]) -> None:
        mark = match.group().lower()
        if channel := _CHANNEL.match(match.group()):
            self._closer = "" if channel.group(1).lower() == "final" else "|"
            self._closed_once = True
        elif mark in _PAIRS and not self._closer:
            self._closer = _PAIRS[mark]
        elif mark in _CLOSERS or mark == _BARE_FINAL:
            if not self._closer:
                self._take_back()
            self._closer, self._closed_once = "", True
        elif self._closer == "|" and mark.startswith(("<|end|", "<|call|", "<|return|")):
            self._closer = ""

    def _take_back(self) -> None:
        """Everything until here was reasoning."""
        said = self._said
        self._restart = len(said) > sum(map(len, self._answer))
        self._answer = []
        self._reasoning.insert(0, said)
        self._said = ""

    def _put(self, text: str) -> None:
        if not text:
            return
        if self._closer:
            self._reasoning.append(text)
            return
        if not self._said and self._closed_once:
            text = text.lstrip()  # the blank lines after the reasoning
        if text:
            self._said += text
            self._answer.append(text)


def split_reasoning(text: str) -> tuple[str, str]:
    """A whole reply as (answer, reasoning)."""
    splitter = ReasoningSplitter()
    first, last = splitter.feed(text), splitter.finish()
    answer = last.answer if last.restart else first.answer + last.answer
    return answer, (first.reasoning + last.reasoning).strip()


def _may_grow(match: re.Match[str], text: str) -> bool:
    """`<|start|>` may still become `<|start|>assistant`."""
    return match.group().lower() == "<|start|>" and "assistant".startswith(text[match.end() :])


def _count_unclear(text: str, names: tuple[str, ...]) -> int:
    """Characters at the end that may be the beginning of a tag."""
    tail = text[-_LONGEST_TAG:].lower()
    for start in range(len(tail)):
        rest = tail[start:]
        if any(name.startswith(rest) for name in names):
            return len(rest)
        if rest.startswith("<|channel|>") and "<|message|>" not in rest:
            return len(rest)
    return 0
