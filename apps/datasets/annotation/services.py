"""Writes and reads of annotation: tasks, labels, agreement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from apps.core.text import storable
from apps.datasets.models import (
    Annotation,
    AnnotationTask,
    DatasetVersion,
    Example,
    ReviewState,
)
from apps.workspaces.models import User
from apps.workspaces.services import Actor, record_audit
from measures.statistics import cohen_kappa

MAX_LABELS = 9
"""Each label has a number key on the keyboard."""
MAX_NOTE = 2_000
# Landis and Koch, "The measurement of observer agreement for categorical data", 1977.
STRENGTHS = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"),
             (0.0, "slight"))  # fmt: skip


class LabelError(ValueError):
    """Why a task or a label is invalid, as a sentence for people."""


@dataclass(frozen=True, slots=True)
class AnnotatorAgreement:
    """Two people on the `count` examples that both labelled. `kappa` is None if it is undefined."""

    first: User
    second: User
    count: int
    same: float
    kappa: float | None

    @property
    def strength(self) -> str:
        """Kappa in words."""
        if self.kappa is None:
            return "cannot be measured: one label only"
        return next((word for low, word in STRENGTHS if self.kappa > low), "no better than chance")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An example that people labelled differently: (person, label, note)."""

    example: Example
    labels: tuple[tuple[User, str, str], ...]


@transaction.atomic
def create_task(
    version: DatasetVersion, *, name: str, guidelines: str, labels: Sequence[str], actor: Actor
) -> AnnotationTask:
    """Create a task on the version's examples. Raises LabelError."""
    clean = list(dict.fromkeys(" ".join(label.split())[:40] for label in labels if label.strip()))
    if not 2 <= len(clean) <= MAX_LABELS:
        raise LabelError(f"Give 2 to {MAX_LABELS} labels, with commas between.")
    task = AnnotationTask.objects.create(
        workspace_id=version.workspace_id,
        version=version,
        name=name,
        guidelines=guidelines,
        labels=clean,
        created_by=actor.user,
    )
    record_audit(
        version.workspace_id, actor=actor, action="annotation.created", subject=task,
        detail={"name": name},
    )  # fmt: skip
    return task


def label_example(
    task: AnnotationTask, *, example: Example, label: str, note: str, user: User
) -> Annotation:
    """Store a person's label; a second one replaces the first. Raises LabelError."""
    if label not in task.labels or example.version_id != task.version_id:
        raise LabelError("This is not one of the labels on the page.")
    annotation, _ = Annotation.objects.update_or_create(
        task=task,
        example=example,
        annotator=user,
        defaults={
            "workspace_id": task.workspace_id,
            "label": label,
            "note": storable(note)[:MAX_NOTE],
            "created_at": timezone.now(),
        },
    )
    return annotation


def delete_task(task: AnnotationTask) -> None:
    task.delete()


def get_task(workspace_id: UUID, task_id: UUID) -> AnnotationTask:
    """The workspace's task with its version and dataset, or Http404."""
    task = (
        AnnotationTask.objects.select_related("version__dataset", "created_by")
        .filter(workspace_id=workspace_id, pk=task_id)
        .first()
    )
    if task is None:
        raise Http404
    return task


def list_tasks(workspace_id: UUID, dataset_id: UUID, *, user: User) -> list[AnnotationTask]:
    """The dataset's tasks, the newest first, with `num_people` and `num_mine`."""
    return list(
        AnnotationTask.objects.filter(workspace_id=workspace_id, version__dataset_id=dataset_id)
        .select_related("version__dataset")
        .annotate(
            num_people=Count("annotations__annotator", distinct=True),
            num_mine=Count("annotations", filter=Q(annotations__annotator=user)),
        )
        .order_by("-created_at")
    )


def list_subjects(task: AnnotationTask) -> QuerySet[Example]:
    """The examples to label: all of the version's that were not rejected."""
    rows = task.version.examples.exclude(state=ReviewState.REJECTED)
    return rows.order_by("position", "pk")


def next_subject(task: AnnotationTask, *, user: User, after: int = 0) -> Example | None:
    """The next example after a position that this person has not labelled, else the first one."""
    mine = Annotation.objects.filter(task=task, annotator=user).values("example_id")
    rows = list_subjects(task).exclude(pk__in=mine)
    return rows.filter(position__gt=after).first() or rows.first()


def count_mine(task: AnnotationTask, *, user: User) -> int:
    """How many examples this person has labelled."""
    rows = Annotation.objects.filter(task=task, annotator=user)
    return rows.exclude(example__state=ReviewState.REJECTED).count()


def compare_annotators(task: AnnotationTask) -> tuple[list[AnnotatorAgreement], list[Disagreement]]:
    """The agreement of each pair of people, and the examples on which people differ. One query."""
    rows = (
        Annotation.objects.filter(task=task)
        .exclude(example__state=ReviewState.REJECTED)
        .select_related("annotator", "example__version")
        .order_by("example__position", "created_at")
    )
    by_person: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    people: dict[UUID, User] = {}
    by_example: dict[UUID, list[Annotation]] = defaultdict(list)
    for row in rows:
        by_person[row.annotator_id][row.example_id] = row.label
        people[row.annotator_id] = row.annotator
        by_example[row.example_id].append(row)
    pairs = [
        _compare(people[a], people[b], by_person[a], by_person[b])
        for a, b in combinations(people, 2)
    ]
    differing = [
        Disagreement(
            annotations[0].example,
            tuple((row.annotator, row.label, row.note) for row in annotations),
        )
        for annotations in by_example.values()
        if len({row.label for row in annotations}) > 1
    ]
    return [pair for pair in pairs if pair.count], differing


def _compare(
    first: User, second: User, ours: Mapping[UUID, str], theirs: Mapping[UUID, str]
) -> AnnotatorAgreement:
    both = [key for key in ours if key in theirs]
    left, right = [ours[key] for key in both], [theirs[key] for key in both]
    same = sum(a == b for a, b in zip(left, right, strict=True)) / len(both) if both else 0.0
    return AnnotatorAgreement(
        first, second, len(both), same, cohen_kappa(left, right) if both else None
    )
