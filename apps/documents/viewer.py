"""Reads for the source view: pages in bounded pieces, with what is highlighted, and passages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper
from django.db.models.functions import Substr
from django.http import Http404

from apps.documents.doors import locate_passage
from apps.documents.models import PAGES_TO_CHECK, Document, DocumentVersion, Page
from apps.documents.page_images import has_page_images
from apps.documents.screens import PageSpan, Part, Screen
from apps.documents.selectors import choose_version
from apps.documents.source import (
    CODE,
    HEADING,
    TABLE,
    Highlight,
    PageView,
    join_wrapped_lines,
    lay_out_segments,
    place_rects,
    split_segments,
)
from apps.documents.tables.finding import find_tables
from apps.documents.tables.layout import iter_runs
from apps.documents.units import find_unit

FLOWING = {"application/pdf", "text/markdown", "text/plain"}
"""Media types whose line breaks say more about a window than about the text."""
ImageUrl = Callable[[int], str]


def find_version(document: Document, reference: str) -> DocumentVersion:
    """The version with this number or id; without one, the version that people read. Or Http404."""
    if not reference:
        return choose_version(document)
    versions = DocumentVersion.objects.filter(document=document)
    if reference.isascii() and reference.isdigit() and len(reference) < 9:
        version = versions.filter(number=int(reference)).first()
    else:
        version = versions.filter(pk=_as_uuid(reference)).first()
    if version is None:
        raise Http404
    return version


def _as_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error


def list_page_spans(version: DocumentVersion) -> list[PageSpan]:
    """Where the pages stand in the full text, without their texts."""
    pages = version.pages.annotate(
        unsure=ExpressionWrapper(PAGES_TO_CHECK, output_field=BooleanField(null=True))
    )
    rows = pages.order_by("number").values_list("number", "start", "end", "unsure")
    return [PageSpan(number, start, end, bool(unsure)) for number, start, end, unsure in rows]


def read_parts(
    version: DocumentVersion,
    parts: Screen,
    *,
    highlight: Highlight | None,
    image_url: ImageUrl,
) -> list[PageView]:
    """The parts as they are shown. Only the characters that are shown leave the database."""
    pages = {
        page.number: page
        for page in version.pages.filter(number__in=[part.number for part in parts]).defer("text")
    }
    texts = _read_texts(version, parts, pages)
    has_images = has_page_images(version)
    views: list[PageView] = []
    is_first_mark = True
    for part, text in zip(parts, texts, strict=True):
        page = pages[part.number]
        has_image = has_images and page.width > 0 and part.start == page.start
        view = _build_view(
            page, part, text, highlight=highlight, is_first=is_first_mark,
            image_url=image_url(page.number) if has_image else "",
        )  # fmt: skip
        is_first_mark = is_first_mark and not any(
            item.is_marked for item in iter_runs(view.content)
        )
        views.append(view)
    return views


def _read_texts(version: DocumentVersion, parts: Screen, pages: dict[int, Page]) -> Sequence[str]:
    whole = [
        part.number
        for part in parts
        if (part.start, part.end) == (pages[part.number].start, pages[part.number].end)
    ]
    by_number = dict(version.pages.filter(number__in=whole).values_list("number", "text"))
    return [
        by_number[part.number]
        if part.number in by_number
        else _read_slice(version, part, page_start=pages[part.number].start)
        for part in parts
    ]


def _read_slice(version: DocumentVersion, part: Part, *, page_start: int) -> str:
    piece = Substr("text", part.start - page_start + 1, part.end - part.start)
    text: str = version.pages.filter(number=part.number).values_list(piece, flat=True).get()
    return text


def _build_view(
    page: Page,
    part: Part,
    text: str,
    *,
    highlight: Highlight | None,
    is_first: bool,
    image_url: str,
) -> PageView:
    headings = _list_blocks(page, HEADING)
    if page.version.media_type in FLOWING:
        inside = [(start - part.start, end - part.start) for start, end in headings]
        text = join_wrapped_lines(text, headings=inside)
    rects = (
        place_rects(
            page.boxes,
            page_start=page.start,
            width=page.width,
            height=page.height,
            highlight=highlight,
        )
        if highlight and image_url
        else ()
    )
    segments = split_segments(
        text, offset=part.start, headings=headings, highlight=highlight, is_first=is_first
    )
    tables = find_tables(
        text,
        known=_list_blocks(page, TABLE, offset=part.start),
        opaque=_list_blocks(page, CODE, offset=part.start),
    )
    return PageView(
        number=page.number,
        label=find_unit(page.version.media_type).label(page.number, page.label),
        note=page.note,
        is_to_check=page.is_to_check,
        content=lay_out_segments(segments, tables),
        rects=rects,
        image_url=image_url,
        width=page.width,
        height=page.height,
        is_cited=bool(highlight and highlight.start < part.end and part.start < highlight.end),
    )


def _list_blocks(page: Page, kind: str, *, offset: int = 0) -> list[tuple[int, int]]:
    """Where a page's blocks of a kind stand in the full text, counted from `offset`."""
    shift = page.start - offset
    return [(shift + start, shift + end) for name, _, start, end in page.blocks if name == kind]


def find_passage(version: DocumentVersion, passage_id: int) -> Highlight | None:
    """Where a passage stands; None if the version has no such passage (any more)."""
    span = locate_passage(version.pk, passage_id)
    return Highlight(*span) if span else None


def name_location(views: Iterable[PageView]) -> str:
    """The page that holds the passage, by its label."""
    return next((view.label for view in views if view.is_cited), "")
