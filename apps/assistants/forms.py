from __future__ import annotations

from typing import Any

from django import forms

from apps.documents.models import Collection
from apps.prompts.models import PromptVersion
from apps.prompts.selectors import list_all_versions
from apps.workspaces.models import Workspace

NO_COLLECTION = "Choose what it answers from, or say below that it needs no documents."


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


class NewAssistantForm(AssistantForm):
    """Without a collection only for whoever says so: such an assistant finds nothing."""

    without_documents = forms.BooleanField(
        required=False,
        label="It answers without documents",
        help_text="Only for a model that is to be asked by itself; there are no citations then.",
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        chosen = values.get("collections")
        if "collections" in self.errors:
            return values
        if not chosen and not values.get("without_documents"):
            self.add_error("collections", NO_COLLECTION)
        if chosen and values.get("without_documents"):
            self.add_error("without_documents", "Choose collections or this, not both.")
        return values


class PromoteForm(forms.Form):
    """A reason is only needed where a check refuses."""

    override_reason = forms.CharField(
        max_length=500,
        required=False,
        label="Reason to promote it nevertheless",
        help_text="It is kept with your name in the audit log.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class UsePromptForm(forms.Form):
    """A version of the catalogue for an assistant's next release."""

    prompt_version = forms.ModelChoiceField(queryset=PromptVersion.objects.none())

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["prompt_version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = list_all_versions(workspace.pk)
