"""What a release is set to, in a line for each part of its recipe."""

from __future__ import annotations

import re
from typing import Any

from apps.assistants.models import Release
from apps.assistants.recipes.fields import SAMPLING
from apps.retrieval.search.profiles import RetrievalProfile

READER = "Built-in reader"
_SHORT = re.compile(r" \(|,")


def summarise(release: Release) -> dict[str, str]:
    """A line by the name of the part."""
    assistant, profile = release.assistant, RetrievalProfile.parse(release.retrieval)
    model = release.endpoint.name if release.endpoint else READER
    number = len(assistant.example_questions)
    examples = f"{number} example question{'s' if number != 1 else ''}" if number else ""
    return {
        "presentation": _join(assistant.name, assistant.description, examples),
        "documents": ", ".join(sorted(c.name for c in release.collections.all())) or "No documents",
        "question": _join(*profile.describe_query()) or "Searched for as it was asked",
        "search": _join(*profile.describe_search()),
        "order": _join(*profile.describe_result()),
        "model": _join(model, *tell_sampling(release.sampling)),
        "prompt": str(release.prompt_version),
    }


def tell_sampling(values: dict[str, Any]) -> list[str]:
    """What a sampling sets, each as `Temperature 0.2`."""
    return [
        f"{_SHORT.split(setting.label)[0]} {_tell(values[setting.name])}"
        for setting in SAMPLING
        if values.get(setting.name) not in (None, [])
    ]


def _tell(value: Any) -> str:
    return ", ".join(f"“{text}”" for text in value) if isinstance(value, list) else f"{value:.16g}"


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
