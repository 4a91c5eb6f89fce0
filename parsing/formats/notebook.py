"""Jupyter notebooks: cells in order, with the text that their code printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from parsing.formats.common import emit
from parsing.formats.html import extract_html
from parsing.formats.markdown import split_markdown
from parsing.formats.plain import split_text
from parsing.inline import count_noun
from parsing.source import Source
from parsing.text import Piece, clean_text, decode_text
from parsing.types import Opened, ParsedPage, ParseError

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")
_REPRESENTATION = re.compile(r"<[\w.]+(?: [^<>]*)?>\s*\Z")


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a notebook. Pictures in it are counted in a note, for they are not read."""
    text = decode_text(source.read(), charset=source.charset)
    try:
        notebook = json.loads(text)
    except RecursionError as error:
        raise ParseError("corrupt", "This notebook is nested too deeply to be read.") from error
    except ValueError:
        notebook = None
    if not is_notebook(notebook):
        source.add_note("This file is not a valid notebook; it was read as plain text.")
        yield from emit(source, split_text(text))
        return
    metadata = notebook.get("metadata")
    title = metadata.get("title") if isinstance(metadata, dict) else ""
    pieces = notebook_pieces(notebook, source)
    yield from emit(source, pieces, title=title if isinstance(title, str) else "")


def notebook_pieces(notebook: dict[str, Any], source: Source) -> list[Piece]:
    """Blocks of all cells; what is not read is said in the note of `source`."""
    cells = _Cells()
    pieces = [piece for cell in _iter_cells(notebook) for piece in cells.read(cell)]
    if cells.pictures:
        source.add_note(
            f"{count_noun(cells.pictures, 'picture')} in the outputs of this notebook "
            f"{'was' if cells.pictures == 1 else 'were'} not read."
        )
    return pieces


def is_notebook(value: Any) -> bool:
    """Whether a JSON value is laid out as a notebook, of the present format or the one before."""
    if not isinstance(value, dict) or "nbformat" not in value:
        return False
    return isinstance(value.get("cells"), list) or isinstance(value.get("worksheets"), list)


def _iter_cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sheets = notebook["cells"] if isinstance(notebook.get("cells"), list) else None
    groups = [sheets] if sheets is not None else [
        sheet.get("cells") for sheet in notebook["worksheets"] if isinstance(sheet, dict)
    ]  # fmt: skip
    for group in groups:
        for cell in group if isinstance(group, list) else ():
            if isinstance(cell, dict):
                yield cell


class _Cells:
    """Reads cells and counts the pictures that it passes over."""

    def __init__(self) -> None:
        self.pictures = 0

    def read(self, cell: dict[str, Any]) -> Iterator[Piece]:
        """Blocks of one cell."""
        kind = cell.get("cell_type")
        text = _join(cell.get("source", cell.get("input")))
        if kind == "code":
            yield Piece("code", text)
            outputs = cell.get("outputs")
            for output in outputs if isinstance(outputs, list) else ():
                if isinstance(output, dict):
                    yield from self._read_output(output)
        elif kind == "heading":
            level = cell.get("level")
            yield Piece("heading", text, level=level if isinstance(level, int) else 1)
        elif kind == "markdown":
            attachments = cell.get("attachments")
            self.pictures += len(attachments) if isinstance(attachments, dict) else 0
            yield from split_markdown(clean_text(text))
        else:
            yield from split_text(text)

    def _read_output(self, output: dict[str, Any]) -> Iterator[Piece]:
        if output.get("output_type") in {"error", "pyerr"}:
            trace = _join(output.get("traceback"), separator="\n")
            said = f"{_join(output.get('ename'))}: {_join(output.get('evalue'))}"
            yield Piece("code", _plain(trace) or said)
            return
        if output.get("output_type") == "stream":
            yield Piece("code", _plain(_join(output.get("text"))))
            return
        data = output.get("data")
        if not isinstance(data, dict):  # the format before kept them beside the type
            data = {f"text/{key}": value for key, value in output.items() if key in _OLD_KINDS}
            data |= {"image/png": ""} if {"png", "jpeg", "svg"} & set(output) else {}
            data["text/plain"] = output.get("text", "")
        yield from self._read_data(data)

    def _read_data(self, data: dict[str, Any]) -> Iterator[Piece]:
        """The form of an output that keeps most of its text."""
        plain, html = _plain(_join(data.get("text/plain"))), _join(data.get("text/html"))
        if any(key.startswith(("image/", "video/", "audio/")) for key in data):
            self.pictures += 1
            plain = "" if _REPRESENTATION.match(plain) else plain
        if "text/markdown" in data:
            yield from split_markdown(clean_text(_join(data["text/markdown"])))
        elif html and ("<table" in html or not plain or _REPRESENTATION.match(plain)):
            yield from extract_html(clean_text(html))[1]
        elif plain.strip():
            yield Piece("code", plain)
        elif "text/latex" in data:
            yield Piece("code", _join(data["text/latex"]))
        elif "application/json" in data:
            yield Piece("code", json.dumps(data["application/json"], ensure_ascii=False, indent=1))


_OLD_KINDS = frozenset({"html", "latex", "markdown"})


def _join(value: Any, *, separator: str = "") -> str:
    """Text that notebooks keep whole or as a list of lines."""
    if isinstance(value, list):
        return separator.join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _plain(text: str) -> str:
    """Text as a terminal finally shows it: without colours and overwritten lines."""
    return _OVERWRITTEN.sub("", _TERMINAL_CODES.sub("", text).replace("\r\n", "\n"))
