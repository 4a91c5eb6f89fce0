"""What is embedded and indexed of a chunk: labels of its document, heading, context, text.

Of table rows, a vector is made from sentences, each value behind the name of its column. Terms are
counted in the rows below their header: names that repeat with every row would outweigh what the
rows say, and make a passage look longer than it is.
"""

from __future__ import annotations

from django.db.models import Case, F, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat

from apps.chunking.models import Chunk
from apps.chunking.table_rows import embedded_text, readable_text
from apps.retrieval.models import Index
from apps.retrieval.passages.labels import join_above, read_labels


def heading_with_context() -> Combinable:
    """For queries over chunks: the heading path, followed by the context if there is one."""
    return Case(
        When(context__text__isnull=True, then=F("heading")),
        When(heading="", then=F("context__text")),
        default=Concat("heading", Value("\n"), "context__text", output_field=TextField()),
        output_field=TextField(),
    )


def list_indexed(chunks: QuerySet[Chunk], *, index: Index) -> list[tuple[int, str, str]]:
    """(chunk id, text whose terms count, what stands above it in this index), by id."""
    rows = _read(chunks, index)
    return [(pk, readable_text(text, head), above) for pk, text, head, above in rows]


def list_embedded(chunks: QuerySet[Chunk], *, index: Index) -> list[tuple[int, str, str]]:
    """(chunk id, text to make a vector from, what stands above it in this index), by id."""
    rows = _read(chunks, index)
    return [(pk, embedded_text(text, head), above) for pk, text, head, above in rows]


def _read(chunks: QuerySet[Chunk], index: Index) -> list[tuple[int, str, str | None, str]]:
    columns = ("pk", "version_id", "text", "table_head", heading_with_context())
    rows = list(chunks.order_by("pk").values_list(*columns))
    labels = read_labels(index, (row[1] for row in rows))
    return [
        (pk, text, head, join_above(labels.get(version_id, ""), heading))
        for pk, version_id, text, head, heading in rows
    ]
