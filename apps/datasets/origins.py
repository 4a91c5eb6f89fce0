"""Where an example came from, as a sentence and a link."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from apps.chat.models import Message
from apps.datasets.models import Example, SourceKind


@dataclass(frozen=True, slots=True)
class Origin:
    """`url` is empty if there is nothing left to open; `author` is no person, if it is set."""

    label: str
    note: str
    url: str = ""
    author: str = ""


def origin_of(example: Example, *, slug: str) -> Origin:
    """The origin of an example in the workspace with this slug. At most one query."""
    label = str(SourceKind(example.source_kind).label)
    url = ""
    if example.source_kind in (SourceKind.CHAT, SourceKind.FEEDBACK):
        trace_id = _trace_of(example)
        url = reverse("traces:trace", args=[slug, trace_id]) if trace_id else ""
    return Origin(label, example.source_note, url, author=example.written_by)


def _trace_of(example: Example) -> UUID | None:
    rows = Message.objects.filter(workspace_id=example.workspace_id, trace__isnull=False)
    if example.source_kind == SourceKind.CHAT:
        rows = rows.filter(pk=example.source_id)
    else:
        rows = rows.filter(feedback__pk=example.source_id)
    return rows.values_list("trace_id", flat=True).first()
