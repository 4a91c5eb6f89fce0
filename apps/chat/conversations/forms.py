from __future__ import annotations

from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from apps.chat.conversations.search import MAX_SEARCH
from apps.chat.conversations.selectors import MOST_LISTED
from apps.chat.conversations.services import MAX_NAME


class ListForm(forms.Form):
    search = forms.CharField(max_length=MAX_SEARCH, required=False)
    shown = forms.IntegerField(min_value=1, max_value=MOST_LISTED, required=False)


class NameForm(forms.Form):
    title = forms.CharField(max_length=MAX_NAME)


class PinForm(forms.Form):
    pinned = forms.ChoiceField(choices=[("yes", "Pinned"), ("no", "Not pinned")])


class SelectionField(forms.Field):
    """One or more ids, each sent as a parameter of its own."""

    widget = forms.SelectMultiple

    def to_python(self, value: list[str] | None) -> list[UUID]:
        try:
            return [UUID(text) for text in value or []]
        except ValueError:
            raise ValidationError("This is no id of a conversation.") from None


class SelectionForm(forms.Form):
    selected = SelectionField()
