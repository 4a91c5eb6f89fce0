"""Writes of the lab: turn marked passages into labelled cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.chunking.models import Chunk
from apps.datasets.examples import ExpectedPassage, clean_fields, plain_values
from apps.datasets.models import Dataset, Example, SourceKind
from apps.datasets.services import ExampleSource, add_example, update_example
from apps.lab.measuring import expected_evidence
from apps.workspaces.services import Actor
from measures.evaluators.retrieval import holds

NOTE = "Marked in the retrieval lab"


def read_passages(workspace_id: UUID, chunk_ids: Sequence[int]) -> dict[int, ExpectedPassage]:
    """The workspace's passages by id, in the given order; unknown ids are skipped."""
    chunks = {
        chunk.pk: chunk
        for chunk in Chunk.objects.select_related("version__document").filter(
            workspace_id=workspace_id,
            pk__in=chunk_ids,
            version__document__deleted_at=None,
        )
    }
    return {
        pk: ExpectedPassage(
            text=chunks[pk].text,
            document_id=str(chunks[pk].version.document_id),
            document_name=chunks[pk].version.document.name,
            start=chunks[pk].start,
            end=chunks[pk].end,
        )
        for pk in dict.fromkeys(chunk_ids)
        if pk in chunks
    }


@transaction.atomic
def save_case(
    dataset: Dataset, *, values: dict[str, Any], chunk_ids: Sequence[int], actor: Actor
) -> Example:
    """Put a question and its relevant passages into the draft.

    `values` as `clean_fields` takes them. Raises ExampleError, TooManyError.
    """
    passages = read_passages(dataset.workspace_id, chunk_ids)
    fields = clean_fields(
        values | {"expected_passages": [passage.to_json() for passage in passages.values()]}
    )
    return add_example(
        dataset, fields=fields, actor=actor, source=ExampleSource(SourceKind.LAB, note=NOTE)
    )


@transaction.atomic
def mark_case(
    example: Example, *, shown_ids: Sequence[int], chunk_ids: Sequence[int], actor: Actor
) -> Example:
    """Make the marked passages the expected ones of a draft example.

    An expectation that exists already is kept, unless passages that contain it were shown and none
    of these is marked. Raises FrozenError, ExampleError.
    """
    before = list(example.expected_passages)
    expected = expected_evidence(before)
    shown = read_passages(example.workspace_id, [*shown_ids, *chunk_ids])
    evidence = {
        pk: expected_evidence([shown_passage.to_json()])[0] for pk, shown_passage in shown.items()
    }
    held_by = [[pk for pk, one in evidence.items() if holds(one, want)] for want in expected]
    marked = set(chunk_ids)
    kept = [
        passage
        for passage, holders in zip(before, held_by, strict=True)
        if not holders or marked.intersection(holders)
    ]
    known = {pk for holders in held_by for pk in holders}
    new = [
        shown[pk].to_json() for pk in dict.fromkeys(chunk_ids) if pk in shown and pk not in known
    ]
    values = plain_values(example) | {"expected_passages": [*kept, *new]}
    return update_example(example, fields=clean_fields(values), actor=actor)
