"""Transcripts (WebVTT, SubRip): what is said, with a time mark before each passage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsing.formats.common import emit
from parsing.source import Source
from parsing.text import Piece, decode_text, squeeze
from parsing.types import Opened, ParsedPage

_TIMING = re.compile(
    r"^\s*((?:\d+:)?\d{1,2}:\d{2})[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
)
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")
_PASSAGE_CHARS = 600


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a transcript."""
    text = decode_text(source.read(), charset=source.charset)
    yield from emit(source, _passages(_cues(text)))


def _cues(text: str) -> Iterator[tuple[str, str]]:
    """(start time, text) of each cue; notes and style blocks are skipped."""
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().split("\n")
        at = next((i for i, line in enumerate(lines) if _TIMING.match(line)), -1)
        match = _TIMING.match(lines[at]) if at >= 0 else None
        if match is None:
            continue
        said = "\n".join(lines[at + 1 :])
        said = _TAG.sub("", _VOICE.sub(r"\1: ", said))
        if said.strip():
            yield match.group(1), squeeze(said)


def _passages(cues: Iterator[tuple[str, str]]) -> Iterator[Piece]:
    """Cues joined to passages of some length; one that repeats its predecessor is dropped."""
    start, lines, size, last = "", [], 0, ""
    for time, said in cues:
        if said == last:
            continue
        last = said
        start = start or time
        lines.append(said)
        size += len(said)
        if size > _PASSAGE_CHARS:
            yield Piece("paragraph", f"[{start}] " + "\n".join(lines))
            start, lines, size = "", [], 0
    if lines:
        yield Piece("paragraph", f"[{start}] " + "\n".join(lines))
