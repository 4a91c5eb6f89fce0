"""The form of the playground: an assistant, a question, up to four variants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms

from apps.assistants.models import Assistant, Release
from apps.assistants.playground.running import MAX_VARIANTS, Variant
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.prompts.models import PromptVersion
from apps.prompts.selectors import list_all_versions
from apps.prompts.spec import PromptSpec, check_spec, clean_spec
from apps.workspaces.models import Workspace
from inference.types import Sampling

MAX_QUESTION = 8_000


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A version of a prompt, with its labels."""

    def label_from_instance(self, obj: Any) -> str:
        labels = ", ".join(label.name for label in obj.labels.all())
        return f"{obj} ({labels})" if labels else str(obj)


class PlaygroundForm(forms.Form):
    """`variants` says how many columns there are; each has fields that begin with v0_, v1_ …"""

    assistant = forms.ModelChoiceField(
        queryset=Assistant.objects.none(),
        label="Documents and retrieval of",
        to_field_name="slug",
        empty_label=None,
    )
    question = forms.CharField(
        max_length=MAX_QUESTION,
        label="Question",
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "A question to all of them"}),
    )
    variants = forms.IntegerField(
        min_value=1, max_value=MAX_VARIANTS, widget=forms.HiddenInput(), initial=2
    )

    def __init__(self, workspace: Workspace, *args: Any, count: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = count
        assistants = self.fields["assistant"]
        assert isinstance(assistants, forms.ModelChoiceField)
        assistants.queryset = (
            Assistant.objects.filter(workspace=workspace)
            .exclude(current=None)
            .select_related("current__prompt_version__prompt", "current__endpoint")
            .order_by("name")
        )
        for number in range(count):
            self._add_variant(number, workspace)

    def _add_variant(self, number: int, workspace: Workspace) -> None:
        fields: dict[str, forms.Field] = {
            "prompt": VersionField(
                queryset=list_all_versions(workspace.pk),
                required=False,
                label="Prompt",
                empty_label="The assistant's own",
            ),
            "system": forms.CharField(
                required=False,
                max_length=20_000,
                label="Instructions",
                widget=forms.Textarea(attrs={"rows": 8}),
            ),
            "user": forms.CharField(
                required=False,
                max_length=20_000,
                label="Question template",
                widget=forms.Textarea(attrs={"rows": 4}),
            ),
            "endpoint": forms.ModelChoiceField(
                queryset=list_endpoints(workspace),
                required=False,
                label="Model",
                empty_label="Built-in reader",
            ),
            "temperature": forms.FloatField(
                min_value=0, max_value=2, initial=0.2, label="Temperature"
            ),
            "max_tokens": forms.IntegerField(
                min_value=16, max_value=32_000, initial=1024, label="Longest answer, in tokens"
            ),
            "retrieval": forms.BooleanField(required=False, initial=True, label="Give passages"),
        }
        for name, field in fields.items():
            self.fields[f"v{number}_{name}"] = field

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("assistant") is not None:
            for number in range(self.count):
                for fault in check_spec(self.read_spec(number)):
                    name = fault.field if fault.field in ("system", "user") else "prompt"
                    self.add_error(f"v{number}_{name}", fault.message)
        return values

    def read_version(self, number: int) -> PromptVersion:
        """The version that a variant begins with."""
        chosen: PromptVersion | None = self.cleaned_data.get(f"v{number}_prompt")
        return chosen or self.release.prompt_version

    def read_spec(self, number: int) -> PromptSpec:
        """The version's prompt with the texts that were edited."""
        spec = self.read_version(number).spec
        texts = {
            name: text
            for name in ("system", "user")
            if (text := self.cleaned_data.get(f"v{number}_{name}"))
        }
        return clean_spec(replace(spec, **texts))

    @property
    def release(self) -> Release:
        """What answers now in the chosen assistant, which the variants vary."""
        release: Release | None = self.cleaned_data["assistant"].current
        assert release is not None
        return release

    def read_variants(self) -> list[Variant]:
        """Of a form that is valid."""
        values = self.cleaned_data
        return [
            Variant(
                spec=self.read_spec(number),
                endpoint=values[f"v{number}_endpoint"],
                sampling=Sampling(
                    temperature=values[f"v{number}_temperature"],
                    max_tokens=values[f"v{number}_max_tokens"],
                ),
                has_passages=values[f"v{number}_retrieval"],
            )
            for number in range(self.count)
        ]

    def columns(self) -> list[dict[str, Any]]:
        """The variants' fields as the page shows them."""
        return [
            {
                "number": number,
                "letter": "ABCD"[number],
                "texts": [self[f"v{number}_{name}"] for name in ("system", "user")],
                "has_texts": any(self[f"v{number}_{n}"].value() for n in ("system", "user")),
                "fields": [self[f"v{number}_{n}"] for n in ("prompt", "endpoint")],
                "settings": [
                    self[f"v{number}_{n}"] for n in ("temperature", "max_tokens", "retrieval")
                ],
            }
            for number in range(self.count)
        ]


def initial_values(assistant: Assistant | None, endpoints: list[Endpoint]) -> dict[str, Any]:
    """The first variants: what answers now, and beside it the other models there are."""
    release = assistant.current if assistant else None
    own = release.endpoint if release else None
    order: list[Endpoint | None] = [own, *(e for e in endpoints if e != own)]
    values: dict[str, Any] = {"assistant": assistant.slug if assistant else None}
    for number in range(MAX_VARIANTS):
        values[f"v{number}_endpoint"] = order[number] if number < len(order) else own
        if release is not None:
            values[f"v{number}_temperature"] = release.sampling.get("temperature", 0.2)
            values[f"v{number}_max_tokens"] = release.sampling.get("max_tokens", 1024)
    return values
