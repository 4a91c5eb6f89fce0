"""An assistant's gate rules, checked against what experiments have measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from apps.assistants.models import Assistant, Release
from apps.assistants.releases.promotion import ReleaseCheck
from apps.evaluation.experiments.metrics import (
    Metric,
    find_metric,
    has_version,
)
from apps.evaluation.experiments.own_answers import find_own_answers
from apps.evaluation.experiments.self_judging import list_answered_by, warn_of_self_judging
from apps.evaluation.experiments.values import Values, join_repeats, load_values
from apps.evaluation.gates.limits import (
    Ruling,
    compute_level,
    describe_rule,
    explain_left_out,
    judge_change,
    judge_level,
    tell_change,
)
from apps.evaluation.gates.metric_lookup import describe_metric
from apps.evaluation.models import Experiment, ExperimentState, GateRule
from apps.evaluation.review.grading import measure_trust

NOT_MEASURED = "No finished experiment has measured this for release {number}. Run one."
NO_BASELINE = (
    "Release {current} answers now and was never asked the same questions. Run an experiment with "
    "both."
)
UNTRUSTED = "This judge may not decide ({words}). {doubts}"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The outcome of a rule for a release, and the experiment behind it, if there is one.

    `left_out` counts the examples that it was not decided on, because one of the compared releases
    wrote what they expect.
    """

    rule: GateRule
    name: str
    ok: bool
    reason: str
    experiment: Experiment | None
    left_out: int = 0


def list_rules(assistant: Assistant) -> list[GateRule]:
    """The assistant's rules, oldest first."""
    return list(GateRule.objects.filter(assistant=assistant).select_related("created_by"))


def metric_of(rule: GateRule) -> Metric:
    """The rule's metric as last frozen by an experiment, or as it would be frozen now."""
    return describe_metric(rule.assistant, rule.metric)


def name_rule(rule: GateRule) -> str:
    """The rule as a sentence."""
    return describe_rule(
        rule.kind,
        metric_of(rule),
        statistic=rule.statistic,
        threshold=rule.threshold,
        confidence=rule.confidence,
    )


def judge_release(release: Release, *, experiment: Experiment | None = None) -> list[GateVerdict]:
    """Check a release against its assistant's rules, by the newest experiments or a given one."""
    return [_judge(rule, release, experiment) for rule in list_rules(release.assistant)]


def _judge(rule: GateRule, release: Release, chosen: Experiment | None) -> GateVerdict:
    name = name_rule(rule)
    experiment = chosen or _find_experiment(release, rule.metric)
    metric = find_metric(experiment.evaluators, rule.metric) if experiment else None
    if experiment is None or metric is None:
        reason = NOT_MEASURED.format(number=release.number)
        return GateVerdict(rule, name, False, reason, experiment)
    if metric.is_judge:
        trust = measure_trust(release.workspace_id, metric, judge_name=experiment.judge_name)
        if not trust.is_trusted:
            reason = UNTRUSTED.format(words=trust.words, doubts=" ".join(trust.doubts))
            return GateVerdict(rule, name, False, reason, experiment)
    ruling = _rule(rule, metric, experiment, release)
    version = f"Measured by {metric.version_note}." if metric.version_note else ""
    reason = " ".join(filter(None, [ruling.reason, version, _warn(metric, experiment, release)]))
    return GateVerdict(rule, name, ruling.ok, reason, experiment, ruling.left_out)


def _warn(metric: Metric, experiment: Experiment, release: Release) -> str:
    """What to know of a judge that is one of the models compared."""
    if not metric.is_judge:
        return ""
    compared = {one.pk: one for one in (release, release.assistant.current) if one is not None}
    judged = list_answered_by(experiment.judge_name, compared.values())
    return warn_of_self_judging(experiment.judge_name, judged)


def _rule(rule: GateRule, metric: Metric, experiment: Experiment, release: Release) -> Ruling:
    values = load_values(experiment, metric)
    current = release.assistant.current
    own = find_own_answers(experiment, _compared(rule, experiment, release), metric=metric)
    measured = join_repeats(metric, values.get(release.pk, []))
    if rule.kind != GateRule.Kind.NOT_WORSE:
        all_values = values.get(release.pk, [])
        numbers = _numbers(rule, metric, own.leave_out(all_values))
        ruling = judge_level(
            rule.kind, metric, numbers, statistic=rule.statistic, threshold=rule.threshold
        )
        beside = ""
        if own and (every := _numbers(rule, metric, all_values)):
            beside = f"{metric.show(compute_level(every, rule.statistic))} on all"
        return explain_left_out(ruling, own, measured, beside)
    if current is None or current.pk == release.pk:
        return Ruling(True, "It is the release that answers.")
    before = values.get(current.pk) or _elsewhere(experiment, metric, current.pk)
    if not before:
        return Ruling(False, NO_BASELINE.format(current=current.number))
    ruling = judge_change(
        metric,
        join_repeats(metric, own.leave_out(before)),
        own.without(measured),
        margin=rule.threshold,
        confidence=rule.confidence,
    )
    beside = tell_change(metric, join_repeats(metric, before), measured) if own else ""
    return explain_left_out(ruling, own, measured, beside)


def _compared(rule: GateRule, experiment: Experiment, release: Release) -> list[Release]:
    """The release, and the one that answers now if it was measured on the same questions."""
    current = release.assistant.current
    if current is None or current.pk == release.pk:
        return [release]
    is_measured = rule.kind == GateRule.Kind.NOT_WORSE or (
        experiment.releases.filter(pk=current.pk).exists()
    )
    return [release, current] if is_measured else [release]


def _numbers(rule: GateRule, metric: Metric, values: Values) -> list[float]:
    """What a rule takes its statistic of: examples for a mean, single answers otherwise."""
    if rule.statistic == GateRule.Statistic.MEAN:
        return list(join_repeats(metric, values).values())
    return [value for _, value in values]


def _elsewhere(
    experiment: Experiment, metric: Metric, release_id: UUID
) -> list[tuple[UUID, float]]:
    """A release's values on the same examples from another experiment."""
    finished = _finished(experiment.assistant_id, release_id, metric.key).filter(
        dataset_version_id=experiment.dataset_version_id
    )
    other = next((one for one in finished if has_version(one.evaluators, metric)), None)
    return load_values(other, metric).get(release_id, []) if other else []


def _find_experiment(release: Release, key: str) -> Experiment | None:
    """The newest experiment on this metric and release, preferably with the current release."""
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
    """The gates before a promotion, each with a link to its evidence.

    A release that has answered before is not checked: rolling back must work in one click.
    """
    if release.promotions.exists():
        return []
    return [
        ReleaseCheck(verdict.name, verdict.ok, verdict.reason, _link(release, verdict))
        for verdict in judge_release(release)
    ]


def _link(release: Release, verdict: GateVerdict) -> str:
    slug = release.assistant.workspace.slug
    if verdict.experiment is None:
        return reverse("evaluation:new", args=[slug, release.assistant.slug])
    return reverse("evaluation:experiment", args=[slug, verdict.experiment.pk])
