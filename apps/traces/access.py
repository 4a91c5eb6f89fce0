from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.traces.doors import may_read_subject
from apps.traces.models import Trace
from apps.workspaces.keys.access import KeyAccess


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


def get_key_trace(access: KeyAccess, trace_id: UUID) -> Trace:
    """A trace whose subject the key may read, or Http404. What nobody answers for may be read."""
    trace = get_trace(access.workspace_id, trace_id)
    if any(may_read(access, trace) is False for may_read in may_read_subject.list_answers()):
        raise Http404
    return trace
