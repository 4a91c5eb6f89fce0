"""PDF: text with places through PDFium, and recognised text for scanned pages."""

from __future__ import annotations

import bisect
import contextlib
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from parsing.boxed import BoxedBuilder
from parsing.ocr.recognition import Recognised, recognise_page
from parsing.pdf.chars import PageText, Segment, SegmentReader
from parsing.pdf.forms import load_page, note_fields_left_out, read_fields, write_fields
from parsing.pdf.geometry import page_transform
from parsing.pdf.hidden import find_hidden
from parsing.pdf.layout import write_layout
from parsing.pdf.links import note_links_left_out, read_links, write_links
from parsing.pdf.ruled import gather_tables
from parsing.pdf.rules import find_grids, read_lines
from parsing.source import Source
from parsing.text import clean_text, squeeze
from parsing.types import Opened, ParsedPage, ParseError

NO_TEXT = "This page is a scan and has no text layer"
OCR_DPI = 300
MAX_OCR_PIXELS = 12_000_000
MAX_OUTLINE = 5_000
_NO_VALUE = frozenset(("(anonymous)", "(unspecified)", "untitled", "unknown"))


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a PDF. A page that cannot be read is empty and says so in its note."""
    document = open_pdf(source)
    try:
        info = _read_info(document)
        yield Opened(
            pages_total=len(document),
            title=info.pop("title", ""),
            media_type=source.media_type,
            metadata=info,
        )
        outline = _read_outline(document)
        starts = [index for index, _ in outline]
        sizes: Counter[int] = Counter()
        for index in range(source.first_page - 1, len(document)):
            place = bisect.bisect_right(starts, index)
            label = outline[place - 1][1] if place else ""
            yield _read_page(source, document, index, label=label, sizes=sizes)
    finally:
        document.close()


def open_pdf(source: Source) -> pypdfium2.PdfDocument:
    """The document; ParseError if it needs a password or is beyond repair."""
    try:
        document = pypdfium2.PdfDocument(source.map())
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD or "password" in str(error):
            raise ParseError(
                "encrypted",
                "This PDF is protected by a password. Remove the password and upload it again.",
            ) from error
        raise _corrupt() from error
    if pages < 1:
        raise _corrupt()
    with contextlib.suppress(pypdfium2.PdfiumError):
        if document.get_formtype() != pdfium.FORMTYPE_NONE:
            document.init_forms()
    return document


def render_pdf_page(source: Source, *, page: int, width_px: int) -> bytes:
    """PNG of one page."""
    document = open_pdf(source)
    if not 1 <= page <= len(document):
        raise ParseError("corrupt", f"This PDF has no page {page}.")
    loaded = load_page(document, page - 1)
    width, height = loaded.get_size()
    scale = width_px / max(width, 1.0)
    scale = min(scale, 12_000 / max(height, 1.0))
    image = loaded.render(scale=scale).to_pil()
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _read_info(document: pypdfium2.PdfDocument) -> dict[str, str]:
    names = {"Title": "title", "Author": "author", "Subject": "subject", "Keywords": "keywords"}
    info: dict[str, str] = {}
    for key, name in names.items():
        with contextlib.suppress(pypdfium2.PdfiumError, UnicodeDecodeError):
            value = squeeze(clean_text(document.get_metadata_value(key)))
            if value and value.lower() not in _NO_VALUE:
                info[name] = value[:300]
    return info


def _read_outline(document: pypdfium2.PdfDocument) -> list[tuple[int, str]]:
    """(page index, title) of the bookmarks, by page; the first of a page counts."""
    titles: dict[int, str] = {}
    with contextlib.suppress(pypdfium2.PdfiumError, RecursionError, UnicodeDecodeError):
        for mark in itertools.islice(document.get_toc(max_depth=6), MAX_OUTLINE):
            target = mark.get_dest()
            index = target.get_index() if target else None
            title = squeeze(clean_text(mark.get_title()))
            if index is not None and title:
                titles.setdefault(index, title[:200])
    return sorted(titles.items())


def _read_page(
    source: Source,
    document: pypdfium2.PdfDocument,
    index: int,
    *,
    label: str,
    sizes: Counter[int],
) -> ParsedPage:
    try:
        page = load_page(document, index)
    except pypdfium2.PdfiumError:
        note = "This page is damaged and could not be read."
        return ParsedPage(number=index + 1, text="", label=label, note=note)
    try:
        width, height = page.get_size()
        text = _read_text_layer(document, page, width, height)
        segments = text.segments
        builder = BoxedBuilder()
        note, confidence = "", None
        if _needs_ocr(page, segments, width * height):
            result = _recognise(source, page, builder)
            note = result.note
            confidence = result.confidence if builder.length else None
        is_recognised = builder.length > 0
        if not is_recognised:
            write_layout(builder, segments, width=width, height=height, sizes=sizes)
            note = "" if builder.length else note
        note = f"{note} {_write_unseen(text, builder)}".strip()
        return builder.build(
            index + 1,
            label=label,
            width=width,
            height=height,
            note=note,
            confidence=confidence,
        )
    except (pypdfium2.PdfiumError, ValueError, IndexError, ZeroDivisionError) as error:
        note = f"This page could not be read ({type(error).__name__})."
        return ParsedPage(number=index + 1, text="", label=label, note=note)
    finally:
        page.close()


def _read_text_layer(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, width: float, height: float
) -> PageText:
    """What the page says: its text, with the values of fields and the addresses of links in it."""
    affine = page_transform(page, width, height)
    lines = read_lines(page, affine)
    has_annotations = bool(pdfium.FPDFPage_GetAnnotCount(page))
    links, links_left = read_links(document, page, affine) if has_annotations else ([], 0)
    textpage = page.get_textpage()
    try:
        text = SegmentReader(
            textpage,
            affine,
            width=width,
            height=height,
            rules=lines.vertical,
            hidden=find_hidden(page, textpage, affine, width=width, height=height),
            keep_glyphs=bool(links),
        ).read()
    finally:
        textpage.close()
    if links:
        write_links(text.segments, links, width=width, height=height)
    if has_annotations:
        text.segments = write_fields(text.segments, read_fields(document, page, affine))
        text.notes = [note_fields_left_out(page), note_links_left_out(links_left)]
    text.segments = gather_tables(text.segments, find_grids(lines))
    return text


def _write_unseen(text: PageText, builder: BoxedBuilder) -> str:
    """Mark what nobody sees on the page; a note says so, and what was left out."""
    notes = [note for note in text.notes if note]
    unseen = text.hidden
    if text.hidden:
        notes.append("Text of this page that cannot be seen on it is marked (hidden).")
    if text.outside and not text.segments and not builder.length:
        unseen = [*unseen, *text.outside]
        notes.append("All text of this page stands outside of it and is marked (hidden).")
    elif text.outside:
        count = sum(len(segment.text) for segment in text.outside)
        notes.append(f"Text outside of the page was left out ({count:,} characters).")
    for _, line in itertools.groupby(unseen, key=lambda segment: segment.line):
        builder.start_block("paragraph")
        words = " ".join(segment.text for segment in line)
        builder.add_line(f"(hidden) {words}", None, separator="\n")
    return " ".join(notes)


def _needs_ocr(page: pypdfium2.PdfPage, segments: list[Segment], area: float) -> bool:
    """A page whose text is not in its text layer: a scan, or letters drawn as curves."""
    text = "".join(segment.text for segment in segments)
    letters = sum(1 for char in text if not char.isspace())
    unknown = sum(1 for char in text if char == "\ufffd" or "\ue000" <= char <= "\uf8ff")
    if letters >= 200:
        return unknown > 0.4 * letters
    covered, drawn = _measure_objects(page, area)
    if letters < 20:
        return covered > 0.05 or drawn > 40
    return covered > 0.5


def _measure_objects(page: pypdfium2.PdfPage, area: float) -> tuple[float, int]:
    """Share of the page that images cover, and how many paths are drawn on it."""
    covered, drawn = 0.0, 0
    kinds: Any = [pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH]
    for item in itertools.islice(page.get_objects(filter=kinds, max_depth=3), 20_000):
        if item.type == pdfium.FPDF_PAGEOBJ_PATH:
            drawn += 1
            continue
        with contextlib.suppress(pypdfium2.PdfiumError):
            left, bottom, right, top = item.get_bounds()
            covered += max(0.0, right - left) * max(0.0, top - bottom) / max(area, 1.0)
    return covered, drawn


def _recognise(source: Source, page: pypdfium2.PdfPage, builder: BoxedBuilder) -> Recognised:
    """Put recognised text into `builder`; the note says why there is none."""
    width, height = page.get_size()
    scale = OCR_DPI / 72
    pixels = width * height * scale * scale
    if pixels > MAX_OCR_PIXELS:
        scale *= (MAX_OCR_PIXELS / pixels) ** 0.5
    dpi = max(70, round(scale * 72))
    return recognise_page(
        source,
        lambda: page.render(scale=scale).to_pil(),
        builder,
        what=NO_TEXT,
        dpi=dpi,
        width=width,
        height=height,
    )


def _corrupt() -> ParseError:
    return ParseError(
        "corrupt",
        "This PDF is damaged or cut off and cannot be opened. "
        "Open it in the program that made it, save it again, and upload that copy.",
    )
