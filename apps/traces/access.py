from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.traces.models import Trace


def get_trace(workspace_id: UUID, trace_id: UUID) -> Trace:
    """The workspace's trace, or Http404."""
    trace = (
        Trace.objects.prefetch_related("spans")
        .filter(workspace_id=workspace_id, pk=trace_id)
        .first()
    )
    if trace is None:
        raise Http404
    return trace
