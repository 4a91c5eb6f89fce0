"""A profile that the lab compared, as a candidate of an assistant."""

from __future__ import annotations

from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import draft_release
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.services import Actor

UNTRIED = frozenset(
    {
        "rewrite", "decompose", "hyde", "rewrite_endpoint", "expand_endpoint",
        "decompose_endpoint", "hyde_endpoint",
    }
)  # fmt: skip
"""What happens to a question before the search: the lab searches for it as it is."""


def draft_candidate(
    assistant: Assistant, profile: RetrievalProfile, *, note: str, actor: Actor
) -> Release:
    """A candidate that searches like the profile; what the lab did not try stays as it is.

    Returns the current release if it searches like that already. Raises RecipeError.
    """
    values = {name: value for name, value in profile.to_json().items() if name not in UNTRIED}
    if assistant.current and assistant.current.retrieval.get("expand") == "model":
        # Words that a model adds come before the search as well.
        del values["expand"]
    change = RecipeChange(retrieval=values, note=note)
    return draft_release(assistant, change=change, actor=actor)
