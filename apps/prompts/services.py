"""Writes: prompts and their immutable versions."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from apps.prompts.defaults import SYSTEM, USER, VARIABLES
from apps.prompts.models import Prompt, PromptVersion
from apps.prompts.rendering import UnknownVariableError, list_variables
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor


@transaction.atomic
def create_prompt(workspace: Workspace, *, name: str, actor: Actor) -> PromptVersion:
    """A prompt with the default text as its first version."""
    prompt = Prompt.objects.create(workspace=workspace, name=name)
    return add_version(prompt, system=SYSTEM, user=USER, note="Default", actor=actor)


@transaction.atomic
def add_version(
    prompt: Prompt, *, system: str, user: str, note: str = "", actor: Actor
) -> PromptVersion:
    """The next version. Raises UnknownVariableError for a variable that no answer provides."""
    unknown = list_variables(system + user) - VARIABLES
    if unknown:
        raise UnknownVariableError(f"Unknown variables: {', '.join(sorted(unknown))}")
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    last = prompt.versions.aggregate(last=Max("number"))["last"] or 0
    return PromptVersion.objects.create(
        workspace_id=prompt.workspace_id,
        prompt=prompt,
        number=last + 1,
        system=system,
        user=user,
        note=note,
        created_by=actor.user,
    )
