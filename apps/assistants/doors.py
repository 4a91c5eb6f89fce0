from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.core.doors import shared_door

if TYPE_CHECKING:
    from apps.assistants.models import Release
    from apps.assistants.releases.promotion import ReleaseCheck


@shared_door(answered_by=("evaluation",))
def check_release(release: Release) -> Sequence[ReleaseCheck]:
    """The rules that a release is held to before it may answer, each with how it came out."""
    raise NotImplementedError
