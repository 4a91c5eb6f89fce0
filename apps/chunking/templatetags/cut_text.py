"""The text of a preview with its tables. Load with `{% load cut_text %}`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django import template

from apps.chunking.preview import DrawnSegment
from apps.documents.tables.finding import find_tables
from apps.documents.tables.layout import Content, lay_out

register = template.Library()


@register.simple_tag
def cut_text(segments: Sequence[DrawnSegment]) -> Content[DrawnSegment]:
    """The text with the passages drawn over it, in prose and tables."""
    tables = find_tables("".join(segment.text for segment in segments))
    return lay_out(segments, tables, clip=_clip)


def _clip(segment: DrawnSegment, text: str, is_first: bool) -> DrawnSegment | None:
    """A passage's number stands once, where the first of its text is shown."""
    if is_first and (segment.number or segment.parent):
        return replace(segment, text=text)
    return replace(segment, text=text, number=0, parent=0) if text else None
