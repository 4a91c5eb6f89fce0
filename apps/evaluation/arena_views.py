"""Pages of the arena: comparing blind, the standings, the export."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from apps.evaluation.access import get_experiment
from apps.evaluation.arena import (
    Pair,
    count_pairs,
    export_preferences,
    find_next_pair,
    list_matches,
    rank_releases,
    record_vote,
)
from apps.evaluation.compared import load_passages, view_side
from apps.evaluation.models import Winner
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

BASE = {"nav": "evaluate", "section": "experiments", "part": "arena"}
NO_PAIR = "This is no pair of the experiment."


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def arena(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """Two answers whose releases are hidden; sending is a vote and leads to the next pair."""
    found = get_experiment(request.workspace.pk, experiment_id)
    if request.method == "POST":
        try:
            record_vote(
                found,
                first_id=UUID(request.POST.get("first", "")),
                second_id=UUID(request.POST.get("second", "")),
                winner=request.POST.get("winner", ""),
                voter=request.user,
            )
        except ValueError:
            return HttpResponseBadRequest(NO_PAIR)
        return redirect("evaluation:arena", request.workspace.slug, found.pk)
    pair = find_next_pair(found, voter=request.user)
    matches = list(list_matches(found))
    context: dict[str, Any] = {
        "experiment": found,
        "assistant": found.assistant,
        "can_compare": found.releases.count() > 1,
        "pair": pair,
        "sides": _sides(request, pair) if pair else [],
        "winners": Winner,
        "num_own": sum(match.voter_id == request.user.pk for match in matches),
        "num_all": len(matches),
        "counts": count_pairs(found),
        "standings": rank_releases(matches),
    }
    return render(request, "evaluation/arena.html", BASE | context)


def _sides(request: WorkspaceRequest, pair: Pair) -> list[Any]:
    items = [pair.first, pair.second]
    passages = load_passages(items)
    return [
        view_side(
            item.release,
            item,
            shown="",
            verdicts={},
            passages=passages,
            workspace=request.workspace,
        )
        for item in items
    ]


@require_GET
@workspace_view(role=Role.EDITOR)
def preferences(request: WorkspaceRequest, experiment_id: UUID) -> StreamingHttpResponse:
    """The votes as preference pairs, one JSON object a line."""
    found = get_experiment(request.workspace.pk, experiment_id)
    response = StreamingHttpResponse(export_preferences(found), content_type="application/x-ndjson")
    response["Content-Disposition"] = 'attachment; filename="preferences.jsonl"'
    return response
