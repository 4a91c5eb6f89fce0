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
    "<unused94>": "<unused95>",
}
_CLOSERS = tuple(_PAIRS.values())
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>", re.I)
_PLAIN_MARKS = (
    "<|end|>", "<|return|>", "<|call|>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>",
    "<|start_response|>", "<|end_response|>", "<|end_of_text|>", "<end_of_turn>",
)  # fmt: skip
_MARKS = re.compile(
    r"<\|start\|>(?:assistant)?|" + "|".join(map(re.escape, _PLAIN_MARKS)), re.IGNORECASE
)
# What begins a reply without being a tag, and what ends it: gpt-oss on a server that drops special
# tokens ("analysisWe need …assistantfinalThe pump …"), and Granite.
_BARE_FINAL = "assistantfinal"
_SPOKEN_FINAL = "here is my response:"
_BARE_OPENINGS = (
    (re.compile(r"\s*analysis(?=[A-Z\"“])"), _BARE_FINAL),
    (re.compile(r"\s*here is my thought process:", re.IGNORECASE), _SPOKEN_FINAL),
)
_BARE_STARTS = ("analysis", "here is my thought process:")
_BARE_CLOSERS = (_BARE_FINAL, _SPOKEN_FINAL)
_LAST_MARK = re.compile(r"\s*</s>\s*\Z")
_TAG = re.compile(
    "|".join(re.escape(tag) for tag in (*_PAIRS, *_CLOSERS, *_BARE_CLOSERS))
    + f"|{_CHANNEL.pattern}|{_MARKS.pattern}",
    re.IGNORECASE,
)
_NAMES = (
    *_PAIRS, *_CLOSERS, *_PLAIN_MARKS, "<|start|>assistant", "<|channel|>", "</s>",
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
        self._mentions = False  # the answer speaks of such a tag
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
        if "<s>" not in self._said:
            self._held = _LAST_MARK.sub("", self._held)
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
            if not final and match.end() == len(text) and match.group().lower() in _PAIRS:
                break  # what follows tells whether it opens anything
            if self._is_tag(match, text, before):
                self._put(before)
                self._turn(match)
                position = match.end()
        rest = text[position:]
        names = (self._closer,) if self._closer in _BARE_CLOSERS else _NAMES
        if not self._said and not self._closer and not self._closed_once:
            names = (*_NAMES, *_BARE_STARTS)
        keep = 0 if final else max(_count_unclear(rest, names), _count_opening(rest))
        cut = len(rest) - keep
        self._put(rest[:cut])
        self._held = rest[cut:]

    def _open_bare_channel(self, text: str, *, final: bool) -> str:
        for opening, closer in _BARE_OPENINGS:
            if match := opening.match(text):
                self._closer = closer
                return text[match.end() :]
        return text

    def _is_tag(self, match: re.Match[str], text: str, before: str) -> bool:
        """Whether the mark stands where models put it, and in the state that it belongs to."""
        mark = match.group().lower()
        if mark in _PAIRS or mark in _CLOSERS or mark in _BARE_CLOSERS:
            return self._is_border(mark, text[match.end() :], before)
        return not self._in_code(before)

    def _is_border(self, mark: str, after: str, before: str) -> bool:
        """Whether the tag begins or ends reasoning."""
        if self._closer:
            return mark == self._closer
        if mark in _BARE_CLOSERS or self._in_code(before):
            return False
        if mark in _PAIRS:
            so_far = self._said + before
            at_start = not so_far.strip() or so_far.rstrip(" \t").endswith("\n")
            # In the middle of a line, "<think> is a tag" speaks of it, "<think>Well" begins it.
            is_opening = at_start or not after[:1].isspace()
            self._mentions = self._mentions or not is_opening
            return is_opening
        # A closing tag that nothing opened: the template had opened it.
        return not self._closed_once and not self._mentions

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
        elif mark in _CLOSERS or mark in _BARE_CLOSERS:
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


def _count_opening(text: str) -> int:
    """Characters of an opening tag at the very end: what follows tells what it is."""
    tail = text[-_LONGEST_TAG:].lower()
    return max((len(tag) for tag in _PAIRS if tail.endswith(tag)), default=0)
