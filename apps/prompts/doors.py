from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from apps.core.doors import door

if TYPE_CHECKING:
    from apps.prompts.selectors import PromptUse


@door(answered_by="assistants")
def list_prompt_uses(workspace_id: UUID) -> Sequence[PromptUse]:
    """Which assistants have releases with which versions of the workspace's prompts."""
    raise NotImplementedError
