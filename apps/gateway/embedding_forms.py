"""The forms of embedding models."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.gateway.embedding_models import list_folders
from apps.gateway.embedding_services import EmbeddingModelFields
from apps.gateway.models import EmbeddingModel
from apps.workspaces.models import Workspace

PREFIX_HELP = "Some models want “{}: ” before a {}. Leave it empty if yours says nothing of it."


class NameForm(forms.Form):
    """The fields of a model that can be changed; the rest decides what its vectors mean."""

    name = forms.CharField(
        label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    base_url = forms.CharField(
        label="Base URL",
        max_length=500,
        required=False,
        help_text="Up to and with /v1, for example http://localhost:8001/v1.",
        widget=forms.URLInput(attrs={"placeholder": "http://localhost:8001/v1"}),
    )
    api_key = forms.CharField(
        label="API key",
        max_length=1000,
        required=False,
        help_text="Kept encrypted and never shown again. A server of your own may need none.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    remove_key = forms.BooleanField(label="Forget the stored key", required=False)

    def __init__(
        self, *args: Any, workspace: Workspace, row: EmbeddingModel | None = None, **kwargs: Any
    ) -> None:
        if row is not None:
            kwargs.setdefault("initial", {"name": row.name, "base_url": row.base_url})
        super().__init__(*args, **kwargs)
        self.workspace, self.row = workspace, row
        if row is None or not row.api_key_encrypted:
            del self.fields["remove_key"]
        if row is not None and row.kind == EmbeddingModel.Kind.FOLDER:
            del self.fields["base_url"], self.fields["api_key"]
        elif row is not None:
            self.fields["api_key"].help_text = "Leave this empty to keep what is stored."

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        taken = EmbeddingModel.objects.filter(workspace=self.workspace, name=name)
        if self.row is not None:
            taken = taken.exclude(pk=self.row.pk)
        if taken.exists():
            raise ValidationError("Another embedding model has this name already.")
        return name


class ServerForm(NameForm):
    """A model on a server with `/v1/embeddings`."""

    model = forms.CharField(
        label="Model",
        max_length=200,
        help_text="As the server calls it, for example BAAI/bge-m3.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    query_prefix = forms.CharField(
        label="Before a question", max_length=200, required=False, strip=False,
        help_text=PREFIX_HELP.format("query", "question"),
    )  # fmt: skip
    passage_prefix = forms.CharField(
        label="Before a passage", max_length=200, required=False, strip=False,
        help_text=PREFIX_HELP.format("passage", "passage"),
    )  # fmt: skip
    field_order = ["name", "base_url", "model", "api_key", "query_prefix", "passage_prefix"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base_url"].required = True

    def as_fields(self) -> EmbeddingModelFields:
        """What the service takes, of a form that is valid."""
        return EmbeddingModelFields(**self.cleaned_data)


class FolderForm(forms.Form):
    """A model in a folder on this machine."""

    folder = forms.ChoiceField(label="Folder", help_text="What lies in the models directory.")

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        field = self.fields["folder"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in list_folders()]
        self.has_folders = bool(field.choices)

    def clean_folder(self) -> str:
        name: str = self.cleaned_data["folder"]
        if EmbeddingModel.objects.filter(workspace=self.workspace, name=name).exists():
            raise ValidationError("An embedding model has this name already.")
        return name

    def as_fields(self) -> EmbeddingModelFields:
        """What the service takes, of a form that is valid."""
        folder: str = self.cleaned_data["folder"]
        return EmbeddingModelFields(folder, kind=EmbeddingModel.Kind.FOLDER, folder=folder)
