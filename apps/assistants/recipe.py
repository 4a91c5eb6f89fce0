"""The recipe of one answer: everything that a release froze, in plain values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from django.http import Http404

from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import find_endpoints
from apps.assistants.recipes.sampling import parse_sampling
from apps.gateway.models import Endpoint
from apps.prompts.spec import PromptSpec
from apps.retrieval.search.profiles import RetrievalProfile
from inference.types import Sampling

CACHED_RELEASES = 256


@dataclass(frozen=True, slots=True)
class FrozenRelease:
    """The part of a recipe that never changes, so that it can be cached in memory."""

    release_id: UUID
    assistant_id: UUID
    number: int
    prompt_label: str
    spec: PromptSpec
    collection_ids: tuple[UUID, ...]
    profile: RetrievalProfile
    sampling: Sampling
    step_names: Mapping[str, str] = field(default_factory=dict)
    """What the endpoints of the profile's steps were called, by field."""

    @property
    def system(self) -> str:
        return self.spec.system

    @property
    def user(self) -> str:
        return self.spec.user


@dataclass(frozen=True, slots=True)
class Recipe:
    """A release, its workspace, and the endpoint as it is configured now (None: the reader)."""

    workspace_id: UUID
    frozen: FrozenRelease
    endpoint: Endpoint | None


class ModelGoneError(Exception):
    """An endpoint that the release asks was deleted; the argument is its name."""


_frozen: OrderedDict[UUID, FrozenRelease] = OrderedDict()
_lock = Lock()


def _freeze(release_id: UUID) -> FrozenRelease:
    with _lock:
        if release_id in _frozen:
            _frozen.move_to_end(release_id)
            return _frozen[release_id]
    release = Release.objects.select_related("prompt_version__prompt").get(pk=release_id)
    frozen = FrozenRelease(
        release_id=release.pk,
        assistant_id=release.assistant_id,
        number=release.number,
        prompt_label=str(release.prompt_version),
        spec=release.prompt_version.spec,
        collection_ids=tuple(release.collections.values_list("pk", flat=True)),
        profile=RetrievalProfile.parse(release.retrieval),
        sampling=parse_sampling(release.sampling),
        step_names={name: kept["name"] for name, kept in release.step_snapshots.items()},
    )
    with _lock:
        _frozen[release_id] = frozen
        while len(_frozen) > CACHED_RELEASES:
            _frozen.popitem(last=False)
    return frozen


ENDPOINT_FIELDS = ("id", "name", "base_url", "model", "api_key_encrypted", "context_tokens",
                   "input_price", "output_price")  # fmt: skip
_PREFIX = "current__endpoint__"


def load_recipe(workspace_id: UUID, *, slug: str) -> Recipe:
    """The current recipe of the workspace's assistant with this slug, or Http404."""
    row = (
        Assistant.objects.filter(workspace_id=workspace_id, slug=slug)
        .values_list("current_id", *[_PREFIX + name for name in ENDPOINT_FIELDS])
        .first()
    )
    if row is None or row[0] is None:
        raise Http404
    endpoint = None
    if row[1] is not None:
        values = dict(zip(ENDPOINT_FIELDS, row[1:], strict=True))
        endpoint = Endpoint(workspace_id=workspace_id, **values)
    return Recipe(workspace_id, _freeze(row[0]), endpoint)


def load_release(release: Release) -> Recipe:
    """The recipe of a release that is at hand, with its endpoint as it is configured now."""
    return Recipe(release.workspace_id, _freeze(release.pk), release.endpoint)


def load_release_recipe(workspace_id: UUID, *, release_id: UUID) -> Recipe:
    """The recipe of any of the workspace's releases, whichever answers now, or Http404.

    Raises ModelGoneError if its model endpoint was deleted, where the reader would answer instead,
    or one that a step of its retrieval asks.
    """
    release = (
        Release.objects.filter(workspace_id=workspace_id, pk=release_id)
        .select_related("endpoint")
        .first()
    )
    if release is None:
        raise Http404
    if release.endpoint is None and release.endpoint_snapshot:
        raise ModelGoneError(release.endpoint_snapshot.get("name", ""))
    if gone := name_gone_steps(release):
        raise ModelGoneError(gone[0])
    return load_release(release)


def name_gone_steps(release: Release) -> list[str]:
    """The names of the endpoints that steps of the release's retrieval ask and that are gone."""
    profile = RetrievalProfile.parse(release.retrieval)
    known = find_endpoints(release.workspace_id, profile)
    return [
        release.step_snapshots.get(name, {}).get("name", "")
        for name in profile.step_endpoints
        if name not in known
    ]
