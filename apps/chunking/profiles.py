"""Chunking profiles: a strategy and its parameters under a name, created once, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from apps.chunking.models import ChunkingProfile
from apps.chunking.strategies import get_strategy
from apps.workspaces.models import Workspace

NAME_CHARS = 120


class ProfileNameTakenError(Exception):
    """The workspace has another chunking profile of this name."""


def create_profile(
    workspace: Workspace, *, name: str, splitter: str, params: Mapping[str, Any]
) -> ChunkingProfile:
    """The profile of this name, which is created if there is none; `params` may be partial.

    Raises UnknownStrategyError, OptionError (with a sentence for each wrong parameter), or
    ProfileNameTakenError where the name stands for another setting.
    """
    values = get_strategy(splitter).clean(params)
    name = " ".join(name.split())[:NAME_CHARS] or name_setting(splitter, values)
    known = ChunkingProfile.objects.filter(workspace=workspace, name=name).first()
    if known is None:
        try:
            with transaction.atomic():
                return ChunkingProfile.objects.create(
                    workspace=workspace, name=name, splitter=splitter, params=values
                )
        except IntegrityError:
            known = ChunkingProfile.objects.get(workspace=workspace, name=name)
    if (known.splitter, read_values(known)) != (splitter, values):
        raise ProfileNameTakenError(name)
    return known


def copy_profile(profile: ChunkingProfile) -> ChunkingProfile:
    """Another profile with the same setting: an index of it has every document cut again."""
    taken = set(
        ChunkingProfile.objects.filter(workspace=profile.workspace_id).values_list(
            "name", flat=True
        )
    )
    number = 2
    while (name := f"{profile.name[: NAME_CHARS - 8]} ({number})") in taken:
        number += 1
    return ChunkingProfile.objects.create(
        workspace_id=profile.workspace_id,
        name=name,
        splitter=profile.splitter,
        params=profile.params,
    )


def read_values(profile: ChunkingProfile) -> dict[str, Any]:
    """All of the profile's parameters; those that it leaves out have their defaults."""
    strategy = get_strategy(profile.splitter)
    known = {parameter.name for parameter in strategy.parameters}
    return {**strategy.defaults(), **{k: v for k, v in profile.params.items() if k in known}}


def name_setting(splitter: str, values: Mapping[str, Any]) -> str:
    """A name that says what a setting is: "Sentences, 6, overlap 1".

    >>> name_setting("sentences", {"size": 6, "overlap": 1, "headings": True})
    'Sentences, size 6, overlap 1'
    """
    strategy = get_strategy(splitter)
    parts = [strategy.name]
    for parameter in strategy.parameters:
        value = values.get(parameter.name, parameter.default)
        if parameter.is_numeric:
            parts.append(f"{parameter.label[0].lower()}{parameter.label[1:]} {value:g}")
        elif value != parameter.default:
            chosen = dict(parameter.choices).get(str(value), "on" if value else "off")
            parts.append(f"{parameter.label[0].lower()}{parameter.label[1:]}: {chosen}")
    return ", ".join(parts)[:NAME_CHARS]


__all__ = ["ProfileNameTakenError", "copy_profile", "create_profile", "name_setting", "read_values"]
