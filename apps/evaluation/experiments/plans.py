"""Writes: create, stop, resume and delete experiments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.assistants.models import Assistant, Release
from apps.core.jobs import enqueue
from apps.core.models import Job, JobKind, JobState
from apps.datasets.models import DatasetVersion, Example
from apps.evaluation.experiments.metrics import evaluator_needs, read_metrics
from apps.evaluation.models import (
    OPEN_ITEMS,
    Experiment,
    ExperimentItem,
    ExperimentState,
    Grade,
    ItemPassage,
    ItemState,
    Match,
    Score,
)
from apps.gateway.models import Endpoint
from apps.traces.models import Span, Trace
from apps.workspaces.services import Actor, record_audit
from measures.evaluators.base import Need

MAX_EXPERIMENT_NAME = 120
MAX_ITEMS = 200_000
MAX_RELEASES = 8
MAX_REPEATS = 10
MAX_PARALLEL = 32
CANCELLED = "This was stopped. What was answered until then is kept."

# The version's examples that the seed selects, numbered in the version's own order.
FILL = """
WITH chosen AS (
    SELECT id, position FROM datasets_example WHERE version_id = %(version)s
    ORDER BY CASE WHEN %(size)s::int IS NULL THEN '' ELSE md5(%(seed)s || key::text) END, position
    LIMIT %(size)s
)
INSERT INTO evaluation_experimentitem
    (id, workspace_id, experiment_id, release_id, example_id, repetition, position, state, attempts,
     error, answer, is_declined, turns, input_tokens, output_tokens, cost)
SELECT gen_random_uuid(), %(workspace)s, %(experiment)s, release.id, chosen.id, repetition,
       chosen.position, 'pending', 0, '', '', false, '[]', 0, 0, 0
FROM chosen
CROSS JOIN unnest(%(releases)s::uuid[]) AS release (id)
CROSS JOIN generate_series(1, %(repeats)s) AS repetition
ON CONFLICT DO NOTHING
"""


LIKE_A_RELEASE = re.compile(r"(the )?(release|version|v)[\s.]*\d*", re.IGNORECASE)


def name_experiment(
    assistant: Assistant, releases: Sequence[Release], version: DatasetVersion
) -> str:
    """What is compared, on what and when: `Desk: release 3 against 2, Leave v1, 1 Dec 2026`."""
    numbers = sorted(release.number for release in releases if release.pk != assistant.current_id)
    promoted = [release.number for release in releases if release.pk == assistant.current_id]
    numbers, against = (numbers, promoted) if numbers else (promoted, [])
    names = [str(number) for number in numbers]
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
    what = f"release{'s' if len(names) > 1 else ''} {listed}"
    if against:
        what += f" against {against[0]}"
    today = timezone.localdate()
    rest = f": {what}, {str(version)[:50]}, {today.day} {today:%b %Y}"
    return f"{assistant.name[: MAX_EXPERIMENT_NAME - len(rest)]}{rest}"


class PlanError(ValueError):
    """Why an experiment cannot be created, as a sentence for people. `field` is at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `evaluators` are in the form that `metrics.freeze_evaluators` returns.

    Without a name, it is named after what it compares.
    """

    name: str
    dataset_version: DatasetVersion
    releases: Sequence[Release]
    evaluators: Sequence[dict[str, Any]]
    judge: Endpoint | None = None
    repeats: int = 1
    sample_size: int | None = None
    sample_seed: int = 0
    with_turns: bool = False
    parallel: int = 4


@transaction.atomic
def create_experiment(assistant: Assistant, *, plan: Plan, actor: Actor) -> Experiment:
    """Freeze the plan, write its items and queue the work. Raises PlanError."""
    _check(assistant, plan)
    name = plan.name or name_experiment(assistant, plan.releases, plan.dataset_version)
    experiment = Experiment.objects.create(
        workspace_id=assistant.workspace_id,
        assistant=assistant,
        dataset_version=plan.dataset_version,
        baseline_id=assistant.current_id,
        name=name,
        evaluators=list(plan.evaluators),
        judge=plan.judge,
        judge_name=plan.judge.model if plan.judge else "",
        repeats=plan.repeats,
        sample_size=plan.sample_size,
        sample_seed=plan.sample_seed,
        with_turns=plan.with_turns,
        parallel=plan.parallel,
        created_by=actor.user,
    )
    experiment.releases.set(plan.releases)
    _fill(experiment, plan.releases)
    experiment.total = experiment.items.count()
    experiment.save(update_fields=["total"])
    record_audit(
        experiment.workspace_id,
        actor=actor,
        action="experiment.created",
        subject=experiment,
        detail={"name": name, "answers": experiment.total},
    )
    _queue(experiment)
    return experiment


def _check(assistant: Assistant, plan: Plan) -> None:
    if LIKE_A_RELEASE.fullmatch(plan.name.strip()):
        raise PlanError("name", "This reads like a release. Say what you want to find out.")
    if plan.dataset_version.is_draft:
        raise PlanError("dataset_version", "Freeze the dataset first: a draft can still change.")
    if not plan.releases or len(plan.releases) > MAX_RELEASES:
        raise PlanError("releases", f"Choose 1 to {MAX_RELEASES} releases.")
    if any(release.assistant_id != assistant.pk for release in plan.releases):
        raise PlanError("releases", "All releases must be of this assistant.")
    if not plan.evaluators:
        raise PlanError("evaluators", "Choose at least one evaluator.")
    if plan.judge is None and any(one["is_judge"] for one in plan.evaluators):
        raise PlanError("judge", "A judge needs a model: choose which one is asked.")
    _check_sizes(plan)
    _check_tries(plan)
    again = [m for m in read_metrics(plan.evaluators) if Need.ANSWERS_AGAIN in evaluator_needs(m)]
    if len({metric.settings["temperature"] for metric in again}) > 1:
        raise PlanError("evaluators", "Ask again with one temperature in an experiment.")
    for release in plan.releases:
        if release.endpoint_id is None and (name := release.endpoint_snapshot.get("name")):
            raise PlanError(
                "releases", f"The model “{name}” of release {release.number} was deleted."
            )


def _check_tries(plan: Plan) -> None:
    """pass@k needs k attempts at every example: repetitions, or samples stored with the example."""
    for metric in read_metrics(plan.evaluators):
        tries = metric.settings.get("k", 1)
        if Need.TESTS not in evaluator_needs(metric) or tries <= plan.repeats:
            continue
        examples = Example.objects.filter(version=plan.dataset_version)
        if not examples.filter(checks__has_key="samples").exists():
            raise PlanError("repeats", f"{metric.label}: ask each question {tries} times for that.")


def _check_sizes(plan: Plan) -> None:
    for name, value, most in (
        ("repeats", plan.repeats, MAX_REPEATS),
        ("parallel", plan.parallel, MAX_PARALLEL),
    ):
        if not 1 <= value <= most:
            raise PlanError(name, f"This must be a number from 1 to {most}.")
    examples = plan.dataset_version.num_examples
    size = min(plan.sample_size or examples, examples)
    if size * len(plan.releases) * plan.repeats > MAX_ITEMS:
        raise PlanError(
            "sample_size", f"This is more than {MAX_ITEMS:,} answers. Take a sample of the dataset."
        )


def _fill(experiment: Experiment, releases: Sequence[Release]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            FILL,
            {
                "version": experiment.dataset_version_id,
                "size": experiment.sample_size,
                "seed": str(experiment.sample_seed),
                "workspace": experiment.workspace_id,
                "experiment": experiment.pk,
                "releases": [release.pk for release in releases],
                "repeats": experiment.repeats,
            },
        )


def _queue(experiment: Experiment) -> None:
    enqueue(
        JobKind.RUN_EXPERIMENT,
        workspace_id=experiment.workspace_id,
        key=str(experiment.pk),
        payload={"experiment_id": str(experiment.pk)},
    )


@transaction.atomic
def cancel_experiment(experiment: Experiment, *, actor: Actor) -> bool:
    """Stop the experiment and keep its answers. False if it had already ended."""
    rows = Experiment.objects.filter(
        pk=experiment.pk, state__in=[ExperimentState.QUEUED, ExperimentState.RUNNING]
    ).update(state=ExperimentState.CANCELLED, reason=CANCELLED, finished_at=timezone.now())
    if not rows:
        return False
    jobs = Job.objects.filter(kind=JobKind.RUN_EXPERIMENT, key=str(experiment.pk))
    jobs.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED, finished_at=timezone.now())
    jobs.filter(state=JobState.RUNNING).update(
        state=JobState.CANCELLED, cancel_requested=True, finished_at=timezone.now()
    )
    record_audit(
        experiment.workspace_id, actor=actor, action="experiment.cancelled", subject=experiment
    )
    return True


@transaction.atomic
def resume_experiment(experiment: Experiment, *, actor: Actor) -> bool:
    """Retry failed items and continue with open ones. False if nothing is left to do."""
    Experiment.objects.select_for_update().get(pk=experiment.pk)
    failed = experiment.items.filter(state=ItemState.FAILED).update(
        state=ItemState.PENDING, error="", attempts=0
    )
    has_open = experiment.items.filter(state__in=OPEN_ITEMS).exists()
    if not has_open:
        return False
    Experiment.objects.filter(pk=experiment.pk).update(
        state=ExperimentState.QUEUED, reason="", finished_at=None, failed=0
    )
    record_audit(
        experiment.workspace_id,
        actor=actor,
        action="experiment.resumed",
        subject=experiment,
        detail={"failed": failed},
    )
    _queue(experiment)
    return True


@transaction.atomic
def delete_experiment(experiment: Experiment, *, actor: Actor) -> None:
    """Delete the experiment with its answers, scores, votes and traces."""
    cancel_experiment(experiment, actor=actor)
    record_audit(
        experiment.workspace_id,
        actor=actor,
        action="experiment.deleted",
        subject=experiment,
        detail={"name": experiment.name},
    )
    _delete_rows(experiment)
    experiment.delete()


def _delete_rows(experiment: Experiment) -> None:
    """One DELETE per table: Django would load up to 100,000 items to find their dependants."""
    items = ExperimentItem.objects.filter(experiment=experiment)
    traces = Trace.objects.filter(
        workspace_id=experiment.workspace_id,
        subject_type="experiment_item",
        subject_id__in=items.values("pk"),
    )
    tables: list[QuerySet[Any]] = [
        Span.objects.filter(trace__in=traces),
        Score.objects.filter(experiment=experiment),
        ItemPassage.objects.filter(item__in=items),
        Grade.objects.filter(item__in=items),
        Match.objects.filter(experiment=experiment),
        traces,
        items,
    ]
    for rows in tables:
        rows._raw_delete(rows.db)
