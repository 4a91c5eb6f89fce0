"""The lab's forms: two profiles, where to search, and where marked passages are saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from apps.datasets.models import MAX_NAME, DatasetVersion
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.lab.profiles import KEYS
from apps.retrieval.search.profiles import (
    FUSION_LABELS,
    MODE_LABELS,
    QUERY_TRANSFORM_LABELS,
    RERANK_LABELS,
    ProfileError,
    RetrievalProfile,
)
from apps.workspaces.models import Workspace

MAX_QUESTION = 4_000
EXPANSIONS = {name: label for name, label in QUERY_TRANSFORM_LABELS.items() if name != "model"}


class ProfileForm(forms.Form):
    """A retrieval profile; `profile` is the checked result of a valid form."""

    mode = forms.ChoiceField(label="Search by", choices=list(MODE_LABELS.items()))
    fusion = forms.ChoiceField(label="Join both lists by", choices=list(FUSION_LABELS.items()))
    vector_weight = forms.FloatField(
        label="Weight of meaning",
        required=False,
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.05", "placeholder": "By the question"}),
    )
    rerank = forms.ChoiceField(label="Order", choices=list(RERANK_LABELS.items()))
    rerank_endpoint = forms.ModelChoiceField(
        queryset=Endpoint.objects.none(),
        required=False,
        label="Reranking model",
        empty_label="None chosen",
    )
    rerank_depth = forms.IntegerField(label="Passages put in order", min_value=1, max_value=50)
    limit = forms.IntegerField(label="Passages to read", min_value=1, max_value=50)
    candidates = forms.IntegerField(label="Candidates of each list", min_value=1, max_value=50)
    diversity = forms.FloatField(
        label="Variety",
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    recency = forms.FloatField(
        label="Weight of recency",
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    half_life_days = forms.FloatField(
        label="Days until a document counts half", min_value=0.01, max_value=36_500
    )
    expand = forms.ChoiceField(label="Add related words", choices=list(EXPANSIONS.items()))
    neighbours = forms.IntegerField(label="Neighbours on either side", min_value=0, max_value=5)
    filters = forms.CharField(
        label="Only documents where",
        max_length=2_000,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "tag:policy", "autocomplete": "off"}),
    )

    SHOWN = ("mode", "rerank", "limit")
    profile: RetrievalProfile

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        base: RetrievalProfile,
        prefix: str,
        workspace: Workspace,
    ) -> None:
        """Fields missing in `data` are taken from `base`."""
        if base.expand == "model":
            # The lab searches for the question as it is; a model's words belong to an answer.
            base = base.change({"expand": "off", "expand_endpoint": ""})
        merged = {f"{prefix}-{name}": value for name, value in base.to_json().items()}
        for name in self.base_fields:
            if f"{prefix}-{name}" in data:
                merged[f"{prefix}-{name}"] = data[f"{prefix}-{name}"]
        super().__init__(merged, prefix=prefix)
        self.base = base
        endpoints = self.fields["rerank_endpoint"]
        assert isinstance(endpoints, forms.ModelChoiceField)
        endpoints.queryset = list_endpoints(workspace)
        for field in self.fields.values():
            field.widget.attrs["form"] = "lab"

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors:
            return values
        endpoint = values["rerank_endpoint"] if values["rerank"] == "endpoint" else None
        chosen = {"rerank_endpoint": str(endpoint.pk) if endpoint else ""}
        try:
            self.profile = self.base.change(values | chosen)
        except ProfileError as error:
            name = error.field if error.field in self.fields else None
            self.add_error(name, str(error))
        return values

    @property
    def shown(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SHOWN]

    @property
    def more(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in self.SHOWN]


class SaveForm(forms.Form):
    """A question with its relevant passages, to be saved in a dataset."""

    question = forms.CharField(max_length=MAX_QUESTION)
    dataset = forms.UUIDField(required=False)
    new_dataset = forms.CharField(max_length=MAX_NAME, required=False)
    expected_answer = forms.CharField(max_length=20_000, required=False)
    tags = forms.CharField(max_length=1_000, required=False)
    example = forms.UUIDField(required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not (values.get("dataset") or values.get("new_dataset") or values.get("example")):
            raise forms.ValidationError("Choose the dataset that takes the case.")
        return values


class MeasureForm(forms.Form):
    """Which cases to measure on, and how many passages count. A valid form has `version`."""

    version_id = forms.ChoiceField(label="Cases")
    k = forms.IntegerField(
        label="Passages that count (k)",
        initial=10,
        min_value=1,
        max_value=50,
        help_text="Of a profile that gives fewer passages to read, only those count.",
    )
    version: DatasetVersion

    def __init__(self, data: Any, *, versions: Sequence[tuple[DatasetVersion, int]]) -> None:
        super().__init__(data)
        self.versions = {str(version.pk): version for version, _ in versions}
        field = self.fields["version_id"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (str(version.pk), f"{version} ({count:,} labelled case{'s' if count != 1 else ''})")
            for version, count in versions
        ]

    def clean_version_id(self) -> str:
        chosen = str(self.cleaned_data["version_id"])
        self.version = self.versions[chosen]
        return chosen


class CandidateForm(forms.Form):
    """Which side becomes a candidate of which assistant."""

    side = forms.ChoiceField(choices=[(key, key.upper()) for key in KEYS])
    assistant = forms.SlugField()
