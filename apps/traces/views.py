"""The page of a trace: its steps, with what they were about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.traces.access import get_trace
from apps.traces.doors import describe_subject
from apps.traces.models import Span, Trace
from apps.traces.subjects import TraceSubject
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest


@require_GET
@workspace_view()
def trace(request: WorkspaceRequest, trace_id: UUID) -> HttpResponse:
    """Who may read the subject of a trace may read the trace."""
    row = get_trace(request.workspace.pk, trace_id)
    subject = _describe(request, row)
    spans = sorted(row.spans.all(), key=lambda span: span.position)
    return render(
        request,
        "traces/trace.html",
        {
            "nav": subject.nav,
            "trace": row,
            "spans": [_view_span(span, subject) for span in spans],
            "subject": subject,
        },
    )


def _describe(request: WorkspaceRequest, row: Trace) -> TraceSubject:
    for describe in describe_subject.list_answers():
        subject = describe(request, row)
        if subject is not None:
            return subject
    raise Http404


def _view_span(span: Span, subject: TraceSubject) -> dict[str, Any]:
    details = sorted(span.attributes.items())
    if not subject.shows_texts:
        details = [(name, value) for name, value in details if isinstance(value, int | float)]
    return {
        "name": span.name,
        "label": subject.step_labels.get(span.name, span.name),
        "offset_ms": span.offset_ms,
        "duration_ms": span.duration_ms,
        "status": span.status,
        "details": [(name, _tell(value)) for name, value in details],
    }


def _tell(value: Any) -> Any:
    """A value of a step in plain words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(str(_tell(item)) for item in value) or "none"
    return "none" if value is None else value
