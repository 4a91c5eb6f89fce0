"""Parses one open file in this process. Runs inside the sandbox child; tests call it directly."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from parsing.inline import join_notes
from parsing.markup import too_deep
from parsing.sniff import sniff_file
from parsing.source import FormatReader, Source
from parsing.types import Limits, Opened, ParsedPage, ParseError

_PACKAGE = "parsing.formats"
_MODULES = {
    "pdf": "pdf", "docx": "docx", "pptx": "pptx", "xlsx": "sheets", "xls": "sheets",
    "xlsb": "sheets", "ods": "sheets", "odt": "opendocument", "odp": "opendocument",
    "doc": "legacy_doc", "ppt": "legacy_ppt", "msg": "outlook", "epub": "epub", "rtf": "rtf",
    "html": "html", "md": "markdown", "rst": "plain", "txt": "plain", "code": "plain",
    "vtt": "subtitles", "srt": "subtitles", "csv": "delimited", "tsv": "delimited",
    "eml": "mail", "mbox": "mbox", "json": "data", "jsonl": "data", "xml": "data",
    "ipynb": "notebook", "png": "image",
    "jpeg": "image", "tiff": "image", "webp": "image", "gif": "image", "bmp": "image",
}  # fmt: skip


PLAIN_FORMATS = frozenset({"md", "rst", "txt", "code"})
"""What our own code alone reads: texts without a structure that could be malformed."""

_SAMPLE = b"# Sample\n\nOne line with `code`, a [link](https://example.com) and *more*.\n\n- item\n"


def preload() -> None:
    """Load every reader, so that forked children start with all code in memory."""
    for module in sorted(set(_MODULES.values())):
        importlib.import_module(f"{_PACKAGE}.{module}")
    importlib.import_module("encodings.ascii")  # `confine_child` reads /proc
    for name in ("sample.md", "sample.txt"):
        parse_plain(io.BytesIO(_SAMPLE), filename=name, limits=Limits())


def parse_path(
    path: Path,
    *,
    filename: str = "",
    first_page: int = 1,
    limits: Limits | None = None,
    ocr: bool = True,
) -> Iterator[Opened | ParsedPage]:
    """Parse in this process, without a sandbox."""
    with path.open("rb") as file:
        yield from parse_file(
            file,
            filename=filename or path.name,
            first_page=first_page,
            limits=limits or Limits(),
            ocr=ocr,
        )


def parse_file(
    file: BinaryIO,
    *,
    filename: str,
    first_page: int,
    limits: Limits,
    ocr: bool,
    depth: int = 0,
    await_turn: Callable[[], None] | None = None,
) -> Iterator[Opened | ParsedPage]:
    """Yield what is known of the document, then its pages from `first_page` on.

    `depth` counts the mails that the file is attached to. `await_turn`: see `Source`.
    """
    source = open_source(file, filename=filename, limits=limits)
    source.first_page, source.ocr, source.depth = first_page, ocr, depth
    if await_turn is not None:
        source.await_turn = await_turn
    try:
        yield from _enforce(source, _find_reader(source.format)(source))
    except RecursionError as error:
        raise too_deep() from error
    except MemoryError as error:
        raise memory_error(limits) from error


def parse_plain(
    file: BinaryIO, *, filename: str, limits: Limits
) -> list[Opened | ParsedPage] | None:
    """All of a text of PLAIN_FORMATS; None for other formats, whatever the name says."""
    source = open_source(file, filename=filename, limits=limits)
    if source.format not in PLAIN_FORMATS:
        return None
    return list(_enforce(source, _find_reader(source.format)(source)))


def open_source(file: BinaryIO, *, filename: str, limits: Limits) -> Source:
    """Size and kind of an open file; ParseError if it is too large or no document."""
    size = file.seek(0, 2)
    if size > limits.file_mb * 1024 * 1024:
        raise ParseError(
            "too_large",
            f"This file has {size / 1048576:,.0f} MB; at most {limits.file_mb} MB can be read. "
            "Split it into smaller files.",
        )
    sniffed = sniff_file(file, filename=filename)
    file.seek(0)
    source = Source(
        file=file,
        size=size,
        filename=filename,
        format=sniffed.format,
        media_type=sniffed.media_type,
        charset=sniffed.charset,
        limits=limits,
    )
    if sniffed.note:
        source.metadata["note"] = sniffed.note
    return source


def memory_error(limits: Limits) -> ParseError:
    """The reason given when a document does not fit its memory limit."""
    return ParseError(
        "memory",
        f"Reading this file needs more than the {limits.memory_mb:,} MB of memory a document may "
        "use, so it was stopped. Split it into smaller files.",
    )


def no_text_error(note: str) -> ParseError:
    """The reason given when a document holds no text at all."""
    return ParseError("no_text", note or "No text was found in this file.")


def _find_reader(name: str) -> FormatReader:
    module = importlib.import_module(f"{_PACKAGE}.{_MODULES[name]}")
    return cast("FormatReader", module.read)


def _enforce(source: Source, items: Iterator[Opened | ParsedPage]) -> Iterator[Opened | ParsedPage]:
    """Apply the limits on output, number the pages checked, and fail a document without text."""
    limits, chars, note = source.limits, 0, ""
    seen_text, said_why = source.first_page > 1, False
    for item in items:
        if isinstance(item, Opened):
            _check_pages(item.pages_total, limits)
            metadata = {**source.metadata, **item.metadata}
            notes = (source.metadata.get("note", ""), item.metadata.get("note", ""))
            if any(notes):
                metadata["note"] = join_notes(*notes)
            said_why = "\ufffd" in metadata.get("note", "")
            yield replace(item, metadata=metadata)
            continue
        if item.number < source.first_page:
            continue
        chars += len(item.text)
        if chars > limits.output_chars:
            raise ParseError(
                "too_large",
                f"This file holds more than {limits.output_chars:,} characters of text. "
                "Split it into smaller files.",
            )
        seen_text = seen_text or bool(item.text.strip())
        note = note or item.note
        yield item if said_why else _tell_unread(item)
    if not seen_text:
        raise no_text_error(note)


def _tell_unread(page: ParsedPage) -> ParsedPage:
    """The page, with a note if characters of it are missing."""
    count = page.text.count("\ufffd")
    if not count:
        return page
    places = "1 place" if count == 1 else f"{count:,} places"
    said = f"Characters that could not be read stand as \ufffd at {places}."
    return replace(page, note=f"{page.note} {said}".strip())


def _check_pages(total: int, limits: Limits) -> None:
    if total > limits.pages:
        raise ParseError(
            "too_large",
            f"This document has {total:,} pages; at most {limits.pages:,} can be read. "
            "Split it into smaller files.",
        )
