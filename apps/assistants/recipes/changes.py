"""What is to change about a recipe, and whether it can: one reader for page, REST and lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from apps.assistants.recipes import sampling as samplings
from apps.assistants.recipes.fields import SETTINGS, Part
from apps.assistants.recipes.sampling import SamplingError
from apps.documents.models import Collection
from apps.gateway.models import Endpoint
from apps.prompts.models import PromptVersion
from apps.retrieval.search.profiles import STEP_ENDPOINTS, ProfileError, RetrievalProfile

NEEDS_MODEL = (
    "The built-in reader has no model for this. Choose a model that answers, or one for this step."
)
NO_ENDPOINT = "There is no endpoint of this id in the workspace."
TOO_FEW = "Look at no fewer passages than are given to the model: at least {limit}."
NOT_ASKED = "This model would not be asked: set “{step}” so that a model does it."


class RecipeError(ValueError):
    """A recipe that cannot be. `part` and `field` say where, the message says why."""

    def __init__(self, part: Part, field: str, message: str) -> None:
        super().__init__(message)
        self.part, self.field = part, field


@dataclass(frozen=True, slots=True)
class RecipeChange:
    """What to change about the current recipe; None leaves a part as it is.

    `retrieval` and `sampling` hold the fields to change: those of a RetrievalProfile, and those of
    a Sampling, where None leaves a setting to the server.
    """

    prompt_version: PromptVersion | None = None
    system: str | None = None
    user: str | None = None
    collections: Sequence[Collection] | None = None
    endpoint: Endpoint | None = None
    use_reader: bool = False
    retrieval: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return replace(self, note="") == RecipeChange()


def change_profile(
    workspace_id: UUID, own: RetrievalProfile, values: Mapping[str, Any], *, has_model: bool
) -> RetrievalProfile:
    """The profile with other values, checked against the workspace's endpoints.

    `has_model`: whether a model answers, which the steps can ask. Raises RecipeError.
    """
    given = {name: _read_id(value) if name in STEP_ENDPOINTS else value
             for name, value in values.items()}  # fmt: skip
    try:
        profile = own.change(given)
    except ProfileError as error:
        raise RecipeError("retrieval", error.field, str(error)) from error
    _check_candidates(own, profile)
    unused = {
        name: ""
        for name in STEP_ENDPOINTS
        if getattr(profile, name) and name not in profile.step_endpoints
    }
    for name in unused:
        if given.get(name):
            step = SETTINGS[STEP_ENDPOINTS[name][0]].label
            raise RecipeError("retrieval", name, NOT_ASKED.format(step=step))
    profile = profile.change(unused)
    known = find_endpoints(workspace_id, profile)
    for name in profile.step_endpoints:
        if name not in known:
            raise RecipeError("retrieval", name, NO_ENDPOINT)
    if not has_model:
        for step in profile.modelled_steps:
            raise RecipeError("retrieval", step, NEEDS_MODEL)
    return profile


def change_sampling(own: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A release's stored sampling with other values. Raises RecipeError."""
    try:
        return samplings.change_sampling(own, values)
    except SamplingError as error:
        raise RecipeError("sampling", error.field, str(error)) from error


def find_endpoints(workspace_id: UUID, profile: RetrievalProfile) -> dict[str, Endpoint]:
    """The endpoints that the profile's steps ask, by field; without those that are gone."""
    ids = {name: pk for name, text in profile.step_endpoints.items() if (pk := _parse_id(text))}
    if not ids:
        return {}
    rows = Endpoint.objects.filter(workspace_id=workspace_id).in_bulk(set(ids.values()))
    return {name: rows[pk] for name, pk in ids.items() if pk in rows}


def snapshot_endpoint(endpoint: Endpoint) -> dict[str, str]:
    """What a release keeps of an endpoint, because endpoints can be edited and deleted."""
    return {"name": endpoint.name, "base_url": endpoint.base_url, "model": endpoint.model}


def _check_candidates(own: RetrievalProfile, profile: RetrievalProfile) -> None:
    """Refuse what would have no effect; profiles from before this was checked stay as they are."""
    if profile.candidates != own.candidates and profile.candidates < profile.limit:
        raise RecipeError("retrieval", "candidates", TOO_FEW.format(limit=profile.limit))


def _read_id(value: Any) -> Any:
    if value is None:
        return ""
    return str(value) if isinstance(value, UUID) else value


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
