"""What every page of a workspace has of the first steps and of the palette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template

from apps.guide.palette.places import list_keys
from apps.guide.steps import find_open_steps
from apps.workspaces.models import Membership

register = template.Library()


@dataclass(frozen=True, slots=True)
class KeyedPlace:
    title: str
    key: str
    address: str


@register.inclusion_tag("guide/_rail.html", takes_context=True)
def first_steps(context: template.Context, *, is_update: bool = False) -> dict[str, Any]:
    """The way back to the first steps, while there are some to take."""
    membership: Membership | None = context.get("membership")
    return {
        "steps": find_open_steps(membership) if membership else None,
        "workspace": context.get("workspace"),
        "nav": context.get("nav"),
        "is_update": is_update,
    }


@register.simple_tag(takes_context=True)
def keyed_places(context: template.Context) -> list[KeyedPlace]:
    """The pages that a key opens, of those that this member may open."""
    membership: Membership | None = context.get("membership")
    if membership is None:
        return []
    slug = membership.workspace.slug
    return [
        KeyedPlace(place.title, place.key, place.address(slug))
        for place in list_keys()
        if membership.has_role(place.role)
    ]
