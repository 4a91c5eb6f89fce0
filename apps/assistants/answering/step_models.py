"""The models that the steps before an answer ask: endpoints of the workspace, by the profile."""

from __future__ import annotations

from uuid import UUID

from apps.assistants.recipe import FrozenRelease
from apps.assistants.recipes.changes import find_endpoints
from apps.assistants.recipes.fields import SETTINGS
from apps.gateway.models import Endpoint
from apps.retrieval.search.profiles import STEP_ENDPOINTS
from inference.errors import ModelError

GONE = (
    "The model{name} that this assistant's recipe asks for “{step}” was deleted. Whoever looks "
    "after the assistant can choose another one in its recipe."
)


def find_step_models(workspace_id: UUID, frozen: FrozenRelease) -> dict[str, Endpoint]:
    """The endpoints of the profile's steps, by field.

    Raises ModelError if one was deleted: without it, answers would change and nobody would know.
    """
    if not frozen.profile.step_endpoints:
        return {}
    known = find_endpoints(workspace_id, frozen.profile)
    for field in frozen.profile.step_endpoints:
        if field not in known:
            name = frozen.step_names.get(field, "")
            step = SETTINGS[STEP_ENDPOINTS[field][0]].label
            raise ModelError("not_found", GONE.format(name=name and f" “{name}”", step=step))
    return known
