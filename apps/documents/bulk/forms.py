"""What a person says about a change of many documents: what to do, and with which tag or target."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.documents.bulk.changes import Action, Change
from apps.documents.labels import TAG_CHARS, clean_tag
from apps.documents.models import Collection
from apps.documents.selectors import list_collections

EMPTY_TAG = "Type a tag, as “hr” or “hr/leave”."


class ChangeForm(forms.Form):
    """The fields that the action takes; the others are not there."""

    tag = forms.CharField(
        label="Tag",
        max_length=TAG_CHARS,
        help_text="Levels are separated by “/”, as “hr/leave”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    target = forms.ModelChoiceField(
        Collection.objects.none(), label="To the collection", empty_label=None
    )

    def __init__(self, *args: Any, collection: Collection, action: Action, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.action = action
        if action not in (Action.ADD_TAG, Action.REMOVE_TAG):
            del self.fields["tag"]
        if action != Action.MOVE:
            del self.fields["target"]
        else:
            others = list_collections(collection.workspace_id).exclude(pk=collection.pk)
            target = self.fields["target"]
            assert isinstance(target, forms.ModelChoiceField)
            target.queryset = others

    def clean_tag(self) -> str:
        tag = clean_tag(self.cleaned_data["tag"])
        if not tag:
            raise forms.ValidationError(EMPTY_TAG)
        return tag

    def change(self) -> Change:
        """What the valid form says."""
        return Change(
            self.action,
            tag=self.cleaned_data.get("tag", ""),
            target=self.cleaned_data.get("target"),
        )
