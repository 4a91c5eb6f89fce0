"""What two releases of an assistant do differently, field by field and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.assistants.models import Release
from apps.assistants.recipes.fields import OWN_MODEL, SETTINGS
from apps.assistants.recipes.sampling import describe_sampling
from apps.prompts.diffing import list_parts
from apps.retrieval.search.profiles import STEP_ENDPOINTS, RetrievalProfile

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
        *_diff_sampling(old, new),
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
        *(
            (SETTINGS[name].label, _tell_model(release, name))
            for name in RetrievalProfile.parse(release.retrieval).step_endpoints
        ),
        *((SETTINGS[name].label, _tell(value)) for name, value in release.sampling.items()),
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
            "Retrieval",
            SETTINGS[name].label,
            _tell_setting(old, name, was),
            _tell_setting(new, name, now),
        )
        for name, was, now in before.differences(after)
    ]


def _diff_sampling(old: Release, new: Release) -> list[RecipeDifference]:
    before, after = describe_sampling(old.sampling), describe_sampling(new.sampling)
    return [
        RecipeDifference("Sampling", SETTINGS[name].label, _tell(was), _tell(after[name]))
        for name, was in before.items()
        if was != after[name]
    ]


def _tell_setting(release: Release, name: str, value: Any) -> str:
    if name in STEP_ENDPOINTS:
        return _tell_model(release, name)
    if value is None or value == "":
        return SETTINGS[name].placeholder or NOTHING
    return SETTINGS[name].tell_choice(value) or _tell(value)


def _tell_model(release: Release, name: str) -> str:
    """The endpoint of a step as it was called then."""
    if not RetrievalProfile.parse(release.retrieval).to_json()[name]:
        return NOTHING if name == "rerank_endpoint" else OWN_MODEL
    kept = release.step_snapshots.get(name, {})
    return f"{kept['model']} ({kept['name']})" if kept else "a model that is not there any more"


def _tell(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(f"“{item}”" if isinstance(item, str) else _tell(item) for item in value)
    return str(value)
