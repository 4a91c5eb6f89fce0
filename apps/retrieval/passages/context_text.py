"""What is embedded and indexed of a chunk: its heading, a model's context, its text.

Rows of tables go in as words, under the names of their columns.
"""

from __future__ import annotations

from django.db.models import Case, F, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat

from apps.chunking.models import Chunk
from apps.chunking.tables import embedded_text


def heading_with_context() -> Combinable:
    """For queries over chunks: the heading path, followed by the context if there is one."""
    return Case(
        When(context__text__isnull=True, then=F("heading")),
        When(heading="", then=F("context__text")),
        default=Concat("heading", Value("\n"), "context__text", output_field=TextField()),
        output_field=TextField(),
    )


def list_indexed(chunks: QuerySet[Chunk]) -> list[tuple[int, str, str]]:
    """(chunk id, text with its table rows in words, heading with context), by id."""
    rows = chunks.order_by("pk").values_list("pk", "text", "table_head", heading_with_context())
    return [(pk, embedded_text(text, head), heading) for pk, text, head, heading in rows]
