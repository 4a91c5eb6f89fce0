"""Pages that show results: two releases side by side, the analysis, and a single answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.assistants.models import Release
from apps.evaluation.access import get_experiment, get_experiment_release, get_item
from apps.evaluation.experiments.analysis import correlate_metrics, plot_tradeoff
from apps.evaluation.experiments.metrics import Metric, find_metric, read_metrics
from apps.evaluation.experiments.own_answers import find_own_answers
from apps.evaluation.experiments.release_comparison import (
    OUTCOMES,
    compare_metric,
    compare_metrics,
    compare_slices,
    load_examples,
    load_passages,
    load_scores,
    members_of,
    order_releases,
    rank_examples,
    view_duels,
    view_side,
    view_stability,
)
from apps.evaluation.experiments.selectors import list_releases
from apps.evaluation.experiments.self_judging import list_answered_by, warn_of_self_judging
from apps.evaluation.experiments.sentences import view_sentences
from apps.evaluation.experiments.values import join_repeats, load_values
from apps.evaluation.models import Experiment
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

BASE = {"nav": "evaluate", "section": "experiments"}
DUELS = 10


@dataclass(frozen=True, slots=True)
class ComparisonQuery:
    """What the comparison page is about."""

    first: Release
    second: Release
    metric: Metric
    part: str
    outcome: str


def _read(
    request: WorkspaceRequest, experiment: Experiment, releases: list[Release]
) -> ComparisonQuery:
    """Read the query string; by default, the baseline against the newest other release."""
    query = request.GET
    base = next((r for r in releases if r.pk == experiment.baseline_id), releases[0])
    others = [release for release in releases if release.pk != base.pk]
    first = get_experiment_release(experiment, query["a"]) if query.get("a") else base
    second = (
        get_experiment_release(experiment, query["b"]) if query.get("b") else (others or [base])[-1]
    )
    first, second = order_releases(experiment, first, second)
    metrics = read_metrics(experiment.evaluators)
    metric = find_metric(experiment.evaluators, query.get("metric", "")) or metrics[0]
    outcome = query.get("outcome", "")
    return ComparisonQuery(
        first, second, metric, query.get("part", ""), outcome if outcome in OUTCOMES else ""
    )


def _warn(experiment: Experiment, query: ComparisonQuery) -> str:
    """What to know of a verdict by a judge that is one of the two models."""
    if not query.metric.is_judge:
        return ""
    judged = list_answered_by(experiment.judge_name, {query.first, query.second})
    return warn_of_self_judging(experiment.judge_name, judged)


@require_GET
@workspace_view(role=Role.EDITOR)
def compare(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """Two releases: every metric, every slice, and example by example, worst first."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    releases = list_releases(experiment)
    query = _read(request, experiment, releases)
    values = load_values(experiment, query.metric)
    means = (
        join_repeats(query.metric, values.get(query.first.pk, [])),
        join_repeats(query.metric, values.get(query.second.pk, [])),
    )
    examples = load_examples(experiment)
    ranked = rank_examples(
        query.metric, *means, outcome=query.outcome, only=members_of(query.part, examples)
    )
    own = find_own_answers(experiment, [query.first, query.second], metric=query.metric)
    page = Paginator(ranked, DUELS).get_page(request.GET.get("page"))
    slices = compare_slices(query.metric, *means, examples)
    context: dict[str, Any] = {
        "experiment": experiment,
        "assistant": experiment.assistant,
        "part": "compare",
        "releases": releases,
        "asked": query,
        "metrics": read_metrics(experiment.evaluators),
        "headline": compare_metric(query.metric, *means, own=own) if all(means) else None,
        "own": own,
        "rows": compare_metrics(experiment, query.first, query.second),
        "self_judging": _warn(experiment, query),
        "slices": slices,
        "outcomes": OUTCOMES.items(),
        "page": page,
        "duels": view_duels(
            experiment,
            (query.first, query.second),
            list(page.object_list),
            metric=query.metric,
            means=means,
            workspace=request.workspace,
        ),
        "can_compare": len(releases) > 1,
    }
    return render(request, "evaluation/experiments/compare.html", BASE | context)


@require_GET
@workspace_view(role=Role.EDITOR)
def analysis(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """Which metrics correlate, what quality costs, and how stable the answers are."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    releases = list_releases(experiment)
    metrics = read_metrics(experiment.evaluators)
    quality = find_metric(experiment.evaluators, request.GET.get("metric", "")) or metrics[0]
    context: dict[str, Any] = {
        "experiment": experiment,
        "assistant": experiment.assistant,
        "part": "analysis",
        "metrics": [metric for metric in metrics if metric.evaluator],
        "quality": quality,
        "correlations": correlate_metrics(experiment),
        "own": find_own_answers(experiment, releases, metric=quality),
        "tradeoff": plot_tradeoff(experiment, releases, quality),
        "stability": view_stability(experiment, releases, load_values(experiment, quality)),
        "can_compare": len(releases) > 1,
    }
    return render(request, "evaluation/experiments/analysis.html", BASE | context)


@require_GET
@workspace_view(role=Role.EDITOR)
def item(request: WorkspaceRequest, experiment_id: UUID, item_id: UUID) -> HttpResponse:
    """One answer of an experiment, and how it was produced."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    answer = get_item(experiment, item_id)
    passages = load_passages([answer])
    side = view_side(
        answer.release,
        answer,
        shown="",
        scores=load_scores(experiment, [answer]),
        passages=passages,
        workspace=request.workspace,
    )
    trace = answer.trace
    context: dict[str, Any] = {
        "experiment": experiment,
        "assistant": experiment.assistant,
        "part": "item",
        "item": answer,
        "example": answer.example,
        "side": side,
        "sentences": view_sentences(answer, passages.get(answer.pk, [])),
        "trace": trace,
        "spans": list(trace.spans.order_by("position")) if trace else [],
        "can_compare": experiment.releases.count() > 1,
    }
    return render(request, "evaluation/experiments/item.html", BASE | context)
