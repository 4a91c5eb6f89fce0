from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.lab.models import LabRun


def get_run(workspace_id: UUID, run_id: UUID) -> LabRun:
    """The workspace's run with its dataset, or Http404."""
    run = _runs(workspace_id).filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run


def list_runs(workspace_id: UUID) -> QuerySet[LabRun]:
    """The workspace's runs, the newest first."""
    return _runs(workspace_id).order_by("-created_at")


def _runs(workspace_id: UUID) -> QuerySet[LabRun]:
    return LabRun.objects.select_related("dataset_version__dataset", "created_by").filter(
        workspace_id=workspace_id
    )
