"""Reads: datasets with their counts, and examples with filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Func, Max, Q, QuerySet, TextField
from django.db.models.functions import Length

from apps.datasets.models import Dataset, DatasetVersion, Example, ReviewState, Synthesis
from apps.datasets.slices import LONG_CHARS, SHORT_CHARS, Slice


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A dataset in the list. `latest` is the number of the newest frozen version, 0 for none."""

    dataset: Dataset
    num_accepted: int
    num_proposed: int
    latest: int


@dataclass(frozen=True, slots=True)
class ExampleFilter:
    """Filters for a list of examples; empty strings match everything."""

    text: str = ""
    state: str = ""
    tag: str = ""
    source: str = ""
    language: str = ""
    length: str = ""
    answerable: str = ""


def list_datasets(workspace_id: UUID) -> list[DatasetRow]:
    """The workspace's datasets by name, with what is in them; two queries."""
    datasets = (
        Dataset.objects.filter(workspace_id=workspace_id)
        .annotate(latest=Max("versions__number"))
        .order_by("name")
    )
    rows = (
        Example.objects.filter(workspace_id=workspace_id, version__number=DatasetVersion.DRAFT)
        .values("version__dataset_id")
        .annotate(
            accepted=Count("pk", filter=Q(state=ReviewState.ACCEPTED)),
            proposed=Count("pk", filter=Q(state=ReviewState.PROPOSED)),
        )
    )
    counts = {row["version__dataset_id"]: (row["accepted"], row["proposed"]) for row in rows}
    return [
        DatasetRow(item, *counts.get(item.pk, (0, 0)), latest=item.latest or 0) for item in datasets
    ]


def list_versions(dataset: Dataset) -> QuerySet[DatasetVersion]:
    """The frozen versions, the newest first."""
    return (
        dataset.versions.filter(number__gt=DatasetVersion.DRAFT)
        .select_related("frozen_by")
        .order_by("-number")
    )


def list_frozen_versions(workspace_id: UUID) -> QuerySet[DatasetVersion]:
    """Every frozen version of the workspace with its dataset, by name, the newest first."""
    return (
        DatasetVersion.objects.filter(workspace_id=workspace_id, number__gt=DatasetVersion.DRAFT)
        .select_related("dataset")
        .order_by("dataset__name", "-number")
    )


def list_labelled_versions(workspace_id: UUID) -> list[tuple[DatasetVersion, int]]:
    """Versions and drafts with accepted examples that expect passages, and how many there are."""
    accepted = Q(examples__state=ReviewState.ACCEPTED) & ~Q(examples__expected_passages=[])
    rows = (
        DatasetVersion.objects.filter(workspace_id=workspace_id)
        .annotate(labelled=Count("examples", filter=accepted))
        .filter(labelled__gt=0)
        .select_related("dataset")
        .order_by("dataset__name", "-number")
    )
    return [(version, version.labelled) for version in rows]


def list_examples(
    version: DatasetVersion, narrowed: ExampleFilter | None = None
) -> QuerySet[Example]:
    """The version's examples in their order."""
    narrowed = narrowed or ExampleFilter()
    rows = version.examples.all()
    if narrowed.text:
        rows = rows.filter(
            Q(question__icontains=narrowed.text) | Q(expected_answer__icontains=narrowed.text)
        )
    if narrowed.tag:
        rows = rows.filter(tags__contains=[narrowed.tag])
    exact = {
        "state": narrowed.state,
        "source_kind": narrowed.source,
        "language": narrowed.language,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if narrowed.answerable:
        rows = rows.filter(is_answerable=narrowed.answerable == "yes")
    return _of_length(rows, narrowed.length).order_by("position", "pk")


def _of_length(rows: QuerySet[Example], length: str) -> QuerySet[Example]:
    if not length:
        return rows
    rows = rows.annotate(chars=Length("question"))
    if length == "short":
        return rows.filter(chars__lt=SHORT_CHARS)
    if length == "long":
        return rows.filter(chars__gt=LONG_CHARS)
    return rows.filter(chars__gte=SHORT_CHARS, chars__lte=LONG_CHARS)


def list_slices(version: DatasetVersion, *, dimension: str) -> list[tuple[Slice, int]]:
    """The version's tags, languages or sources with their counts, the most frequent first."""
    column = {
        "tag": Func(F("tags"), function="unnest", output_field=TextField()),
        "language": F("language"),
        "source": F("source_kind"),
    }[dimension]
    rows = (
        version.examples.order_by()
        .annotate(value=column)
        .values_list("value")
        .annotate(count=Count("pk"))
    )
    slices = [(Slice(dimension, value), count) for value, count in rows]
    return sorted(slices, key=lambda pair: (-pair[1], pair[0].value))


def count_states(version: DatasetVersion) -> dict[str, int]:
    """How many examples are accepted, proposed and rejected."""
    rows = version.examples.order_by().values_list("state").annotate(count=Count("pk"))
    return dict.fromkeys(ReviewState.values, 0) | dict(rows)


def count_authors(version: DatasetVersion) -> list[tuple[str, int]]:
    """Which releases and models wrote expected answers, and how many; the most first."""
    rows = (
        version.examples.exclude(answered_by={})
        .order_by()
        .values_list("answered_by")
        .annotate(count=Count("pk"))
    )
    authors = [(Example(answered_by=author).written_by, count) for author, count in rows]
    return sorted(authors, key=lambda pair: (-pair[1], pair[0]))


def list_syntheses(dataset: Dataset) -> QuerySet[Synthesis]:
    """The dataset's syntheses, newest first."""
    return dataset.syntheses.select_related("endpoint").order_by("-created_at")


def next_to_review(
    version: DatasetVersion, *, after: int = 0, among: Sequence[str] = (ReviewState.PROPOSED,)
) -> Example | None:
    """The next example to review after a position, or else the first one."""
    rows = version.examples.filter(state__in=among).order_by("position", "pk")
    return rows.filter(position__gt=after).first() or rows.first()
