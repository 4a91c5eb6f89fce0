"""Reads what can be searched."""

from __future__ import annotations

from django.db.models import Sum

from apps.documents.models import Document
from apps.workspaces.models import Workspace


def count_chunks(workspace: Workspace) -> int:
    """How many chunks a search over the whole workspace looks at."""
    totals = Document.objects.filter(
        workspace=workspace,
        deleted_at=None,
        collection__deleted_at=None,
        collection__is_private=False,
    ).aggregate(total=Sum("current__num_chunks"))
    return totals["total"] or 0
