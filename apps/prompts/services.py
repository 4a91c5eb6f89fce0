"""Writes: prompts, their immutable versions, and the labels that point at them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.prompts.defaults import SYSTEM, USER
from apps.prompts.dotprompt import DotpromptError, PromptFile
from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.spec import PromptSpec, clean_spec, require_sound, spec_to_json
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit

LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
USUAL_LABELS = ("production", "staging")
DEFAULT_SPEC = PromptSpec(system=SYSTEM, user=USER)


class LabelError(ValueError):
    """A name that no label can have."""


class PromptInUseError(Exception):
    """Releases were made with it; what an answer was made with is never deleted."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The version that a file led to; `is_new` is false if it was there already."""

    version: PromptVersion
    is_new: bool


@transaction.atomic
def create_prompt(
    workspace: Workspace,
    *,
    name: str,
    actor: Actor,
    spec: PromptSpec = DEFAULT_SPEC,
    note: str = "Default",
) -> PromptVersion:
    """A prompt with its first version. Raises PromptError, or IntegrityError for a taken name."""
    prompt = Prompt.objects.create(workspace=workspace, name=name)
    return add_version(prompt, spec=spec, note=note, actor=actor)


def free_name(workspace: Workspace, base: str) -> str:
    """`base`, or `base` with the first number that makes a name no prompt has."""
    taken = set(
        Prompt.objects.filter(workspace=workspace, name__startswith=base).values_list(
            "name", flat=True
        )
    )
    candidate, number = base, 2
    while candidate in taken:
        candidate, number = f"{base}-{number}", number + 1
    return candidate


@transaction.atomic
def add_version(prompt: Prompt, *, spec: PromptSpec, note: str = "", actor: Actor) -> PromptVersion:
    """The next version. Raises PromptError, with every fault, for a prompt that is not sound."""
    spec = clean_spec(spec)
    require_sound(spec)
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    last = prompt.versions.aggregate(last=Max("number"))["last"] or 0
    version = PromptVersion.objects.create(
        workspace_id=prompt.workspace_id,
        prompt=prompt,
        number=last + 1,
        system=spec.system,
        user=spec.user,
        parts=spec_to_json(spec),
        note=note,
        created_by=actor.user,
    )
    record_audit(
        prompt.workspace_id,
        actor=actor,
        action="prompt.version_added",
        subject=version,
        detail={"prompt": prompt.name, "number": version.number, "note": note},
    )
    return version


@transaction.atomic
def import_prompt(workspace: Workspace, *, file: PromptFile, actor: Actor) -> Imported:
    """Store a file as the next version of the prompt it names, unless the latest is identical."""
    if not file.name:
        raise DotpromptError("The file has no name.")
    prompt = Prompt.objects.filter(workspace=workspace, name=file.name).first()
    if prompt is None:
        version = create_prompt(
            workspace, name=file.name, spec=file.spec, note=file.note, actor=actor
        )
        return Imported(version, is_new=True)
    latest = prompt.versions.order_by("-number").first()
    if latest is not None and latest.spec == file.spec:
        return Imported(latest, is_new=False)
    version = add_version(prompt, spec=file.spec, note=file.note, actor=actor)
    return Imported(version, is_new=True)


@transaction.atomic
def set_label(version: PromptVersion, *, name: str, actor: Actor) -> PromptLabel:
    """Point the label of this name at the version, away from the one that it was on."""
    if not LABEL.fullmatch(name):
        raise LabelError("A label has small letters, digits, dots and dashes, at most 40.")
    Prompt.objects.select_for_update().get(pk=version.prompt_id)
    label = PromptLabel.objects.filter(prompt_id=version.prompt_id, name=name).first()
    before = label.version.number if label else None
    if label is not None and label.version_id == version.pk:
        return label
    label = label or PromptLabel(
        workspace_id=version.workspace_id, prompt_id=version.prompt_id, name=name
    )
    label.version, label.moved_by, label.moved_at = version, actor.user, timezone.now()
    label.save()
    record_audit(
        version.workspace_id,
        actor=actor,
        action="prompt.label_moved",
        subject=version,
        detail={"label": name, "from": before, "to": version.number},
    )
    return label


@transaction.atomic
def remove_label(label: PromptLabel, *, actor: Actor) -> None:
    """Remove a label; the version stays."""
    record_audit(
        label.workspace_id,
        actor=actor,
        action="prompt.label_removed",
        subject=label.version,
        detail={"label": label.name, "from": label.version.number},
    )
    label.delete()


@transaction.atomic
def rename_prompt(prompt: Prompt, *, name: str, actor: Actor) -> None:
    """Rename a prompt. Raises IntegrityError if another prompt has the name."""
    record_audit(
        prompt.workspace_id,
        actor=actor,
        action="prompt.renamed",
        subject=prompt,
        detail={"from": prompt.name, "to": name},
    )
    prompt.name = name
    prompt.save(update_fields=["name"])


@transaction.atomic
def delete_prompt(prompt: Prompt, *, actor: Actor, is_used: bool) -> None:
    """Remove a prompt that no release was made with. Raises PromptInUseError if one was."""
    if is_used:
        raise PromptInUseError
    record_audit(
        prompt.workspace_id,
        actor=actor,
        action="prompt.deleted",
        subject=prompt,
        detail={"name": prompt.name},
    )
    prompt.delete()
