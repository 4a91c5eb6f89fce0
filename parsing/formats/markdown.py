"""Markdown: blocks by line, inline marks removed, one pass and no syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsing.formats.common import emit
from parsing.formats.html import extract_html
from parsing.formats.markdown_inline import UNSEEN, Definitions, clean_inline, find_label
from parsing.source import Source
from parsing.text import Piece, decode_text, format_table
from parsing.types import BlockKind, Opened, ParsedPage

_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^(\s{0,12})(`{3,}|~{3,})(.*)$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,9}[.)])[ \t]+(.*)$")
_TASK, _KEPT_BOX = re.compile(r"^\[([ xX])\](?=\s)"), r"\\[\1\\]"
_BREAK = re.compile(r"^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_TABLE_OPEN = re.compile(r"^ {0,3}<table(?:\s[^<>]*)?>", re.IGNORECASE)
_TABLE_TAG = re.compile(r"<(/?)table\b", re.IGNORECASE)
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_QUOTE = re.compile(r"^ {0,3}>[ \t]?")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_FRONT_LINE = re.compile(r"[\w-]+[ \t]*:(?:\s|$)|[ \t]|-[ \t]|[\]}#]|$")
_DEFINITION = re.compile(
    r"^ {0,3}\[(?!\^)((?:[^\[\]\\]|\\.){1,999})\]:[ \t]+(<[^<>]*>|\S+)"
    r"(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*$"
)
_EMBEDDED = re.compile(r"data:[\w.+-]{1,99}/[\w.+-]{1,99}(?:;[\w=.-]{1,99})*;base64,[\w+/=%]{64,}")
_ADDRESS = re.compile(r"<?(?:https?|ftp|file)://|<?mailto:|<?www\.", re.IGNORECASE)
_BRACKETS = re.compile(r"\[([^\[\]]{1,999})\]")

_MAX_SEARCHED = 1_000_000
"""Lines looked through for the ends of tables in HTML, where many may never be closed."""

_MAX_LINE = 5_000
"""Longer lines are not prose, and could keep the expressions above busy."""


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a Markdown file; a YAML front matter gives the title."""
    text = decode_text(source.read(), charset=source.charset)
    title = ""
    front = _FRONT.match(text)
    if front and all(map(_FRONT_LINE.match, front.group(1).split("\n"))):
        line = re.search(r"^title:\s*[\"']?(.+?)[\"']?\s*$", front.group(1), re.MULTILINE)
        title = line.group(1) if line else ""
        text = text[front.end() :]
    if UNSEEN.search(text):
        source.add_note("Text that the page does not show was left out.")
    yield from emit(source, split_markdown(text), title=title)


def split_markdown(text: str) -> Iterator[Piece]:
    """Blocks of a Markdown text, in order. Pictures that stand in the text itself are left out."""
    if ";base64," in text:
        text = _EMBEDDED.sub("data:", text)
    lines = text.expandtabs(4).split("\n")
    return _Blocks(lines).split()


def _match_item(line: str) -> re.Match[str] | None:
    return None if _BREAK.match(line) else _ITEM.match(line)


def _ends_list(line: str) -> bool:
    is_table = "|" in line and line[:1] != " "
    return is_table or bool(_ATX.match(line) or _BREAK.match(line) or _TABLE_OPEN.match(line))


def _match_definition(line: str) -> re.Match[str] | None:
    return _DEFINITION.match(line) if "]:" in line and len(line) <= _MAX_LINE else None


def _find_definitions(lines: list[str]) -> Definitions:
    """Targets by label of the lines `[label]: target` that are no text.

    Prose can look like that, too, such as `[E-12]: timeout`. A line is taken for a definition if it
    gives an address, or if the text refers to its label.
    """
    definitions: Definitions = {}
    references: set[str] = set()
    for line in lines:
        definition = _match_definition(line)
        if definition:
            definitions.setdefault(find_label(definition.group(1)), definition.group(2))
        elif "[" in line and len(line) <= _MAX_LINE:
            references.update(map(find_label, _BRACKETS.findall(line)))
    return {
        label: target.strip("<>")
        for label, target in definitions.items()
        if _ADDRESS.match(target) or (label in references and not re.search(r"\s", target))
    }


class _Blocks:
    """The lines of one text, and what its reference links point to."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._definitions = _find_definitions(lines)
        self._searched = 0

    def split(self) -> Iterator[Piece]:
        """All blocks in order."""
        at = 0
        paragraph: list[str] = []
        while at < len(self._lines):
            line = self._lines[at]
            end, pieces = self._read_block(at, in_paragraph=bool(paragraph))
            setext = _SETEXT.match(line) if paragraph else None
            if setext:
                level = 1 if setext.group(1)[0] == "=" else 2
                yield Piece("heading", self._clean(" ".join(paragraph)), level=level)
                paragraph, at = [], at + 1
            elif end > at:
                yield from self._flush(paragraph)
                paragraph, at = [], end
                yield from pieces
            else:
                paragraph.append(_QUOTE.sub("", line).strip())
                at += 1
        yield from self._flush(paragraph)

    def _clean(self, text: str) -> str:
        return clean_inline(text, self._definitions)

    def _flush(self, lines: list[str]) -> Iterator[Piece]:
        if lines:
            text = self._clean("\n".join(lines))
            if text.strip():
                yield Piece("paragraph", text)

    def _is_definition(self, line: str) -> bool:
        definition = _match_definition(line)
        return bool(definition) and find_label(definition.group(1) if definition else "") in (
            self._definitions
        )

    def _says_nothing(self, line: str, *, in_paragraph: bool) -> bool:
        """Blank lines, rules between blocks, and where links lead."""
        if not line.strip() or _BREAK.match(line):
            return True
        return not in_paragraph and self._is_definition(line)

    def _read_block(self, at: int, *, in_paragraph: bool) -> tuple[int, list[Piece]]:
        """The block that begins at line `at` and the line after it; `at` itself if it is prose."""
        lines, line = self._lines, self._lines[at]
        if len(line) > _MAX_LINE:
            return at, []
        if self._says_nothing(line, in_paragraph=in_paragraph):
            return at + 1, []
        if _TABLE_OPEN.match(line):
            return self._read_html_table(at)
        heading = _ATX.match(line)
        if heading:
            text = self._clean(heading.group(2) or "")
            return at + 1, [Piece("heading", text, level=len(heading.group(1)))]
        fence = _FENCE.match(line)
        if fence:
            return self._read_fence(at, fence.group(2))
        below = lines[at + 1][:_MAX_LINE] if at + 1 < len(lines) else ""
        if "|" in line and "|" in below and _TABLE_RULE.match(below):
            return self._read_table(at)
        if _ITEM.match(line) and not (in_paragraph and line.lstrip()[0].isdigit()):
            return self._read_list(at)
        if line.startswith("    ") and not in_paragraph:
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            return end, [Piece("code", "\n".join(part[4:] for part in lines[at:end]))]
        return at, []

    def _read_html_table(self, at: int) -> tuple[int, list[Piece]]:
        """A table written in HTML, up to the end of the line that closes it."""
        lines, end, depth = self._lines, at, 0
        while end < len(lines) and self._searched < _MAX_SEARCHED:
            self._searched += 1
            for tag in _TABLE_TAG.finditer(lines[end]):
                depth += -1 if tag.group(1) else 1
            end += 1
            if depth <= 0:
                return end, extract_html("\n".join(lines[at:end]))[1]
        return at, []

    def _read_fence(self, at: int, mark: str) -> tuple[int, list[Piece]]:
        lines = self._lines
        indent = len(lines[at]) - len(lines[at].lstrip())
        end = at + 1
        while end < len(lines):
            closing = lines[end].strip()
            if closing.startswith(mark) and not closing.strip(mark[0]):
                break
            end += 1
        body = [
            part[indent:] if not part[:indent].strip() else part for part in lines[at + 1 : end]
        ]
        return end + 1, [Piece("code", "\n".join(body))]

    def _read_table(self, at: int) -> tuple[int, list[Piece]]:
        lines, end = self._lines, at + 2
        while end < len(lines) and "|" in lines[end] and lines[end].strip():
            end += 1
        rows = [self._cells(lines[at])] + [self._cells(line) for line in lines[at + 2 : end]]
        return end, list(format_table(rows))

    def _cells(self, line: str) -> list[str]:
        inner = line.strip().removeprefix("|")
        if inner.endswith("|") and not inner.endswith("\\|"):
            inner = inner[:-1]
        return [self._clean(cell.strip()) for cell in re.split(r"(?<!\\)\|", inner)]

    def _read_list(self, at: int) -> tuple[int, list[Piece]]:
        """A list up to the first line that is neither an item nor indented under one."""
        lines = self._lines
        out: list[Piece] = []
        item: list[str] = []
        kind: BlockKind = "list"
        while at < len(lines):
            line = lines[at]
            fence = _FENCE.match(line)
            match = _match_item(line)
            if fence and line[:1] == " " and item:
                out.append(Piece(kind, self._clean("\n".join(item))))
                item = []
                at, pieces = self._read_fence(at, fence.group(2))
                out += pieces
                continue
            if match:
                if item:
                    out.append(Piece(kind, self._clean("\n".join(item))))
                mark = "-" if match.group(2) in "-*+" else match.group(2)
                indent = " " * min(len(match.group(1)), 12)
                # The box of a task is no link, whatever else the text calls `x`.
                item = [f"{indent}{mark} {_TASK.sub(_KEPT_BOX, match.group(3))}"]
            elif not line.strip():
                if not self._continues(at):
                    break
            elif fence or _ends_list(line):
                break
            elif line[:1] == " " or (item and lines[at - 1].strip()):
                item.append(f"  {line.strip()}" if item else line.strip())
            else:
                break
            at += 1
        if item:
            out.append(Piece(kind, self._clean("\n".join(item))))
        return at, out

    def _continues(self, at: int) -> bool:
        """Whether the list goes on after the blank line `at`."""
        lines = self._lines
        while at < len(lines) and not lines[at].strip():
            at += 1
        return at < len(lines) and bool(_ITEM.match(lines[at]) or lines[at].startswith("  "))
