from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms

from apps.assistants.services import MODES
from apps.documents.models import Collection
from apps.gateway.models import Endpoint
from apps.prompts.models import PromptVersion
from apps.prompts.selectors import list_all_versions
from apps.prompts.spec import PromptSpec, check_spec, clean_spec
from apps.workspaces.models import Workspace

MODE_LABELS = {
    "hybrid": "Words and meaning",
    "lexical": "Words only",
    "vector": "Meaning only",
}


def _collections(workspace: Workspace) -> Any:
    return Collection.objects.filter(workspace=workspace).order_by("name")


class AssistantForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", help_text="For example: Support desk")
    collections = forms.ModelMultipleChoiceField(
        queryset=Collection.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Collections that it answers from",
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["collections"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = _collections(workspace)


class PromoteForm(forms.Form):
    """A reason is only needed where a check refuses."""

    override_reason = forms.CharField(
        max_length=500,
        required=False,
        label="Reason to promote it nevertheless",
        help_text="It is kept with your name in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RecipeForm(AssistantForm):
    """Everything that a release freezes, and how the assistant presents itself."""

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
        label="Model",
    )
    temperature = forms.FloatField(
        min_value=0, max_value=2, label="Temperature", help_text="0 is steady, 1 is varied."
    )
    max_tokens = forms.IntegerField(
        min_value=16, max_value=32_000, label="Longest answer, in tokens"
    )
    mode = forms.ChoiceField(
        choices=[(mode, MODE_LABELS[mode]) for mode in MODES], label="Search by"
    )
    limit = forms.IntegerField(min_value=1, max_value=20, label="Passages given to the model")
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

    GROUPS = (
        ("Presentation", "", ("name", "description", "example_questions")),
        ("Documents", "", ("collections", "mode", "limit")),
        ("Model", "", ("endpoint", "temperature", "max_tokens")),
        (
            "Prompt",
            "What the model is told. The built-in reader does not use it.",
            ("system", "user", "prompt_version"),
        ),
        ("Note", "", ("note",)),
    )

    def __init__(
        self,
        workspace: Workspace,
        *args: Any,
        version: PromptVersion | None = None,
        **kwargs: Any,
    ) -> None:
        """`version` is the prompt whose other parts stay when its texts are changed."""
        super().__init__(workspace, *args, **kwargs)
        self.version = version
        for name, rows in (
            ("endpoint", Endpoint.objects.filter(workspace=workspace).order_by("name")),
            ("prompt_version", list_all_versions(workspace.pk)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("system") and values.get("user"):
            if values.get("prompt_version") is None:
                self._check_prompt(values)
            elif self.version is not None:
                self._take_version(values)
        return values

    def _check_prompt(self, values: dict[str, Any]) -> None:
        spec = PromptSpec(system=values["system"], user=values["user"])
        if self.version is not None:
            spec = replace(self.version.spec, system=spec.system, user=spec.user)
        for fault in check_spec(clean_spec(spec)):
            self.add_error(fault.field if fault.field == "user" else "system", fault.message)

    def _take_version(self, values: dict[str, Any]) -> None:
        """Refuse edited texts beside a chosen version, because they would be lost."""
        assert self.version is not None
        texts = PromptSpec(system=values["system"], user=values["user"])
        spec = clean_spec(texts)
        if (spec.system, spec.user) != (self.version.system, self.version.user):
            self.add_error("prompt_version", "Take a version or change the texts, not both.")
        values["system"] = values["user"] = None

    def groups(self) -> list[dict[str, Any]]:
        """The fields as the page groups them."""
        return [
            {"title": title, "hint": hint, "fields": [self[name] for name in names]}
            for title, hint, names in self.GROUPS
        ]

    def example_list(self) -> list[str]:
        lines = self.cleaned_data["example_questions"].splitlines()
        return [line.strip()[:300] for line in lines if line.strip()][:8]


class UsePromptForm(forms.Form):
    """A version of the catalogue for an assistant's next release."""

    prompt_version = forms.ModelChoiceField(queryset=PromptVersion.objects.none())

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["prompt_version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = list_all_versions(workspace.pk)
