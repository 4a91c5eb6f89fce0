"""Gates on the rows: an assistant's rules, held against what experiments have measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from apps.assistants.models import Assistant, Release
from apps.assistants.releases.promotion import ReleaseCheck
from apps.evaluation.experiments.metrics import (
    OPERATIONAL,
    Metric,
    find_metric,
    freeze_evaluators,
    read_metrics,
)
from apps.evaluation.experiments.values import join_repeats, load_values
from apps.evaluation.gates.rulings import Ruling, describe_rule, judge_change, judge_level
from apps.evaluation.models import Experiment, ExperimentState, GateRule
from apps.evaluation.review.grading import measure_trust
from apps.workspaces.services import Actor, record_audit

NOT_MEASURED = "No finished experiment has measured this for release {number}. Run one."
NO_BASELINE = (
    "Release {current} answers now and was never asked the same questions. Run an experiment with "
    "both."
)
UNTRUSTED = "This judge may not decide ({words}). {doubts}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a release, and the experiment that it rests on, if there is one."""

    rule: GateRule
    name: str
    ok: bool
    reason: str
    experiment: Experiment | None


@transaction.atomic
def add_rule(
    assistant: Assistant,
    *,
    metric: Metric,
    kind: str,
    statistic: str,
    threshold: float,
    confidence: float,
    actor: Actor,
) -> GateRule:
    """A rule that every release is held to from now on. The threshold is in the metric's unit."""
    rule = GateRule.objects.create(
        workspace_id=assistant.workspace_id,
        assistant=assistant,
        metric=metric.key,
        kind=kind,
        statistic=GateRule.Statistic.MEAN if kind == GateRule.Kind.NOT_WORSE else statistic,
        threshold=threshold,
        confidence=confidence,
        created_by=actor.user,
    )
    record_audit(
        assistant.workspace_id,
        actor=actor,
        action="gate.added",
        subject=rule,
        detail={"assistant": assistant.name, "rule": name_rule(rule)},
    )
    return rule


@transaction.atomic
def remove_rule(rule: GateRule, *, actor: Actor) -> None:
    """Releases are no longer held to it."""
    record_audit(
        rule.workspace_id,
        actor=actor,
        action="gate.removed",
        subject=rule,
        detail={"assistant": rule.assistant.name, "rule": name_rule(rule)},
    )
    rule.delete()


def list_rules(assistant: Assistant) -> list[GateRule]:
    """In the order in which they were made."""
    return list(GateRule.objects.filter(assistant=assistant).select_related("created_by"))


def list_gate_metrics(assistant: Assistant) -> list[Metric]:
    """What rules can be about: what the assistant's experiments measure, and time and cost."""
    plans = (
        Experiment.objects.filter(assistant=assistant)
        .order_by("-created_at")
        .values_list("evaluators", flat=True)[:20]
    )
    found: dict[str, Metric] = {}
    for evaluators in plans:
        for metric in read_metrics(evaluators):
            found.setdefault(metric.key, metric)
    for metric in OPERATIONAL:
        found.setdefault(metric.key, metric)
    return list(found.values())


def metric_of(rule: GateRule) -> Metric:
    """As experiments froze it last, or as the evaluator is now."""
    known = {metric.key: metric for metric in list_gate_metrics(rule.assistant)}
    if rule.metric in known:
        return known[rule.metric]
    [frozen] = freeze_evaluators([{"evaluator": rule.metric.partition("@")[0]}])
    return read_metrics([frozen])[0]


def name_rule(rule: GateRule) -> str:
    """The rule in words."""
    return describe_rule(
        rule.kind,
        metric_of(rule),
        statistic=rule.statistic,
        threshold=rule.threshold,
        confidence=rule.confidence,
    )


def judge_release(release: Release, *, experiment: Experiment | None = None) -> list[Verdict]:
    """Hold a release against its assistant's rules, by the newest experiments or by one given."""
    return [_judge(rule, release, experiment) for rule in list_rules(release.assistant)]


def _judge(rule: GateRule, release: Release, given: Experiment | None) -> Verdict:
    name = name_rule(rule)
    found = given or _find_experiment(release, rule.metric)
    metric = find_metric(found.evaluators, rule.metric) if found else None
    if found is None or metric is None:
        reason = NOT_MEASURED.format(number=release.number)
        return Verdict(rule, name, False, reason, found)
    if metric.is_judge:
        trust = measure_trust(release.workspace_id, metric, judge_name=found.judge_name)
        if not trust.is_trusted:
            reason = UNTRUSTED.format(words=trust.words, doubts=" ".join(trust.doubts))
            return Verdict(rule, name, False, reason, found)
    ruling = _rule(rule, metric, found, release)
    return Verdict(rule, name, ruling.ok, ruling.reason, found)


def _rule(rule: GateRule, metric: Metric, found: Experiment, release: Release) -> Ruling:
    values = load_values(found, metric)
    if rule.kind != GateRule.Kind.NOT_WORSE:
        own = values.get(release.pk, [])
        numbers = (
            list(join_repeats(metric, own).values())
            if rule.statistic == GateRule.Statistic.MEAN
            else [value for _, value in own]
        )
        return judge_level(
            rule.kind, metric, numbers, statistic=rule.statistic, threshold=rule.threshold
        )
    current = release.assistant.current
    if current is None or current.pk == release.pk:
        return Ruling(True, "It is the release that answers.")
    before = values.get(current.pk) or _elsewhere(found, metric, current.pk)
    if not before:
        return Ruling(False, NO_BASELINE.format(current=current.number))
    return judge_change(
        metric,
        join_repeats(metric, before),
        join_repeats(metric, values.get(release.pk, [])),
        margin=rule.threshold,
        confidence=rule.confidence,
    )


def _elsewhere(found: Experiment, metric: Metric, release_id: UUID) -> list[tuple[UUID, float]]:
    """What another experiment measured for a release on the same examples."""
    other = (
        _finished(found.assistant_id, release_id, metric.key)
        .filter(dataset_version_id=found.dataset_version_id)
        .first()
    )
    return load_values(other, metric).get(release_id, []) if other else []


def _find_experiment(release: Release, key: str) -> Experiment | None:
    """The newest that measured it for this release, rather one that also asked the current."""
    measured = _finished(release.assistant_id, release.pk, key)
    current = release.assistant.current_id
    if current and current != release.pk and (both := measured.filter(releases=current).first()):
        return both
    return measured.first()


def _finished(assistant_id: UUID, release_id: UUID, key: str) -> QuerySet[Experiment]:
    return (
        Experiment.objects.filter(
            assistant_id=assistant_id,
            state=ExperimentState.DONE,
            releases=release_id,
            summaries__release_id=release_id,
            summaries__metric=key,
        )
        .order_by("-created_at")
        .distinct()
    )


def check_release(release: Release) -> Sequence[ReleaseCheck]:
    """The gates before a promotion, each with a link to what it rests on.

    A release that has answered before is not held up: going back must work in one click.
    """
    if release.promotions.exists():
        return []
    return [
        ReleaseCheck(verdict.name, verdict.ok, verdict.reason, _link(release, verdict))
        for verdict in judge_release(release)
    ]


def _link(release: Release, verdict: Verdict) -> str:
    slug = release.assistant.workspace.slug
    if verdict.experiment is None:
        return reverse("evaluation:new", args=[slug, release.assistant.slug])
    return reverse("evaluation:experiment", args=[slug, verdict.experiment.pk])
