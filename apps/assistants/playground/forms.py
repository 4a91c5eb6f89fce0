"""The form of the playground: an assistant, a question, up to four variants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms

from apps.assistants.models import Assistant, Release
from apps.assistants.playground.running import MAX_VARIANTS, Variant
from apps.assistants.recipes.changes import RecipeError, change_profile, change_sampling
from apps.assistants.recipes.fields import ORDER, QUESTION, SAMPLING, SEARCH, SETTINGS
from apps.assistants.recipes.form_fields import add_fields, read_values
from apps.assistants.recipes.forms import RecipeForm
from apps.assistants.recipes.sampling import parse_sampling
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.prompts.models import PromptVersion
from apps.prompts.selectors import list_all_versions
from apps.prompts.spec import PromptSpec, check_spec, clean_spec
from apps.retrieval.search.profiles import RetrievalProfile
from apps.retrieval.search.query import MAX_QUESTION
from apps.workspaces.models import Workspace
from inference.types import Sampling

FIRST_SETTINGS = ("temperature", "max_tokens", "retrieval")
MORE_SETTINGS = (
    ("Question", QUESTION),
    ("Search", SEARCH),
    ("Passages", ORDER),
    ("Sampling", tuple(one for one in SAMPLING if one.name not in FIRST_SETTINGS)),
)


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
            "retrieval": forms.BooleanField(required=False, initial=True, label="Give passages"),
        }
        for name, field in fields.items():
            self.fields[f"v{number}_{name}"] = field
        add_fields(self, SETTINGS.values(), workspace, prefix=f"v{number}_", is_sparse=True)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("assistant") is not None:
            for number in range(self.count):
                for fault in check_spec(self.read_spec(number)):
                    name = fault.field if fault.field in ("system", "user") else "prompt"
                    self.add_error(f"v{number}_{name}", fault.message)
                if not any(name.startswith(f"v{number}_") for name in self.errors):
                    self._check_settings(number)
        return values

    def _check_settings(self, number: int) -> None:
        try:
            self.read_settings(number)
        except RecipeError as error:
            self.add_error(f"v{number}_{error.field}", str(error))

    def read_settings(self, number: int) -> tuple[RetrievalProfile, Sampling]:
        """The release's retrieval and sampling with what a variant changes. Raises RecipeError."""
        retrieval, sampling = read_values(self.cleaned_data, prefix=f"v{number}_", is_sparse=True)
        profile = change_profile(
            self.release.workspace_id,
            RetrievalProfile.parse(self.release.retrieval),
            retrieval,
            has_model=self.cleaned_data[f"v{number}_endpoint"] is not None,
        )
        return profile, parse_sampling(change_sampling(self.release.sampling, sampling))

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
        return [self._read_variant(number) for number in range(self.count)]

    def _read_variant(self, number: int) -> Variant:
        profile, sampling = self.read_settings(number)
        return Variant(
            spec=self.read_spec(number),
            endpoint=self.cleaned_data[f"v{number}_endpoint"],
            sampling=sampling,
            profile=profile,
            has_passages=self.cleaned_data[f"v{number}_retrieval"],
        )

    def columns(self) -> list[dict[str, Any]]:
        """The variants' fields as the page shows them."""
        return [
            {
                "number": number,
                "letter": "ABCD"[number],
                "texts": [self[f"v{number}_{name}"] for name in ("system", "user")],
                "has_texts": any(self[f"v{number}_{n}"].value() for n in ("system", "user")),
                "fields": [self[f"v{number}_{n}"] for n in ("prompt", "endpoint")],
                "settings": [self[f"v{number}_{n}"] for n in FIRST_SETTINGS],
                "more": [
                    {"title": title, "fields": [self[f"v{number}_{one.name}"] for one in settings]}
                    for title, settings in MORE_SETTINGS
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
            values[f"v{number}_temperature"] = release.sampling.get("temperature")
            values[f"v{number}_max_tokens"] = release.sampling.get("max_tokens")
    return values


def read_variant(form: RecipeForm) -> Variant:
    """The recipe that a valid form describes, as something to try."""
    values, release = form.cleaned_data, form.release
    version = values["prompt_version"] or release.prompt_version
    texts = {name: values[name] for name in ("system", "user") if values[name] is not None}
    profile = change_profile(
        release.workspace_id,
        RetrievalProfile.parse(release.retrieval),
        form.retrieval,
        has_model=values["endpoint"] is not None,
    )
    return Variant(
        spec=clean_spec(replace(version.spec, **texts)),
        endpoint=values["endpoint"],
        sampling=parse_sampling(change_sampling(release.sampling, form.sampling)),
        profile=profile,
        collection_ids=tuple(collection.pk for collection in values["collections"]),
    )
