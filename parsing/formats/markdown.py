"""Markdown: blocks by line, inline marks removed, one pass and no syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsing.formats.common import emit
from parsing.source import Source
from parsing.text import Piece, decode_text, format_table
from parsing.types import BlockKind, Opened, ParsedPage

_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^(\s{0,12})(`{3,}|~{3,})(.*)$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,9}[.)])[ \t]+(.*)$")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_QUOTE = re.compile(r"^ {0,3}>[ \t]?")
_CODE_SPAN = re.compile(r"(?<!`)(`{1,3})(?!`)(.{1,1000}?)(?<!`)\1(?!`)", re.DOTALL)
_IMAGE = re.compile(
    r"!\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+[\"'][^\"']*[\"'])?\)|\[[^\]]*\])"
)
_LINK = re.compile(
    r"\[((?:[^\[\]\\]|\\.)+)\](?:\(<?[^()\s]*(?:\([^()]*\)[^()\s]*)*>?(?:\s+[\"'][^\"']*[\"'])?\)|\[[^\]]*\])"
)
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.{1,1000}?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(
    r"(?<![\w*\\])([*_])(?=[^\s*_])(.{1,1000}?)(?<=[^\s*_\\])\1(?![\w*])", re.DOTALL
)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.DOTALL)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,12}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+\S+")

_MAX_LINE, _MAX_INLINE = 5_000, 20_000
"""Longer lines and paragraphs are no prose, and could keep the expressions above busy."""


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a Markdown file; a YAML front matter gives the title."""
    text = decode_text(source.read(), charset=source.charset)
    title = ""
    front = _FRONT.match(text)
    if front:
        found = re.search(r"^title:\s*[\"']?(.+?)[\"']?\s*$", front.group(1), re.MULTILINE)
        title = found.group(1) if found else ""
        text = text[front.end() :]
    yield from emit(source, split_markdown(text), title=title)


def split_markdown(text: str) -> Iterator[Piece]:
    """Blocks of a Markdown text, in order."""
    lines = text.expandtabs(4).split("\n")
    at = 0
    paragraph: list[str] = []
    while at < len(lines):
        line = lines[at]
        end, pieces = _read_block(lines, at, in_paragraph=bool(paragraph))
        setext = _SETEXT.match(line) if paragraph else None
        if setext:
            level = 1 if setext.group(1)[0] == "=" else 2
            yield Piece("heading", clean_inline(" ".join(paragraph)), level=level)
            paragraph, at = [], at + 1
        elif end > at:
            yield from _flush(paragraph)
            paragraph, at = [], end
            yield from pieces
        else:
            paragraph.append(_QUOTE.sub("", line).strip())
            at += 1
    yield from _flush(paragraph)


def _flush(lines: list[str]) -> Iterator[Piece]:
    if lines:
        text = clean_inline("\n".join(lines))
        if text.strip():
            yield Piece("paragraph", text)


def _read_block(lines: list[str], at: int, *, in_paragraph: bool) -> tuple[int, list[Piece]]:
    """The block that begins at line `at` and the line after it; `at` itself if it is plain text."""
    line = lines[at]
    if len(line) > _MAX_LINE:
        return at, []
    if not line.strip() or _REFERENCE.match(line):
        return at + 1, []
    heading = _ATX.match(line)
    if heading:
        text = clean_inline(heading.group(2) or "")
        return at + 1, [Piece("heading", text, level=len(heading.group(1)))]
    fence = _FENCE.match(line)
    if fence:
        return _read_fence(lines, at, fence.group(2))
    below = lines[at + 1][:_MAX_LINE] if at + 1 < len(lines) else ""
    if "|" in line and "|" in below and _TABLE_RULE.match(below):
        return _read_table(lines, at)
    if _ITEM.match(line) and not (in_paragraph and line.lstrip()[0].isdigit()):
        return _read_list(lines, at)
    if line.startswith("    ") and not in_paragraph:
        end = at
        while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
            end += 1
        return end, [Piece("code", "\n".join(part[4:] for part in lines[at:end]))]
    return at, []


def _read_fence(lines: list[str], at: int, mark: str) -> tuple[int, list[Piece]]:
    indent = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while end < len(lines):
        closing = lines[end].strip()
        if closing.startswith(mark) and not closing.strip(mark[0]):
            break
        end += 1
    body = [part[indent:] if not part[:indent].strip() else part for part in lines[at + 1 : end]]
    return end + 1, [Piece("code", "\n".join(body))]


def _read_table(lines: list[str], at: int) -> tuple[int, list[Piece]]:
    end = at + 2
    while end < len(lines) and "|" in lines[end] and lines[end].strip():
        end += 1
    rows = [_cells(lines[at])] + [_cells(line) for line in lines[at + 2 : end]]
    return end, list(format_table(rows))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [clean_inline(cell.strip()) for cell in re.split(r"(?<!\\)\|", inner)]


def _read_list(lines: list[str], at: int) -> tuple[int, list[Piece]]:
    """A list up to the first line that is neither an item nor indented under one."""
    out: list[Piece] = []
    item: list[str] = []
    kind: BlockKind = "list"
    while at < len(lines):
        line = lines[at]
        fence = _FENCE.match(line)
        match = _ITEM.match(line)
        if fence and line[:1] == " " and item:
            out.append(Piece(kind, clean_inline("\n".join(item))))
            item = []
            at, pieces = _read_fence(lines, at, fence.group(2))
            out += pieces
            continue
        if match:
            if item:
                out.append(Piece(kind, clean_inline("\n".join(item))))
            mark = "-" if match.group(2) in "-*+" else match.group(2)
            indent = " " * min(len(match.group(1)), 12)
            item = [f"{indent}{mark} {match.group(3)}"]
        elif not line.strip():
            if not _continues(lines, at):
                break
        elif _ATX.match(line) or fence or ("|" in line and line[:1] != " "):
            break
        elif line[:1] == " " or (item and lines[at - 1].strip()):
            item.append(f"  {line.strip()}" if item else line.strip())
        else:
            break
        at += 1
    if item:
        out.append(Piece(kind, clean_inline("\n".join(item))))
    return at, out


def _continues(lines: list[str], at: int) -> bool:
    """Whether the list goes on after the blank line `at`."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at < len(lines) and bool(_ITEM.match(lines[at]) or lines[at].startswith("  "))


def clean_inline(text: str) -> str:
    """Text without Markdown's inline marks; code spans keep their content untouched."""
    if len(text) > _MAX_INLINE or not re.search(r"[`*_\[\]<>\\&!]", text):
        return text
    out: list[str] = []
    at = 0
    for span in _CODE_SPAN.finditer(text) if "`" in text else ():
        out.append(_clean_prose(text[at : span.start()]))
        out.append(span.group(2))
        at = span.end()
    out.append(_clean_prose(text[at:]))
    return "".join(out)


def _clean_prose(text: str) -> str:
    if "[" in text:
        text = _IMAGE.sub(r"\1", text)
        text = _LINK.sub(r"\1", text)
    if "<" in text:
        text = _AUTOLINK.sub(r"\1", text)
        text = _TAG.sub(lambda tag: "\n" if tag.group(0)[:3].lower() == "<br" else "", text)
    if "*" in text or "_" in text:
        text = _STRONG.sub(r"\2", text)
        text = _EMPHASIS.sub(r"\2", text)
    if "\\" in text:
        text = _ESCAPE.sub(r"\1", text)
    if "&" in text:
        from html import unescape

        text = _ENTITY.sub(lambda entity: unescape(entity.group(0)), text)
    return text
