from __future__ import annotations

from apps.core.doors import door


@door(answered_by="documents")
def remove_workspace_files(workspace_id: str) -> None:
    """Remove the files of a workspace that is no longer there."""
    raise NotImplementedError
