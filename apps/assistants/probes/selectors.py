"""Reads: probes with their progress, and their reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.assistants.models import Probe, ProbeCase
from apps.assistants.probes.perturb import LABELS
from apps.assistants.probes.report import (
    Move,
    NeedleReport,
    PerturbationReport,
    report_moves,
    report_needles,
)
from apps.assistants.probes.services import ORIGINAL
from apps.core.models import Job, JobKind, JobState

OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class ProbeView:
    """A probe and how far it is. `reason` says why it failed, if it did."""

    probe: Probe
    done: int
    total: int
    failed: int
    state: str
    reason: str

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def can_resume(self) -> bool:
        return not self.is_open and self.done < self.total


@dataclass(frozen=True, slots=True)
class MovedAnswer:
    """An answer that moved, beside the one to the question as it was."""

    label: str
    question: str
    answer: str
    original: str
    original_answer: str
    similarity: float
    is_changed: bool


def get_probe(workspace_id: UUID, probe_id: UUID) -> Probe:
    """The workspace's probe, or Http404."""
    probe = (
        Probe.objects.select_related("release__assistant", "endpoint", "created_by")
        .filter(workspace_id=workspace_id, pk=probe_id)
        .first()
    )
    if probe is None:
        raise Http404
    return probe


def list_probes(workspace_id: UUID) -> list[ProbeView]:
    """The latest hundred, newest first, in four queries however many there are."""
    probes = list(
        Probe.objects.filter(workspace_id=workspace_id)
        .select_related("release__assistant", "endpoint", "created_by")
        .order_by("-created_at")[:100]
    )
    return _view(probes)


def view_probe(probe: Probe) -> ProbeView:
    """One probe and how far it is."""
    return _view([probe])[0]


def _view(probes: list[Probe]) -> list[ProbeView]:
    keys = [str(probe.pk) for probe in probes]
    jobs = {job.key: job for job in Job.objects.filter(kind=JobKind.RUN_PROBE, key__in=keys)}
    counts: dict[UUID, list[int]] = {probe.pk: [0, 0, 0] for probe in probes}
    cases = ProbeCase.objects.filter(probe__in=probes)
    for probe_id, result in cases.values_list("probe_id", "result"):
        counts[probe_id][0] += 1
        counts[probe_id][1] += result is not None
        counts[probe_id][2] += bool(result and result.get("error"))
    views = []
    for probe in probes:
        total, done, failed = counts[probe.pk]
        job = jobs.get(str(probe.pk))
        state = JobState(job.state) if job else JobState.SUCCEEDED
        reason = job.reason if job else ""
        views.append(ProbeView(probe, done, total, failed, state, reason))
    return views


def list_cases(probe: Probe) -> QuerySet[ProbeCase]:
    return probe.cases.order_by("number")


def list_open_cases(probe: Probe) -> list[ProbeCase]:
    """What has not been asked, in order."""
    return list(list_cases(probe).filter(result__isnull=True))


def find_original(probe: Probe, question: int) -> ProbeCase | None:
    """The finished case of a question as it was."""
    return (
        probe.cases.filter(given__question=question, given__kind=ORIGINAL)
        .exclude(result__isnull=True)
        .first()
    )


def report_perturbation(probe: Probe) -> tuple[PerturbationReport, list[MovedAnswer]]:
    """The figures, and the answers that moved, furthest first."""
    cases = [case for case in list_cases(probe) if case.result and not case.result.get("error")]
    originals = {c.given["question"]: c for c in cases if c.given["kind"] == ORIGINAL}
    moved = [c for c in cases if c.result and "similarity" in c.result]
    report = report_moves([_move(case.given, case.result or {}) for case in moved])
    answers = [
        _moved_answer(case, originals[case.given["question"]])
        for case in moved
        if case.given["question"] in originals
    ]
    return report, sorted(answers, key=lambda answer: answer.similarity)


def _move(case: dict[str, Any], result: dict[str, Any]) -> Move:
    return Move(case["kind"], result["similarity"], result["changed"])


def _moved_answer(case: ProbeCase, original: ProbeCase) -> MovedAnswer:
    result = case.result or {}
    return MovedAnswer(
        label=LABELS.get(case.given["kind"], case.given["kind"]),
        question=case.given["text"],
        answer=case.answer,
        original=original.given["text"],
        original_answer=original.answer,
        similarity=result["similarity"],
        is_changed=result["changed"],
    )


def report_needle(probe: Probe) -> NeedleReport:
    """The grid of lengths and depths."""
    results: dict[tuple[int, float], list[bool]] = {}
    for case in list_cases(probe):
        group = results.setdefault((case.given["length"], case.given["depth"]), [])
        if case.result and not case.result.get("error"):
            group.append(bool(case.result["found"]))
    return report_needles(results)
