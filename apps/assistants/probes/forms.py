from __future__ import annotations

from typing import Any

from django import forms

from apps.assistants.models import Assistant
from apps.assistants.probes.needle import LENGTHS
from apps.assistants.probes.services import MAX_ATTEMPTS, MAX_QUESTIONS
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.workspaces.models import Workspace

READER = "Built-in reader"


class ModelField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A model endpoint, or the built-in reader."""

    def __init__(self) -> None:
        super().__init__(Endpoint.objects.none(), required=False, empty_label=READER, label="Model")


class PerturbationForm(forms.Form):
    """An assistant, a model, and one question per line."""

    prefix = "changed"
    assistant = forms.ModelChoiceField(
        queryset=Assistant.objects.none(), to_field_name="slug", empty_label=None, label="Assistant"
    )
    endpoint = ModelField()
    questions = forms.CharField(
        label="Questions",
        help_text=f"One a line, at most {MAX_QUESTIONS}. Each is asked in ten shapes.",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assistants = self.fields["assistant"]
        assert isinstance(assistants, forms.ModelChoiceField)
        assistants.queryset = (
            Assistant.objects.filter(workspace=workspace)
            .exclude(current=None)
            .select_related("current")
            .order_by("name")
        )
        endpoints = self.fields["endpoint"]
        assert isinstance(endpoints, forms.ModelChoiceField)
        endpoints.queryset = list_endpoints(workspace)

    def clean_questions(self) -> list[str]:
        lines = [line.strip()[:1000] for line in self.cleaned_data["questions"].splitlines()]
        questions = list(dict.fromkeys(line for line in lines if line))
        if len(questions) > MAX_QUESTIONS:
            raise forms.ValidationError(f"At most {MAX_QUESTIONS} questions; these are more.")
        return questions


class NeedleForm(forms.Form):
    """A model, the lengths to try, and how often."""

    prefix = "needle"
    endpoint = ModelField()
    lengths = forms.TypedMultipleChoiceField(
        label="Lengths, in tokens",
        choices=[(length, f"{length:,}") for length in LENGTHS],
        coerce=int,
        initial=[500, 1000, 2000, 4000],
        widget=forms.CheckboxSelectMultiple,
    )
    attempts = forms.IntegerField(
        min_value=1,
        max_value=MAX_ATTEMPTS,
        initial=2,
        label="Tries at each place",
        help_text="Each with another fact, at five depths of every length.",
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        endpoints = self.fields["endpoint"]
        assert isinstance(endpoints, forms.ModelChoiceField)
        endpoints.queryset = list_endpoints(workspace)
