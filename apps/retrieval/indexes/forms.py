"""The forms of the index pages."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.embedder import EmbeddingChoice, list_embedders
from apps.retrieval.indexes.selectors import list_profiles
from apps.retrieval.models import AnnKind, Label, Precision
from apps.workspaces.models import Workspace
from inference.errors import ModelFilesError

KIND_LABELS = {
    AnnKind.HNSW: "Graph (HNSW): fast and precise, takes longest to build",
    AnnKind.IVFFLAT: "Lists (IVFFlat): built in seconds, slower to search",
}
PRECISION_LABELS = {
    Precision.HALF: "16 bits a number",
    Precision.FULL: "32 bits a number: larger, and hardly ever better",
    Precision.BINARY: "1 bit a number: smallest; the best are compared again by 16 bits",
}


class VectorForm(forms.Form):
    """What the vector index of a large index is made of."""

    vector_index = forms.ChoiceField(
        label="Vector index",
        choices=[(value.value, label) for value, label in KIND_LABELS.items()],
        help_text="Of use for large collections; small ones are compared one by one.",
    )
    precision = forms.ChoiceField(
        label="Precision",
        choices=[(value.value, label) for value, label in PRECISION_LABELS.items()],
        help_text="What the vector index keeps of each number of a vector.",
    )


class BuildForm(VectorForm):
    """What a new index is made of."""

    field_order = ("profile", "model", "labels", "vector_index", "precision", "goes_live")

    profile: Any = forms.ModelChoiceField(
        label="Chunking",
        queryset=None,
        empty_label=None,
        help_text="How documents are cut into passages.",
    )
    model = forms.ChoiceField(label="Embedding model", help_text="Owners add more in the settings.")
    labels = forms.MultipleChoiceField(
        label="In front of each passage",
        choices=Label.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Embedded and searched with every passage (contextual retrieval), so that a "
        "question which names a document, a customer or a year finds its passages. Together at "
        "most 160 characters.",
    )
    goes_live = forms.BooleanField(
        label="Swap it in as soon as it is ready",
        required=False,
        help_text="Otherwise you can compare it with the live one first.",
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        profile = self.fields["profile"]
        assert isinstance(profile, forms.ModelChoiceField)
        profile.queryset = list_profiles(workspace)
        try:
            self.models = list_embedders(workspace.pk)
        except ModelFilesError:
            self.models = []
        model = self.fields["model"]
        assert isinstance(model, forms.ChoiceField)
        model.choices = [
            (choice.name, f"{choice.label}, {choice.dimensions} numbers") for choice in self.models
        ]

    def chosen_model(self) -> EmbeddingChoice:
        """The embedding model, of a form that is valid."""
        return next(m for m in self.models if m.name == self.cleaned_data["model"])


class QuestionForm(forms.Form):
    """A question to compare indexes with."""

    text = forms.CharField(
        label="Another question",
        max_length=500,
        widget=forms.TextInput(
            attrs={"placeholder": "How long is the notice period?", "autocomplete": "off"}
        ),
    )
