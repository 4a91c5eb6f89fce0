"""JSON, JSON Lines and XML: values with the names they stand under."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lxml import etree

from parsing.formats.common import emit
from parsing.formats.html import extract_html
from parsing.formats.notebook import is_notebook, notebook_pieces
from parsing.formats.plain import split_text
from parsing.markup import local_name, parse_xml
from parsing.source import Source
from parsing.text import Piece, cut_lines, decode_text, squeeze
from parsing.types import Opened, ParsedPage, ParseError

_LONG_LINE = 500
_MAX_DEPTH = 200


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a data file."""
    if source.format == "xml":
        yield from emit(source, _read_xml(source))
        return
    text = decode_text(source.read(), charset=source.charset)
    if source.format == "jsonl":
        yield from emit(source, _split_lines(text))
    else:
        yield from emit(source, _split_json(text, source))


def _split_json(text: str, source: Source) -> Iterator[Piece]:
    """Text laid out by hand stays as it is; text on one line is laid out."""
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ParseError(
            "corrupt", "This JSON file is nested too deeply to be read. Flatten it."
        ) from error
    except ValueError:
        if text.lstrip()[:1] in "{[" and "\n{" in text:
            yield from _split_lines(text)
            return
        source.add_note("This file is not valid JSON; it was read as plain text.")
        yield from split_text(text)
        return
    if is_notebook(value):
        yield from notebook_pieces(value, source)
        return
    lines = text.split("\n")
    if max(len(line) for line in lines) > _LONG_LINE:
        text = json.dumps(value, ensure_ascii=False, indent=1)
    yield from _split_top_level(text, value)


def _split_top_level(text: str, value: Any) -> Iterator[Piece]:
    """Blocks of about a screen, cut before lines that begin a new top-level item."""
    indents = [len(line) - len(line.lstrip()) for line in text.split("\n")[1:] if line.strip()]
    shallow = min((indent for indent in indents if indent), default=0)

    def begins_item(line: str, _: str) -> bool:
        return len(line) - len(line.lstrip()) <= shallow and line.strip()[:1] not in "]}"

    return cut_lines(text, min_chars=800, may_cut=begins_item)


def _split_lines(text: str) -> Iterator[Piece]:
    for line in text.split("\n"):
        if line.strip():
            yield Piece("code", line)


def _read_xml(source: Source) -> Iterator[Piece]:
    """Lines of `name (attribute: value): text`, one block for each larger element."""
    root = parse_xml(source.read())
    if local_name(root) == "html":
        markup = etree.tostring(root, encoding="unicode")
        yield from extract_html(markup)[1]
        return
    lines: list[str] = []
    size = 0
    for depth, line in _xml_lines(root):
        if lines and depth <= 1 and size > 400:
            yield Piece("paragraph", "\n".join(lines))
            lines, size = [], 0
        lines.append("  " * min(depth, 10) + line)
        size += len(line)
    if lines:
        yield Piece("paragraph", "\n".join(lines))


def _xml_lines(root: etree._Element) -> Iterator[tuple[int, str]]:
    depth = -1
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = local_name(element)
        if event == "start":
            depth += 1
            if depth > _MAX_DEPTH:
                raise ParseError("corrupt", "This XML file is nested too deeply to be read.")
            text = squeeze(element.text or "")
            details = ", ".join(
                f"{str(key).rpartition('}')[2]}: {squeeze(str(value))}"
                for key, value in element.attrib.items()
            )
            head = f"{name} ({details})" if details else name
            if text:
                yield depth, f"{head}: {text}"
            elif details or len(element):
                yield depth, head
        else:
            depth -= 1
            tail = squeeze(element.tail or "")
            if tail and element is not root:
                yield depth + 1, tail
