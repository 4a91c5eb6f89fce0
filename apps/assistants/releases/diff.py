"""What two releases of an assistant do differently, field by field and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.assistants.models import Release
from apps.prompts.diffing import list_parts
from apps.retrieval.search.profiles import (
    FUSION_LABELS,
    MODE_LABELS,
    QUERY_TRANSFORM_LABELS,
    RERANK_LABELS,
    RetrievalProfile,
)

LABELS = {
    "mode": "Search by",
    "limit": "Passages given to the model",
    "temperature": "Temperature",
    "max_tokens": "Longest answer, in tokens",
    "seed": "Seed",
    "top_p": "Top p",
}
CHOICES: dict[str, dict[Any, str]] = {
    "mode": dict(MODE_LABELS),
    "fusion": dict(FUSION_LABELS),
    "rerank": dict(RERANK_LABELS),
    **{name: dict(QUERY_TRANSFORM_LABELS) for name in ("rewrite", "expand", "decompose")},
}
READER = "Built-in reader"
NOTHING = "not set"


@dataclass(frozen=True, slots=True)
class RecipeDifference:
    """One field that differs. `is_text`: both sides are long and shown as a text diff."""

    part: str
    label: str
    old: str
    new: str
    is_text: bool = False


def diff_releases(old: Release, new: Release) -> list[RecipeDifference]:
    """Every field that differs, in the order of the recipe; empty if the recipes are the same."""
    return [
        *_diff_prompt(old, new),
        *_diff_documents(old, new),
        *_diff_retrieval(old, new),
        *_diff_model(old, new),
        *_diff_values("Sampling", old.sampling, new.sampling),
    ]


def tell_recipe(release: Release) -> list[tuple[str, str]]:
    """The recipe as (label, value), without the long texts."""
    model = release.endpoint_snapshot
    collections = ", ".join(sorted(c.name for c in release.collections.all()))
    return [
        ("Prompt", str(release.prompt_version)),
        ("Collections", collections or "none"),
        ("Model", f"{model['model']} ({model['name']})" if model else READER),
        ("Retrieval", "; ".join(RetrievalProfile.parse(release.retrieval).describe())),
        *((LABELS.get(k, _label(k)), _tell(v)) for k, v in release.sampling.items()),
    ]


def tell_changes(changes: Sequence[RecipeDifference]) -> str:
    """A sentence that sums up: `Changes the prompt, and the retrieval.`"""
    parts = list(dict.fromkeys(change.part.lower() for change in changes))
    if not parts:
        return "The two recipes are the same."
    named = [f"the {part}" for part in parts]
    if len(named) == 1:
        return f"Only {named[0]} differs."
    return f"They differ in {', '.join(named[:-1])} and {named[-1]}."


def _diff_prompt(old: Release, new: Release) -> list[RecipeDifference]:
    before, after = old.prompt_version, new.prompt_version
    if before.pk == after.pk:
        return []
    differences = [RecipeDifference("Prompt", "Version", str(before), str(after))]
    for (label, was), (_, now) in zip(list_parts(before.spec), list_parts(after.spec), strict=True):
        if was != now:
            differences.append(RecipeDifference("Prompt", label, was, now, is_text=True))
    return differences


def _diff_documents(old: Release, new: Release) -> list[RecipeDifference]:
    before, after = (
        ", ".join(sorted(c.name for c in release.collections.all())) or "none"
        for release in (old, new)
    )
    if {c.pk for c in old.collections.all()} == {c.pk for c in new.collections.all()}:
        return []
    return [RecipeDifference("Documents", "Collections", before, after)]


def _diff_model(old: Release, new: Release) -> list[RecipeDifference]:
    before, after = old.endpoint_snapshot, new.endpoint_snapshot
    return [
        RecipeDifference("Model", label, before.get(name) or READER, after.get(name) or READER)
        for name, label in (("name", "Endpoint"), ("model", "Model"), ("base_url", "Address"))
        if before.get(name) != after.get(name)
    ]


def _diff_retrieval(old: Release, new: Release) -> list[RecipeDifference]:
    """Compare settings as they take effect, so that a default equals the same value written out."""
    before, after = (RetrievalProfile.parse(release.retrieval) for release in (old, new))
    return [
        RecipeDifference(
            "Retrieval", LABELS.get(name, _label(name)), _choice(name, was), _choice(name, now)
        )
        for name, was, now in before.differences(after)
    ]


def _choice(name: str, value: Any) -> str:
    return CHOICES.get(name, {}).get(value) or _tell(value)


def _diff_values(part: str, old: dict[str, Any], new: dict[str, Any]) -> list[RecipeDifference]:
    return [
        RecipeDifference(
            part, LABELS.get(name, _label(name)), _tell(old.get(name)), _tell(new.get(name))
        )
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _tell(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{_label(key)}: {_tell(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_tell(item) for item in value)
    return str(value)
