"""The thumbs under an answer, and the list that editors work through."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.selectors import list_assistants
from apps.chat.access import find_hidden_files, get_answer, shows_names
from apps.chat.selectors import view_answer
from apps.feedback.access import get_feedback
from apps.feedback.forms import DaysForm, FilterForm, VerdictForm
from apps.feedback.models import Feedback, FeedbackState, Rating, Reason
from apps.feedback.selectors import FeedbackFilter, list_feedback, view_row
from apps.feedback.services import FeedbackFields, give_feedback, set_state
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

PAGE_SIZE = 25


@require_POST
@workspace_view()
def send(request: WorkspaceRequest, message_id: UUID) -> HttpResponse:
    """Store a thumb, or the reason for it, and redraw the feedback row under the answer."""
    answer = get_answer(request, message_id)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("This rating is not one of those on the page.")
    feedback = give_feedback(
        answer, fields=FeedbackFields(**form.cleaned_data), actor=request.actor
    )
    if not request.htmx:
        arguments = [
            request.workspace.slug,
            answer.conversation.assistant.slug,
            answer.conversation_id,
        ]
        return redirect(reverse("chat:conversation", args=arguments))
    hidden_files = find_hidden_files(answer.conversation, user=request.user)
    view = view_answer(answer, request.workspace, without=hidden_files)
    view.feedback = feedback
    # The form that asks why may come back empty, and is not shown a second time.
    is_bare = "comment" not in request.POST and not feedback.reason and not feedback.comment
    asks_why = feedback.rating == Rating.DOWN and is_bare
    context = {"answer": view, "feedback_open": asks_why, "is_last": not answer.replaced}
    return render(request, "feedback/_of_answer.html", context)


@require_GET
@workspace_view(role=Role.EDITOR)
def listing(request: WorkspaceRequest) -> HttpResponse:
    context = _list_context(request) | {
        "nav": "feedback",
        "assistants": list_assistants(request.workspace.pk),
    }
    return render(request, "feedback/list.html", context)


@require_GET
@workspace_view(role=Role.EDITOR)
def of_assistant(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    context = _list_context(request, assistant_slug=assistant_slug) | {
        "nav": "assistants",
        "tab": "feedback",
        "assistant": assistant,
    }
    return render(request, "feedback/of_assistant.html", context)


def _list_context(request: WorkspaceRequest, *, assistant_slug: str = "") -> dict[str, Any]:
    """Invalid filters are ignored, so that an old link still opens."""
    form, days = FilterForm(request.GET), DaysForm(request.GET)
    form.is_valid(), days.is_valid()
    narrowed = FeedbackFilter(
        rating=form.cleaned_data.get("rating", ""),
        reason=form.cleaned_data.get("reason", ""),
        state=form.cleaned_data.get("state", ""),
        assistant=assistant_slug or form.cleaned_data.get("assistant", ""),
        first_day=days.cleaned_data.get("from"),
        last_day=days.cleaned_data.get("to"),
    )
    paginator = Paginator(list_feedback(request.workspace.pk, narrowed), PAGE_SIZE)
    page = paginator.get_page(request.GET.get("page"))
    return {
        "page": page,
        "rows": [_row(request, feedback) for feedback in page.object_list],
        "filters": {name: request.GET.get(name, "") for name in _FILTERS},
        "reasons": Reason.choices,
        "num_total": paginator.count,
    }


_FILTERS = ("rating", "reason", "state", "assistant", "from", "to")


def _row(request: WorkspaceRequest, feedback: Any) -> dict[str, Any]:
    row = view_row(feedback)
    trace_url = (
        reverse("traces:trace", args=[request.workspace.slug, row.trace_id]) if row.trace_id else ""
    )
    return {
        "feedback": row.feedback,
        "question": row.question,
        "answer": row.answer,
        "assistant": row.assistant,
        "release": row.release,
        "trace_url": trace_url,
        "url": trace_url,
        "giver": _name_giver(request, row.feedback),
    }


def _name_giver(request: WorkspaceRequest, feedback: Feedback) -> str:
    """Who gave feedback; their name only where the workspace shows names, or to themselves."""
    if feedback.created_by is None:
        return "through the API"
    if shows_names(request.workspace) or feedback.created_by == request.user:
        return str(feedback.created_by)
    return "a member"


@require_POST
@workspace_view(role=Role.EDITOR)
def resolve(request: WorkspaceRequest, feedback_id: UUID) -> HttpResponse:
    feedback = get_feedback(request.workspace.pk, feedback_id)
    state = request.POST.get("state", "")
    if state not in FeedbackState.values:
        return HttpResponseBadRequest("This state is not one of those on the page.")
    set_state(feedback, state=FeedbackState(state))
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = reverse("feedback:list", args=[request.workspace.slug])
    return redirect(target)
