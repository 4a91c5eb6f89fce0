"""Writes: assistants and releases. A change of recipe is always a new release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import (
    RecipeChange,
    change_profile,
    change_sampling,
    find_endpoints,
    snapshot_endpoint,
)
from apps.assistants.recipes.sampling import DEFAULT as DEFAULT_SAMPLING
from apps.assistants.releases.promotion import promote
from apps.core.text import use_plain_line_ends
from apps.documents.models import Collection
from apps.gateway.models import Endpoint
from apps.prompts.models import PromptVersion
from apps.prompts.services import add_version, create_prompt, free_name
from apps.prompts.spec import clean_spec
from apps.retrieval.search.profiles import DEFAULT_PROFILE, RetrievalProfile
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit


@dataclass(frozen=True, slots=True)
class RecipeFields:
    """What goes into a release. An endpoint of None means the built-in reader."""

    prompt_version: PromptVersion
    collections: Sequence[Collection]
    endpoint: Endpoint | None = None
    profile: RetrievalProfile = DEFAULT_PROFILE
    sampling: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_SAMPLING))
    note: str = ""


def _free_slug(workspace: Workspace, name: str) -> str:
    base = slugify(name)[:70] or "assistant"
    taken = set(
        Assistant.objects.filter(workspace=workspace, slug__startswith=base).values_list(
            "slug", flat=True
        )
    )
    candidate, number = base, 2
    while candidate in taken:
        candidate, number = f"{base}-{number}", number + 1
    return candidate


@transaction.atomic
def create_assistant(
    workspace: Workspace,
    *,
    name: str,
    collections: Sequence[Collection],
    actor: Actor,
    description: str = "",
    example_questions: Sequence[str] = (),
    endpoint: Endpoint | None = None,
    change: RecipeChange | None = None,
) -> Assistant:
    """An assistant with the default prompt and its first release, ready to be asked.

    Of `change`, `retrieval` and `sampling` are taken. Raises RecipeError.
    """
    change = change or RecipeChange()
    profile = change_profile(
        workspace.pk, DEFAULT_PROFILE, change.retrieval, has_model=endpoint is not None
    )
    sampling = change_sampling(DEFAULT_SAMPLING, change.sampling)
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    slug = _free_slug(workspace, name)
    assistant = Assistant.objects.create(
        workspace=workspace,
        name=name,
        slug=slug,
        description=use_plain_line_ends(description),
        example_questions=list(example_questions),
    )
    version = create_prompt(workspace, name=free_name(workspace, slug), actor=actor)
    fields = RecipeFields(version, collections, endpoint, profile, sampling, note="First release")
    promote(create_release(assistant, fields=fields, actor=actor), actor=actor)
    assistant.refresh_from_db(fields=["current"])
    record_audit(
        workspace.pk,
        actor=actor,
        action="assistant.created",
        subject=assistant,
        detail={"name": name},
    )
    return assistant


@transaction.atomic
def create_release(assistant: Assistant, *, fields: RecipeFields, actor: Actor) -> Release:
    """Freeze a recipe as the next release: a candidate until it is promoted."""
    Assistant.objects.select_for_update().get(pk=assistant.pk)
    last = assistant.releases.aggregate(last=Max("number"))["last"] or 0
    endpoint = fields.endpoint
    steps = find_endpoints(assistant.workspace_id, fields.profile)
    release = Release.objects.create(
        workspace_id=assistant.workspace_id,
        assistant=assistant,
        number=last + 1,
        prompt_version=fields.prompt_version,
        endpoint=endpoint,
        endpoint_snapshot=snapshot_endpoint(endpoint) if endpoint else {},
        step_snapshots={name: snapshot_endpoint(row) for name, row in steps.items()},
        retrieval=fields.profile.to_json(),
        sampling=dict(fields.sampling),
        note=fields.note,
        created_by=actor.user,
        key_name=actor.key_name,
    )
    release.collections.set(fields.collections)
    record_audit(
        assistant.workspace_id,
        actor=actor,
        action="release.created",
        subject=release,
        detail={"assistant": assistant.name, "number": release.number, "note": fields.note},
    )
    return release


def change_recipe(assistant: Assistant, *, change: RecipeChange, actor: Actor) -> Release:
    """Make the release that differs from the current one in what was given, and promote it.

    Raises PromotionRefusedError if a check refuses it; the release stays as a candidate.
    """
    release = draft_release(assistant, change=change, actor=actor)
    promote(release, actor=actor)
    assistant.refresh_from_db(fields=["current"])
    return release


@transaction.atomic
def draft_release(assistant: Assistant, *, change: RecipeChange, actor: Actor) -> Release:
    """A candidate that differs from the current release in what was given.

    Returns the current release if nothing would change. Raises RecipeError for settings that
    cannot be, and PromptError for a prompt that is not sound.
    """
    current = assistant.current
    assert current is not None
    if change.is_empty:
        return current
    own = list(current.collections.all())
    collections = own if change.collections is None else list(change.collections)
    endpoint = None if change.use_reader else (change.endpoint or current.endpoint)
    own_profile = RetrievalProfile.parse(current.retrieval)
    profile = change_profile(
        assistant.workspace_id, own_profile, change.retrieval, has_model=endpoint is not None
    )
    sampling = change_sampling(current.sampling, change.sampling)
    version = _change_prompt(current.prompt_version, change, actor=actor)
    unchanged = (
        version.pk == current.prompt_version_id
        and {c.pk for c in collections} == {c.pk for c in own}
        and (endpoint.pk if endpoint else None) == current.endpoint_id
        and profile == own_profile
        and sampling == current.sampling
    )
    if unchanged:
        return current
    fields = RecipeFields(version, collections, endpoint, profile, sampling, change.note)
    return create_release(assistant, fields=fields, actor=actor)


def _change_prompt(current: PromptVersion, change: RecipeChange, *, actor: Actor) -> PromptVersion:
    """The version that was chosen, or the current one, with new texts as its next version."""
    version = change.prompt_version or current
    spec = replace(
        version.spec,
        system=version.spec.system if change.system is None else change.system,
        user=version.spec.user if change.user is None else change.user,
    )
    if clean_spec(spec) == version.spec:
        return version
    return add_version(version.prompt, spec=spec, note=change.note, actor=actor)


@transaction.atomic
def update_assistant(
    assistant: Assistant,
    *,
    name: str,
    description: str,
    example_questions: Sequence[str],
    actor: Actor,
) -> None:
    """Change how an assistant presents itself; its slug stays, because programs use it."""
    assistant.name = name
    assistant.description = use_plain_line_ends(description)
    assistant.example_questions = list(example_questions)
    assistant.save(update_fields=["name", "description", "example_questions"])
    record_audit(assistant.workspace_id, actor=actor, action="assistant.changed", subject=assistant)


@transaction.atomic
def delete_assistant(assistant: Assistant, *, actor: Actor) -> None:
    """Delete an assistant with its conversations, releases and feedback."""
    record_audit(
        assistant.workspace_id,
        actor=actor,
        action="assistant.deleted",
        subject=assistant,
        detail={"name": assistant.name},
    )
    assistant.delete()
