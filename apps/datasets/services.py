"""Writes: datasets, the examples of their drafts, and freezing a draft into a version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError, RestrictedError
from django.utils import timezone

from apps.datasets.conflicts import Conflict, find_conflicts
from apps.datasets.examples import ExampleFields
from apps.datasets.likeness import is_alike
from apps.datasets.models import (
    Dataset,
    DatasetVersion,
    Example,
    ReviewState,
    SourceKind,
)
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit
from measures.detectors.short_language import guess_language

MAX_EXAMPLES = 100_000
BATCH = 1_000


class NameTakenError(Exception):
    """The workspace has a dataset of this name already."""


class FrozenError(Exception):
    """The version is frozen, and so are its examples."""


class NothingToFreezeError(Exception):
    """The draft has no accepted example."""


class ConflictError(Exception):
    """The same question has different expected answers; `conflicts` are the pairs."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__(f"{len(conflicts)} pairs of examples contradict each other.")
        self.conflicts = conflicts


class InUseError(Exception):
    """Experiments point at a version of the dataset."""


class TooManyError(Exception):
    """The draft would hold more than MAX_EXAMPLES."""


@dataclass(frozen=True, slots=True)
class ExampleSource:
    """Where an example comes from: the kind of source, the source row's id, and a short note."""

    kind: SourceKind = SourceKind.MANUAL
    id: str = ""
    note: str = ""


@transaction.atomic
def create_dataset(
    workspace: Workspace, *, name: str, actor: Actor, description: str = ""
) -> Dataset:
    """A dataset with an empty draft. Raises NameTakenError."""
    dataset = Dataset(
        workspace=workspace, name=name, description=description, created_by=actor.user
    )
    _save_named(dataset)
    DatasetVersion.objects.create(workspace=workspace, dataset=dataset)
    record_audit(
        workspace.pk, actor=actor, action="dataset.created", subject=dataset, detail={"name": name}
    )
    return dataset


@transaction.atomic
def update_dataset(dataset: Dataset, *, name: str, description: str, actor: Actor) -> None:
    """Change name and description. Raises NameTakenError."""
    dataset.name, dataset.description = name, description
    _save_named(dataset)
    record_audit(
        dataset.workspace_id,
        actor=actor,
        action="dataset.changed",
        subject=dataset,
        detail={"name": name},
    )


def delete_dataset(dataset: Dataset, *, actor: Actor) -> None:
    """Delete a dataset with all its versions. Raises InUseError if experiments use one."""
    try:
        with transaction.atomic():
            record_audit(
                dataset.workspace_id,
                actor=actor,
                action="dataset.deleted",
                subject=dataset,
                detail={"name": dataset.name},
            )
            dataset.delete()
    except (ProtectedError, RestrictedError) as error:
        raise InUseError from error


def _save_named(dataset: Dataset) -> None:
    try:
        with transaction.atomic():
            dataset.save()
    except IntegrityError as error:
        if "dataset_name" in str(error):
            raise NameTakenError from error
        raise


# Examples


def lock_draft(dataset: Dataset) -> DatasetVersion:
    """Lock the draft, so that nobody else adds to it or freezes it before this transaction ends."""
    return DatasetVersion.objects.select_for_update(no_key=True).get(
        dataset=dataset, number=DatasetVersion.DRAFT
    )


@transaction.atomic
def add_example(
    dataset: Dataset,
    *,
    fields: ExampleFields,
    actor: Actor,
    source: ExampleSource | None = None,
    state: ReviewState = ReviewState.ACCEPTED,
) -> Example:
    """Put one example at the end of the draft. Raises TooManyError."""
    return add_examples(
        dataset, rows=[(fields, source or ExampleSource())], actor=actor, state=state
    )[0]


@transaction.atomic
def add_examples(
    dataset: Dataset,
    *,
    rows: Sequence[tuple[ExampleFields, ExampleSource]],
    actor: Actor,
    state: ReviewState = ReviewState.ACCEPTED,
) -> list[Example]:
    """Put examples at the end of the draft: all of them or, on an error, none."""
    draft = lock_draft(dataset)
    last = draft.examples.aggregate(last=Max("position"))["last"] or 0
    if last + len(rows) > MAX_EXAMPLES:
        raise TooManyError
    examples = [
        Example(
            workspace_id=dataset.workspace_id,
            version=draft,
            position=position,
            source_kind=source.kind,
            source_id=source.id,
            source_note=source.note[:200],
            state=state,
            created_by=actor.user,
            **_columns(fields),
        )
        for position, (fields, source) in enumerate(rows, start=last + 1)
    ]
    return Example.objects.bulk_create(examples, batch_size=BATCH)


@transaction.atomic
def update_example(example: Example, *, fields: ExampleFields, actor: Actor) -> Example:
    """Change an example of the draft. Raises FrozenError.

    An expected answer that a release wrote stays marked as its words until a person has written
    another one; mending a word of it does not make it theirs.
    """
    _guard_draft(example)
    if fields.answered_by == example.answered_by and not _is_still_theirs(example, fields):
        fields = replace(fields, answered_by={})
    for name, value in _columns(fields).items():
        setattr(example, name, value)
    example.updated_at = timezone.now()
    example.save()
    return example


@transaction.atomic
def remove_example(example: Example) -> None:
    """Take an example out of the draft; frozen versions keep theirs. Raises FrozenError."""
    _guard_draft(example)
    example.delete()


@transaction.atomic
def remove_examples(version: DatasetVersion, *, ids: Iterable[UUID]) -> int:
    """Take several examples out of the draft; returns how many. Raises FrozenError."""
    if not version.is_draft:
        raise FrozenError
    rows = Example.objects.filter(version=version, pk__in=list(ids))
    return rows.delete()[1].get("datasets.Example", 0)


def review_example(example: Example, *, state: ReviewState, actor: Actor) -> None:
    """Accept or reject an example of the draft. Raises FrozenError."""
    review_examples(example.version, ids=[example.pk], state=state, actor=actor)


@transaction.atomic
def review_examples(
    version: DatasetVersion, *, ids: Iterable[UUID], state: ReviewState, actor: Actor
) -> int:
    """Set the review state of several examples; returns how many. Raises FrozenError."""
    if not version.is_draft:
        raise FrozenError
    reviewed = state != ReviewState.PROPOSED
    return Example.objects.filter(version=version, pk__in=list(ids)).update(
        state=state,
        reviewed_by=actor.user if reviewed else None,
        reviewed_at=timezone.now() if reviewed else None,
        updated_at=timezone.now(),
    )


def _is_still_theirs(example: Example, fields: ExampleFields) -> bool:
    """Whether the expected answer says what the release said, nearly in its words."""
    return fields.is_answerable == example.is_answerable and is_alike(
        fields.expected_answer, example.expected_answer
    )


def _guard_draft(example: Example) -> None:
    if not example.version.is_draft:
        raise FrozenError


def _columns(fields: ExampleFields) -> dict[str, Any]:
    texts = [fields.question, fields.expected_answer]
    return {
        "question": fields.question,
        "expected_answer": fields.expected_answer,
        "other_answers": list(fields.other_answers),
        "expected_passages": [passage.to_json() for passage in fields.expected_passages],
        "is_answerable": fields.is_answerable,
        "context": fields.context,
        "history": [{"question": q, "answer": a} for q, a in fields.history],
        "tags": list(fields.tags),
        "checks": dict(fields.checks),
        "answered_by": dict(fields.answered_by),
        "language": fields.language or guess_language(" ".join(texts)),
    }


# Versions


@transaction.atomic
def freeze(
    dataset: Dataset, *, actor: Actor, note: str = "", nevertheless: bool = False
) -> DatasetVersion:
    """Copy the draft's accepted examples into a new version.

    Raises NothingToFreezeError, and ConflictError unless it is to be frozen nevertheless.
    """
    draft = lock_draft(dataset)
    accepted = list(
        Example.objects.filter(version=draft, state=ReviewState.ACCEPTED).order_by("position", "pk")
    )
    if not accepted:
        raise NothingToFreezeError
    conflicts = find_conflicts(accepted)
    if conflicts and not nevertheless:
        raise ConflictError(conflicts)
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    version = DatasetVersion.objects.create(
        workspace_id=dataset.workspace_id,
        dataset=dataset,
        number=last + 1,
        note=note,
        num_examples=len(accepted),
        frozen_at=timezone.now(),
        frozen_by=actor.user,
    )
    _copy(accepted, version, key=lambda example: example.key)
    record_audit(
        dataset.workspace_id,
        actor=actor,
        action="dataset.frozen",
        subject=dataset,
        detail={
            "version": version.number,
            "examples": len(accepted),
            **({"conflicts": len(conflicts)} if conflicts else {}),
        },
    )
    return version


def _copy(
    examples: Sequence[Example], version: DatasetVersion, *, key: Callable[[Example], UUID]
) -> None:
    names = [
        field.attname
        for field in Example._meta.concrete_fields
        if field.attname not in ("id", "version_id", "position", "key")
    ]
    Example.objects.bulk_create(
        (
            Example(
                version=version,
                position=position,
                key=key(example),
                **{name: getattr(example, name) for name in names},
            )
            for position, example in enumerate(examples, start=1)
        ),
        batch_size=BATCH,
    )


# Documents that are deleted


def forget_document(document_id: UUID) -> int:
    """Take a deleted document's words out of every example that quotes it, frozen ones too.

    The passage's location is kept without its text, because results may refer to it.
    Returns how many examples quoted the document. Safe to call twice.
    """
    quoting = [{"document_id": str(document_id)}]
    count = 0
    for example in Example.objects.filter(expected_passages__contains=quoting).iterator():
        passages = [
            passage | {"text": ""} if passage.get("document_id") == str(document_id) else passage
            for passage in example.expected_passages
        ]
        Example.objects.filter(pk=example.pk).update(expected_passages=passages)
        count += 1
    return count
