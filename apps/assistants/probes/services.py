"""Writes: probes, their cases and results."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.assistants.models import Probe, ProbeCase, Release
from apps.assistants.probes.needle import DEPTHS, plan_cells
from apps.assistants.probes.perturb import AGAIN, KINDS, REVERSED, perturb
from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from apps.gateway.models import Endpoint
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit

ORIGINAL = "original"
MAX_QUESTIONS = 20
MAX_ATTEMPTS = 5
RESERVED_TOKENS = 1_000
"""Tokens of the context window kept for instructions, numbering and the answer."""


@dataclass(frozen=True, slots=True)
class NeedlePlan:
    """What to ask. Lengths in tokens; lengths beyond the model's window are left out."""

    endpoint: Endpoint | None
    lengths: Sequence[int]
    attempts: int


@transaction.atomic
def start_perturbation(
    release: Release, *, endpoint: Endpoint | None, questions: Sequence[str], actor: Actor
) -> Probe:
    """Ask each question as it is and in every other shape, in the background."""
    seed = random.randrange(1_000_000)  # noqa: S311 - only has to differ between probes
    cases: list[dict[str, Any]] = [
        {"question": n, "kind": ORIGINAL, "text": text} for n, text in enumerate(questions)
    ]
    for kind in KINDS:
        for n, text in enumerate(questions):
            changed = perturb(text, kind.name, seed=seed)
            if changed != text or kind.name in (AGAIN, REVERSED):
                cases.append({"question": n, "kind": kind.name, "text": changed})
    probe = Probe(
        workspace_id=release.workspace_id,
        kind=Probe.Kind.PERTURBATION,
        release=release,
        endpoint=endpoint,
        endpoint_name=endpoint.name if endpoint else "",
        settings={"questions": list(questions), "seed": seed},
        created_by=actor.user,
    )
    return _start(probe, cases, actor=actor)


@transaction.atomic
def start_needle(workspace: Workspace, *, plan: NeedlePlan, actor: Actor) -> Probe:
    """Hide a fact at every depth of texts of every length, in the background.

    Raises ValueError if no length fits the model's context window.
    """
    room = plan.endpoint.context_tokens - RESERVED_TOKENS if plan.endpoint else max(plan.lengths)
    lengths = [length for length in plan.lengths if length <= room]
    if not lengths:
        raise ValueError(f"None of these fits the model's window; it has room for {room:,} tokens.")
    seed = random.randrange(1_000_000)  # noqa: S311 - only has to differ between probes
    cells = plan_cells(lengths, DEPTHS, attempts=plan.attempts)
    cases = [{"length": c.length, "depth": c.depth, "attempt": c.attempt} for c in cells]
    probe = Probe(
        workspace=workspace,
        kind=Probe.Kind.NEEDLE,
        endpoint=plan.endpoint,
        endpoint_name=plan.endpoint.name if plan.endpoint else "",
        settings={"lengths": lengths, "attempts": plan.attempts, "seed": seed},
        created_by=actor.user,
    )
    return _start(probe, cases, actor=actor)


def _start(probe: Probe, cases: Sequence[dict[str, Any]], *, actor: Actor) -> Probe:
    probe.save()
    ProbeCase.objects.bulk_create(
        ProbeCase(workspace_id=probe.workspace_id, probe=probe, number=n, given=case)
        for n, case in enumerate(cases)
    )
    record_audit(
        probe.workspace_id,
        actor=actor,
        action="probe.started",
        subject=probe,
        detail={"kind": probe.kind, "cases": len(cases), "model": probe.endpoint_name},
    )
    jobs.enqueue(
        JobKind.RUN_PROBE,
        workspace_id=probe.workspace_id,
        key=str(probe.pk),
        payload={"probe_id": str(probe.pk)},
    )
    return probe


def resume_probe(probe: Probe) -> None:
    """Go on with what has not been asked, after a failure or a cancellation."""
    jobs.enqueue(
        JobKind.RUN_PROBE,
        workspace_id=probe.workspace_id,
        key=str(probe.pk),
        payload={"probe_id": str(probe.pk)},
    )


@transaction.atomic
def cancel_probe(probe: Probe) -> None:
    """Stop a probe; the results so far stay."""
    jobs_of_probe = Job.objects.select_for_update().filter(
        kind=JobKind.RUN_PROBE, key=str(probe.pk)
    )
    jobs_of_probe.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED)
    jobs_of_probe.filter(state=JobState.RUNNING).update(cancel_requested=True)


@transaction.atomic
def delete_probe(probe: Probe, *, actor: Actor) -> None:
    """Delete a probe with its cases and its job; a worker on it finds nothing left to do."""
    cancel_probe(probe)
    record_audit(probe.workspace_id, actor=actor, action="probe.deleted", subject=probe)
    Job.objects.filter(kind=JobKind.RUN_PROBE, key=str(probe.pk)).exclude(
        state=JobState.RUNNING
    ).delete()
    probe.delete()


def store_case(case: ProbeCase, *, answer: str, result: dict[str, Any]) -> None:
    """Store the result of a case, unless it has one already."""
    ProbeCase.objects.filter(pk=case.pk, result__isnull=True).update(
        answer=answer[:4000], result=result
    )


def forget_probe_answers(collection_id: UUID) -> None:
    """Empty the answers of probes that quoted from a collection; the figures stay."""
    ProbeCase.objects.filter(probe__release__collections=collection_id).update(answer="")
