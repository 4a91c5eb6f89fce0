"""Runs that measure two profiles on labelled cases: created here, executed by a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from apps.datasets.models import DatasetVersion, Example, ReviewState
from apps.lab.measuring import find_expected, measure_hits
from apps.lab.models import LabResult, LabRun
from apps.lab.profiles import KEYS
from apps.lab.sides import SearchSide, make_request, search_side
from apps.retrieval.models import Index
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.services import Actor

BATCH = 10
"""Cases that are stored together; at most this many are lost in a crash."""
NO_CASES = "No example of this version says which passages it expects, so there is nothing to find."
INDEX_GONE = "The index that one side should search was thrown away in the meantime."


class NoCasesError(Exception):
    """No example of the version says which passages it expects."""


@dataclass(frozen=True, slots=True)
class RunFields:
    """A run's parameters: profiles by side, collections by id, and how many passages count (`k`).

    Of a profile that gives fewer passages to read, only those count.
    `indexes`, by side, are searched instead of the live ones.
    """

    profiles: Mapping[str, RetrievalProfile]
    collection_ids: Sequence[UUID]
    k: int = 10
    indexes: Mapping[str, Index | None] = field(default_factory=dict)


def labelled(version: DatasetVersion) -> list[UUID]:
    """The ids of the version's accepted examples that expect passages, in their order."""
    rows = Example.objects.filter(version=version, state=ReviewState.ACCEPTED)
    rows = rows.exclude(expected_passages=[])
    return list(rows.order_by("position", "pk").values_list("pk", flat=True))


@transaction.atomic
def start_run(version: DatasetVersion, *, fields: RunFields, actor: Actor) -> LabRun:
    """Freeze the parameters and queue the run. Raises NoCasesError."""
    if not labelled(version):
        raise NoCasesError
    run = LabRun.objects.create(
        workspace_id=version.workspace_id,
        dataset_version=version,
        profiles={key: fields.profiles[key].to_json() for key in KEYS},
        indexes={key: str(index.pk) for key, index in fields.indexes.items() if index},
        collections=[str(pk) for pk in fields.collection_ids],
        k=fields.k,
        created_by=actor.user,
    )
    enqueue(run)
    return run


def enqueue(run: LabRun) -> Job:
    """Queue the cases that the run still lacks."""
    return jobs.enqueue(
        JobKind.MEASURE_RETRIEVAL,
        workspace_id=run.workspace_id,
        key=str(run.pk),
        payload={"run_id": str(run.pk)},
    )


def tell_origin(run: LabRun, side: str) -> str:
    """The note of a release that is made from one side of the run."""
    return f"From the retrieval lab: profile {side.upper()} on {run.dataset_version}"[:300]


def count_passages(run: LabRun) -> dict[str, int]:
    """How many passages count on each side: those behind a profile's limit are never read."""
    return {key: min(run.k, RetrievalProfile.parse(run.profiles[key]).limit) for key in KEYS}


def find_job(run: LabRun) -> Job | None:
    """The run's job, which has the progress."""
    return Job.objects.filter(kind=JobKind.MEASURE_RETRIEVAL, key=str(run.pk)).first()


def find_jobs(runs: Sequence[LabRun]) -> dict[UUID, Job]:
    """The jobs of several runs, by run id, in one query."""
    keys = {str(run.pk): run.pk for run in runs}
    jobs = Job.objects.filter(kind=JobKind.MEASURE_RETRIEVAL, key__in=keys)
    return {keys[job.key]: job for job in jobs}


def cancel_run(run: LabRun) -> None:
    """Stop the run after the current batch; results so far are kept."""
    rows = Job.objects.filter(kind=JobKind.MEASURE_RETRIEVAL, key=str(run.pk))
    rows.filter(state=JobState.RUNNING).update(cancel_requested=True)
    rows.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED)


def delete_run(run: LabRun) -> None:
    """Delete the run with its results and its job."""
    with transaction.atomic():
        Job.objects.filter(kind=JobKind.MEASURE_RETRIEVAL, key=str(run.pk)).delete()
        run.delete()


def list_missing(run: LabRun) -> list[UUID]:
    """The examples that lack the result of a side, in their order."""
    done = set(
        LabResult.objects.filter(run=run, side=KEYS[-1]).values_list("example_id", flat=True)
    )
    return [pk for pk in labelled(run.dataset_version) if pk not in done]


def measure_examples(run: LabRun, example_ids: Sequence[UUID]) -> list[LabResult]:
    """Measure both sides on these examples without storing the results. Blocking."""
    profiles = {key: RetrievalProfile.parse(run.profiles[key]) for key in KEYS}
    index_ids = [UUID(pk) for pk in run.indexes.values()]
    rows = Index.objects.filter(workspace_id=run.workspace_id, pk__in=index_ids)
    indexes = {str(index.pk): index for index in rows}
    examples = Example.objects.filter(pk__in=example_ids, version_id=run.dataset_version_id)
    return [
        _measure(run, example, side=key, profile=profile, indexes=indexes)
        for example in examples
        for key, profile in profiles.items()
    ]


def _measure(
    run: LabRun,
    example: Example,
    *,
    side: str,
    profile: RetrievalProfile,
    indexes: Mapping[str, Index],
) -> LabResult:
    index_id = run.indexes.get(side)
    k = min(run.k, profile.limit)
    request = make_request(
        run.workspace_id,
        [UUID(pk) for pk in run.collections],
        example.question,
        profile=profile,
        limit=k,
        index=indexes.get(index_id) if index_id else None,
    )
    gone = index_id is not None and index_id not in indexes
    search = SearchSide(profile, problem=INDEX_GONE) if gone else search_side(request)
    expected = set(find_expected(search.hits, example.expected_passages))
    return LabResult(
        workspace_id=run.workspace_id,
        run=run,
        example=example,
        side=side,
        metrics=measure_hits(search.hits, example.expected_passages, k=k),
        found=[[str(hit.document_id), hit.page, hit.chunk_id in expected] for hit in search.hits],
        duration_ms=search.total_ms,
        problem=search.problem,
    )


def store(results: Sequence[LabResult]) -> None:
    """Store results, and keep those that already exist.

    Both sides of an example are written together, so one side tells what is missing.
    """
    LabResult.objects.bulk_create(results, ignore_conflicts=True)
