"""Documents as pages show them: text with its tables, names, sizes.

Load with `{% load document_text %}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.documents.names import split_name
from apps.documents.source import Segment, lay_out_segments
from apps.documents.tables.excerpts import lay_out_excerpt
from apps.documents.tables.finding import find_tables
from apps.documents.units import Unit, find_unit

register = template.Library()


@register.inclusion_tag("documents/_content.html")
def document_text(text: str, head: str | None = None) -> dict[str, Any]:
    """A whole passage, under the `head` of the table whose rows it begins with."""
    return _lay_out([Segment(f"{head or ''}{text}")])


@register.inclusion_tag("documents/_content.html")
def matched_text(pieces: Iterable[tuple[str, bool]], *, is_still: bool = False) -> dict[str, Any]:
    """A whole passage in pieces, those that match marked; nothing to focus in it if `is_still`."""
    laid = _lay_out([Segment(text, is_marked=is_match) for text, is_match in pieces])
    return laid | {"is_still": is_still}


@register.inclusion_tag("documents/_excerpt.html")
def document_excerpt(
    text: str, chars: int, *, head: str | None = None, is_still: bool = False
) -> dict[str, Any]:
    """A passage in brief, under the `head` of the table whose rows it begins with.

    `is_still` leaves nothing to focus in it: for the inside of a link.
    """
    return {"content": lay_out_excerpt(text, head=head, max_chars=chars), "is_still": is_still}


@register.simple_tag
def elided(name: str) -> SafeString:
    """A name that loses its middle where there is no room; inside an element of class `elide`."""
    head, tail = split_name(name)
    return format_html(
        '<span class="elide-head">{}</span><span class="elide-tail">{}</span>', head, tail
    )


@register.simple_tag
def units(unit: Unit | str, number: int) -> str:
    """So many sheets, slides or pages, by unit or media type: "3 sheets"."""
    return (find_unit(unit) if isinstance(unit, str) else unit).count(number)


def _lay_out(segments: Sequence[Segment]) -> dict[str, Any]:
    text = "".join(segment.text for segment in segments)
    return {"content": lay_out_segments(segments, find_tables(text))}
