"""What people say about a document, put in front of its passages where an index asks for it.

A passage seldom names the report or the customer that it is about; the document's name, tags and
metadata do. Where they are embedded and indexed with it, a question that names them finds it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePath
from uuid import UUID

from apps.documents.models import DocumentVersion
from apps.retrieval.models import Index, Label

MAX_CHARS = 160
"""About 40 tokens: what a passage of usual size leaves of what an embedding model reads."""


def read_labels(index: Index, version_ids: Iterable[UUID]) -> dict[UUID, str]:
    """By version, the line in front of its passages in this index; none where there is none."""
    if not index.labels:
        return {}
    rows = DocumentVersion.objects.filter(
        workspace_id=index.workspace_id, pk__in=set(version_ids)
    ).values_list(
        "pk", "document__name", "document__tags", "document__metadata", "document__source_date"
    )
    return {
        pk: line
        for pk, name, tags, metadata, date in rows
        if (line := write_labels(index.labels, name=name, tags=tags, metadata=metadata, date=date))
    }


def write_labels(
    labels: Collection[str],
    *,
    name: str,
    tags: Iterable[str],
    metadata: Mapping[str, str],
    date: dt.date | None,
) -> str:
    """The chosen labels in one line, cut between words.

    >>> write_labels(["name", "tags"], name="a_b.pdf", tags=["audit"], metadata={}, date=None)
    'a b; audit'
    """
    said = {
        Label.NAME: PurePath(name).stem.replace("_", " "),
        Label.TAGS: ", ".join(tags),
        Label.METADATA: ", ".join(f"{key} {value}" for key, value in sorted(metadata.items())),
        Label.DATE: date.isoformat() if date else "",
    }
    line = " ".join(
        "; ".join(said[label] for label in Label if label in labels and said[label]).split()
    )
    if len(line) <= MAX_CHARS:
        return line
    return line[: MAX_CHARS + 1].rpartition(" ")[0] or line[:MAX_CHARS]


def join_above(*lines: str) -> str:
    """Labels, heading path and context, as they stand above a passage's text."""
    return "\n".join(filter(None, lines))
