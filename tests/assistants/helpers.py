"""What the recipe's page sends, and short ways to change a recipe."""

from __future__ import annotations

from typing import Any

from apps.assistants.models import Assistant
from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.recipes.fields import RETRIEVAL, SAMPLING
from apps.assistants.recipes.form_fields import initial_values
from apps.retrieval.search.profiles import RetrievalProfile


def recipe_form(assistant: Assistant, **values: Any) -> dict[str, Any]:
    """The filled form of the recipe's page, as a browser sends it; None unticks or empties."""
    release = assistant.current
    assert release is not None
    settings = initial_values(RetrievalProfile.parse(release.retrieval), release.sampling)
    form = {
        "name": assistant.name,
        "description": assistant.description,
        "collections": [c.pk for c in release.collections.all()],
        "endpoint": release.endpoint_id,
        "system": release.prompt_version.system,
        "user": release.prompt_version.user,
        **settings,
        **values,
    }
    return {
        name: "on" if value is True else value
        for name, value in form.items()
        if value is not None and value is not False
    }


def settings_change(**values: Any) -> RecipeChange:
    """A change in which settings may stand beside the parts, by their own names."""
    retrieval = {s.name: values.pop(s.name) for s in RETRIEVAL if s.name in values}
    sampling = {s.name: values.pop(s.name) for s in SAMPLING if s.name in values}
    return RecipeChange(retrieval=retrieval, sampling=sampling, **values)
