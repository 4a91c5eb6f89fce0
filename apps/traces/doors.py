from __future__ import annotations

from typing import TYPE_CHECKING

from apps.core.doors import shared_door

if TYPE_CHECKING:
    from apps.traces.models import Trace
    from apps.traces.subjects import TraceSubject
    from apps.workspaces.http import WorkspaceRequest
    from apps.workspaces.keys.access import KeyAccess


@shared_door(answered_by=("chat",))
def describe_subject(request: WorkspaceRequest, trace: Trace) -> TraceSubject | None:
    """What a trace is about; None for a `subject_type` that is another app's.

    Raises Http404 where the person may not read it.
    """
    raise NotImplementedError


@shared_door(answered_by=("chat",))
def may_read_subject(access: KeyAccess, trace: Trace) -> bool | None:
    """Whether a key may read what a trace is about; None for another app's `subject_type`."""
    raise NotImplementedError
