from __future__ import annotations

from typing import TYPE_CHECKING

from apps.core.doors import door

if TYPE_CHECKING:
    from apps.workspaces.models import Membership


@door(answered_by="documents")
def remove_workspace_files(workspace_id: str) -> None:
    """Remove the files of a workspace that is no longer there."""
    raise NotImplementedError


@door(answered_by="guide")
def choose_start_page(membership: Membership) -> str:
    """The address of the page that a workspace opens on for this member."""
    raise NotImplementedError
