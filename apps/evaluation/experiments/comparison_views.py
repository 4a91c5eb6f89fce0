"""Pages that read results: two releases side by side, what hangs together, one answer."""

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
from apps.evaluation.experiments.comparison import (
    OUTCOMES,
    compare_metric,
    compare_metrics,
    compare_slices,
    load_examples,
    load_passages,
    load_verdicts,
    members_of,
    rank_examples,
    view_duels,
    view_side,
    view_stability,
)
from apps.evaluation.experiments.metrics import Metric, find_metric, read_metrics
from apps.evaluation.experiments.selectors import list_releases
from apps.evaluation.experiments.sentences import view_sentences
from apps.evaluation.experiments.values import join_repeats, load_values
from apps.evaluation.models import Experiment
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

BASE = {"nav": "evaluate", "section": "experiments"}
DUELS = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What the comparison page is about."""

    first: Release
    second: Release
    metric: Metric
    part: str
    outcome: str


def _read(request: WorkspaceRequest, found: Experiment, releases: list[Release]) -> Asked:
    """What the address asks for; the baseline against the newest other release if it is silent."""
    given = request.GET
    base = next((r for r in releases if r.pk == found.baseline_id), releases[0])
    others = [release for release in releases if release.pk != base.pk]
    first = get_experiment_release(found, given["a"]) if given.get("a") else base
    second = get_experiment_release(found, given["b"]) if given.get("b") else (others or [base])[-1]
    metrics = read_metrics(found.evaluators)
    metric = find_metric(found.evaluators, given.get("metric", "")) or metrics[0]
    outcome = given.get("outcome", "")
    return Asked(
        first, second, metric, given.get("part", ""), outcome if outcome in OUTCOMES else ""
    )


@require_GET
@workspace_view(role=Role.EDITOR)
def compare(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """Two releases: every metric, every slice, and example by example, worst first."""
    found = get_experiment(request.workspace.pk, experiment_id)
    releases = list_releases(found)
    asked = _read(request, found, releases)
    values = load_values(found, asked.metric)
    means = (
        join_repeats(asked.metric, values.get(asked.first.pk, [])),
        join_repeats(asked.metric, values.get(asked.second.pk, [])),
    )
    examples = load_examples(found)
    ranked = rank_examples(
        asked.metric, *means, outcome=asked.outcome, only=members_of(asked.part, examples)
    )
    page = Paginator(ranked, DUELS).get_page(request.GET.get("page"))
    slices = compare_slices(asked.metric, *means, examples)
    context: dict[str, Any] = {
        "experiment": found,
        "assistant": found.assistant,
        "part": "compare",
        "releases": releases,
        "asked": asked,
        "metrics": read_metrics(found.evaluators),
        "headline": compare_metric(asked.metric, *means) if all(means) else None,
        "rows": compare_metrics(found, asked.first, asked.second),
        "slices": slices,
        "outcomes": OUTCOMES.items(),
        "page": page,
        "duels": view_duels(
            found,
            (asked.first, asked.second),
            list(page.object_list),
            metric=asked.metric,
            means=means,
            workspace=request.workspace,
        ),
        "can_compare": len(releases) > 1,
    }
    return render(request, "evaluation/experiments/compare.html", BASE | context)


@require_GET
@workspace_view(role=Role.EDITOR)
def analysis(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """Which metrics go together, what quality costs, how stable the answers are."""
    found = get_experiment(request.workspace.pk, experiment_id)
    releases = list_releases(found)
    metrics = read_metrics(found.evaluators)
    quality = find_metric(found.evaluators, request.GET.get("metric", "")) or metrics[0]
    context: dict[str, Any] = {
        "experiment": found,
        "assistant": found.assistant,
        "part": "analysis",
        "metrics": [metric for metric in metrics if metric.evaluator],
        "quality": quality,
        "correlations": correlate_metrics(found),
        "tradeoff": plot_tradeoff(found, releases, quality),
        "stability": view_stability(found, releases, load_values(found, quality)),
        "can_compare": len(releases) > 1,
    }
    return render(request, "evaluation/experiments/analysis.html", BASE | context)


@require_GET
@workspace_view(role=Role.EDITOR)
def item(request: WorkspaceRequest, experiment_id: UUID, item_id: UUID) -> HttpResponse:
    """One answer of an experiment, and how it was made."""
    found = get_experiment(request.workspace.pk, experiment_id)
    answer = get_item(found, item_id)
    passages = load_passages([answer])
    side = view_side(
        answer.release,
        answer,
        shown="",
        verdicts=load_verdicts(found, [answer]),
        passages=passages,
        workspace=request.workspace,
    )
    trace = answer.trace
    context: dict[str, Any] = {
        "experiment": found,
        "assistant": found.assistant,
        "part": "item",
        "item": answer,
        "example": answer.example,
        "side": side,
        "sentences": view_sentences(answer, passages.get(answer.pk, [])),
        "trace": trace,
        "spans": list(trace.spans.order_by("position")) if trace else [],
        "can_compare": found.releases.count() > 1,
    }
    return render(request, "evaluation/experiments/item.html", BASE | context)
