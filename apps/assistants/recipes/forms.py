"""The recipe's page: everything that a release freezes, and how the assistant presents itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms

from apps.assistants.forms import AssistantForm
from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import (
    RecipeChange,
    RecipeError,
    change_profile,
    change_sampling,
)
from apps.assistants.recipes.fields import ORDER, QUESTION, SAMPLING, SEARCH, SETTINGS, Setting
from apps.assistants.recipes.form_fields import add_fields, initial_values, read_values
from apps.assistants.recipes.summaries import summarise
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.prompts.models import PromptVersion
from apps.prompts.selectors import list_all_versions
from apps.prompts.spec import PromptSpec, check_spec, clean_spec
from apps.retrieval.search.profiles import DEFAULT_PROFILE, RetrievalProfile
from apps.workspaces.models import Workspace


@dataclass(frozen=True, slots=True)
class Group:
    """A card of the page. `more` is for whoever knows what these do."""

    name: str
    title: str
    hint: str
    fields: tuple[str, ...]
    more: tuple[str, ...] = ()


def _group(name: str, title: str, hint: str, settings: Sequence[Setting], *first: str) -> Group:
    shown = tuple(setting.name for setting in settings if not setting.is_more)
    more = tuple(setting.name for setting in settings if setting.is_more)
    return Group(name, title, hint, (*first, *shown), more)


GROUPS = (
    Group("presentation", "Presentation", "", ("name", "description", "example_questions")),
    Group("documents", "Documents", "What it answers from.", ("collections",)),
    _group(
        "question",
        "Question",
        "What happens to a question before it is searched for. The model that answers does it, or "
        "another one; the built-in reader has no model.",
        QUESTION,
    ),
    _group("search", "Search", "How passages are found.", SEARCH),
    _group("order", "Passages", "Which of the passages found are read, and in which order.", ORDER),
    _group(
        "model",
        "Model",
        "Who answers. The built-in reader follows only the longest answer and the texts to stop "
        "at.",
        SAMPLING,
        "endpoint",
    ),
    Group(
        "prompt",
        "Prompt",
        "What the model is told. The built-in reader does not use it.",
        ("system", "user", "prompt_version"),
    ),
)


class RecipeForm(AssistantForm):
    """`retrieval` and `sampling` of a valid form hold all its settings."""

    description = forms.CharField(
        max_length=500,
        required=False,
        label="Description",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    example_questions = forms.CharField(
        required=False,
        label="Example questions",
        help_text="One a line; the first four are offered in an empty chat.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    endpoint = forms.ModelChoiceField(
        queryset=Endpoint.objects.none(),
        required=False,
        empty_label="Built-in reader (quotes the documents, needs no model)",
        label="Model that answers",
    )
    prompt_version = forms.ModelChoiceField(
        queryset=PromptVersion.objects.none(),
        required=False,
        empty_label="The one that answers now, as it stands below",
        label="Take a version from the catalogue",
        help_text="It takes the place of the texts below, so leave those as they are.",
    )
    system = forms.CharField(
        label="Instructions", widget=forms.Textarea(attrs={"rows": 10}), max_length=20_000
    )
    user = forms.CharField(
        label="Question template",
        help_text="{{ passages }} and {{ question }} are filled in.",
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=20_000,
    )
    note = forms.CharField(
        max_length=300, required=False, label="What changes", help_text="For the list of releases."
    )
    retrieval: dict[str, Any]
    sampling: dict[str, Any]

    def __init__(self, workspace: Workspace, data: Any = None, *, release: Release) -> None:
        """`release` is the one whose recipe is changed; parts that have no field stay as it."""
        super().__init__(workspace, data, initial=_initial(release))
        self.workspace, self.release = workspace, release
        self.version = release.prompt_version
        for name, rows in (
            ("endpoint", list_endpoints(workspace)),
            ("prompt_version", list_all_versions(workspace.pk)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows
        add_fields(self, SETTINGS.values(), workspace)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("system") and values.get("user"):
            if values.get("prompt_version") is None:
                self._check_prompt(values)
            else:
                self._take_version(values)
        self._check_settings(values)
        return values

    def _check_settings(self, values: dict[str, Any]) -> None:
        """Name every fault: what has one is set to what has none while the rest is checked."""
        read = [
            {name: value for name, value in part.items() if name not in self.errors}
            for part in read_values(values)
        ]
        self.retrieval, self.sampling = read
        has_model = values.get("endpoint") is not None or "endpoint" in self.errors
        seen: set[str] = set()
        while (fault := self._find_fault(has_model=has_model)) and fault.field not in seen:
            seen.add(fault.field)
            if fault.field not in self.errors:
                self.add_error(fault.field if fault.field in self.fields else None, str(fault))
            if fault.part == "sampling":
                self.sampling.pop(fault.field, None)
            elif fault.field == "rerank_endpoint":
                self.retrieval |= {"rerank": "none", "rerank_endpoint": ""}
            else:
                self.retrieval[fault.field] = getattr(DEFAULT_PROFILE, fault.field)

    def _find_fault(self, *, has_model: bool) -> RecipeError | None:
        own = RetrievalProfile.parse(self.release.retrieval)
        try:
            change_profile(self.workspace.pk, own, self.retrieval, has_model=has_model)
            change_sampling(self.release.sampling, self.sampling)
        except RecipeError as error:
            return error
        return None

    def _check_prompt(self, values: dict[str, Any]) -> None:
        spec = replace(self.version.spec, system=values["system"], user=values["user"])
        for fault in check_spec(clean_spec(spec)):
            self.add_error(fault.field if fault.field == "user" else "system", fault.message)

    def _take_version(self, values: dict[str, Any]) -> None:
        """Refuse edited texts beside a chosen version, because they would be lost."""
        spec = clean_spec(PromptSpec(system=values["system"], user=values["user"]))
        if (spec.system, spec.user) != (self.version.system, self.version.user):
            self.add_error("prompt_version", "Take a version or change the texts, not both.")
        values["system"] = values["user"] = None

    def groups(self) -> list[dict[str, Any]]:
        """The cards of the page: their fields, and in a line what the release has."""
        told = summarise(self.release)
        return [
            {
                "name": group.name,
                "title": group.title,
                "hint": group.hint,
                "summary": told[group.name],
                "fields": [self[name] for name in group.fields],
                "more": [self[name] for name in group.more],
                "is_open": any(name in self.errors for name in (*group.fields, *group.more)),
                "is_more_open": any(name in self.errors for name in group.more),
            }
            for group in GROUPS
        ]

    def read_change(self) -> RecipeChange:
        """Of a form that is valid."""
        values = self.cleaned_data
        return RecipeChange(
            prompt_version=values["prompt_version"],
            system=values["system"],
            user=values["user"],
            collections=list(values["collections"]),
            endpoint=values["endpoint"],
            use_reader=values["endpoint"] is None,
            retrieval=self.retrieval,
            sampling=self.sampling,
            note=values["note"],
        )

    def example_list(self) -> list[str]:
        lines = self.cleaned_data["example_questions"].splitlines()
        return [line.strip()[:300] for line in lines if line.strip()][:8]


def _initial(release: Release) -> dict[str, Any]:
    assistant: Assistant = release.assistant
    return {
        "name": assistant.name,
        "description": assistant.description,
        "example_questions": "\n".join(assistant.example_questions),
        "collections": release.collections.all(),
        "endpoint": release.endpoint,
        "system": release.prompt_version.system,
        "user": release.prompt_version.user,
        **initial_values(RetrievalProfile.parse(release.retrieval), release.sampling),
    }
