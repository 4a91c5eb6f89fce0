"""Pages of the arena: blind comparison, standings and export."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.evaluation.access import get_experiment, get_item
from apps.evaluation.experiments.release_comparison import AnswerSide, load_passages, view_side
from apps.evaluation.models import Experiment, ExperimentItem, Winner
from apps.evaluation.review.arena import (
    AnswerPair,
    ask_judge,
    compare_judges,
    count_pairs,
    export_preferences,
    find_next_pair,
    list_judging,
    list_matches,
    rank_releases,
    record_vote,
)
from apps.evaluation.review.forms import JudgeForm
from apps.evaluation.review.grading import (
    count_grades,
    find_ungraded,
    get_bar,
    give_grade,
    list_trust,
)
from apps.evaluation.review.guidelines import list_criteria
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

BASE = {"nav": "evaluate", "section": "experiments", "part": "arena"}
GRADES = (
    (1, "Useless or wrong"),
    (2, "Mostly wrong"),
    (3, "Of some use"),
    (4, "Good"),
    (5, "Complete and right"),
)
NO_PAIR = "This is no pair of the experiment."


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def arena(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """Two answers with hidden releases; submitting a vote leads to the next pair."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    if request.method == "POST":
        try:
            record_vote(
                experiment,
                first_id=UUID(request.POST.get("first", "")),
                second_id=UUID(request.POST.get("second", "")),
                winner=request.POST.get("winner", ""),
                voter=request.user,
            )
        except ValueError:
            return HttpResponseBadRequest(NO_PAIR)
        return redirect("evaluation:arena", request.workspace.slug, experiment.pk)
    return _show_arena(request, experiment, JudgeForm(request.workspace), status=200)


@require_POST
@workspace_view(role=Role.EDITOR)
def judge(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """Let a model compare the pairs too."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    form = JudgeForm(request.workspace, request.POST)
    if not form.is_valid():
        return _show_arena(request, experiment, form, status=422)
    endpoint = form.cleaned_data["endpoint"]
    ask_judge(experiment, endpoint, actor=request.actor)
    messages.success(request, f"{endpoint.name} compares the pairs, each in both orders.")
    return redirect("evaluation:arena", request.workspace.slug, experiment.pk)


def _show_arena(
    request: WorkspaceRequest, experiment: Experiment, form: JudgeForm, *, status: int
) -> HttpResponse:
    pair = find_next_pair(experiment, voter=request.user)
    matches = list(list_matches(experiment))
    context: dict[str, Any] = {
        "experiment": experiment,
        "assistant": experiment.assistant,
        "can_compare": experiment.releases.count() > 1,
        "pair": pair,
        "sides": _sides(request, pair) if pair else [],
        "winners": Winner,
        "num_own": sum(match.voter_id == request.user.pk for match in matches),
        "num_all": len(matches),
        "counts": count_pairs(experiment),
        "standings": rank_releases(matches),
        "judges": compare_judges(matches, bar=get_bar(request.workspace.pk)),
        "judging": list_judging(experiment),
        "form": form,
    }
    return render(request, "evaluation/arena.html", BASE | context, status=status)


def _sides(request: WorkspaceRequest, pair: AnswerPair) -> list[AnswerSide]:
    return [_side(request, item) for item in (pair.first, pair.second)]


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def grade(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """One answer after another for people to grade; judges are measured against these grades."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    if request.method == "POST":
        try:
            item = get_item(experiment, UUID(request.POST.get("item", "")))
            give_grade(item, value=int(request.POST.get("value", "")), user=request.user)
        except ValueError:
            return HttpResponseBadRequest("A grade is a number from 1 to 5.")
        return redirect("evaluation:grade", request.workspace.slug, experiment.pk)
    item_to_grade = find_ungraded(experiment, user=request.user)
    own, everybody, total = count_grades(experiment, user=request.user)
    context: dict[str, Any] = {
        "experiment": experiment,
        "assistant": experiment.assistant,
        "part": "grade",
        "can_compare": experiment.releases.count() > 1,
        "item": item_to_grade,
        "side": _side(request, item_to_grade) if item_to_grade else None,
        "grades": GRADES,
        "num_own": own,
        "num_all": everybody,
        "num_items": total,
        "trust": list_trust(experiment),
        "criteria": list_criteria(experiment.assistant),
    }
    return render(request, "evaluation/grade.html", BASE | context)


def _side(request: WorkspaceRequest, item: ExperimentItem) -> AnswerSide:
    return view_side(
        item.release,
        item,
        shown="",
        scores={},
        passages=load_passages([item]),
        workspace=request.workspace,
    )


@require_GET
@workspace_view(role=Role.EDITOR)
def preferences(request: WorkspaceRequest, experiment_id: UUID) -> StreamingHttpResponse:
    """The votes as preference pairs, one JSON object a line."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    response = StreamingHttpResponse(
        export_preferences(experiment), content_type="application/x-ndjson"
    )
    response["Content-Disposition"] = 'attachment; filename="preferences.jsonl"'
    return response
