"""Plain text, reStructuredText and source code: the text stays as it is, in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsing.formats.common import emit
from parsing.source import Source
from parsing.text import Piece, cut_lines, decode_text
from parsing.types import Opened, ParsedPage

_LIST_LINE = re.compile(r"^\s*(?:[-*+•‣▪]|\d{1,3}[.)]|[a-zA-Z][.)])\s+\S")
_RST_RULE = re.compile(r"^([=\-`:'\"~^_*+#<>.])\1{2,}\s*$")


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of text; form feeds begin new pages."""
    text = decode_text(source.read(), charset=source.charset)
    if source.format == "code":
        yield from emit(source, split_code(text))
    elif source.format == "rst":
        yield from emit(source, split_rst(text))
    else:
        yield from emit(source, split_text(text))


def split_text(text: str) -> Iterator[Piece]:
    """Paragraphs of plain text, which blank lines separate."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        if not paragraph.strip():
            continue
        lines = [line for line in paragraph.split("\n") if line.strip()]
        listed = sum(1 for line in lines if _LIST_LINE.match(line))
        if listed and listed >= len(lines) / 2:
            yield Piece("list", paragraph)
        else:
            yield Piece("paragraph", paragraph)


def split_code(text: str) -> Iterator[Piece]:
    """Blocks of source code: a block ends at a blank line before a line that is not indented."""

    def begins_block(line: str, before: str) -> bool:
        return bool(line.strip()) and not line[0].isspace() and not before.strip()

    return cut_lines(text, min_chars=400, may_cut=begins_block)


def split_rst(text: str) -> Iterator[Piece]:
    """reStructuredText: underlined lines are headings, their level by order of first use."""
    styles: list[str] = []
    buffer: list[str] = []
    lines = text.split("\n")
    for at, line in enumerate(lines):
        below = lines[at + 1] if at + 1 < len(lines) else ""
        rule = _RST_RULE.match(line)
        underlines = rule and at and lines[at - 1].strip() and not _RST_RULE.match(lines[at - 1])
        overlines = rule and at + 2 < len(lines) and bool(_RST_RULE.match(lines[at + 2]))
        if underlines or overlines:
            continue
        if _RST_RULE.match(below) and line.strip() and not rule:
            yield from split_text("\n".join(buffer))
            buffer = []
            if below[0] not in styles:
                styles.append(below[0])
            yield Piece("heading", line.strip(), level=styles.index(below[0]) + 1)
        else:
            buffer.append(line)
    yield from split_text("\n".join(buffer))
