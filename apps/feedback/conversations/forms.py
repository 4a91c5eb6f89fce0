from __future__ import annotations

from django import forms

from apps.chat.conversations.search import MAX_SEARCH
from apps.feedback.conversations.selectors import ConversationFilter, OutcomeFilter, ReviewFilter
from apps.feedback.conversations.services import MAX_NOTE
from apps.feedback.models import Rating, ReviewState


class ConversationFilterForm(forms.Form):
    """Used by the page and by REST, so that both narrow by the same words."""

    assistant = forms.SlugField(required=False)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)
    outcome = forms.ChoiceField(choices=OutcomeFilter.choices, required=False)
    rating = forms.ChoiceField(choices=Rating.choices, required=False)
    state = forms.ChoiceField(choices=ReviewFilter.choices, required=False)
    search = forms.CharField(max_length=MAX_SEARCH, required=False)

    def read(self) -> ConversationFilter:
        """The fields that are valid; the others do not narrow."""
        self.is_valid()
        return ConversationFilter(
            **{name: value for name, value in self.cleaned_data.items() if value}
        )


class ReviewForm(forms.Form):
    state = forms.ChoiceField(choices=ReviewState.choices)
    note = forms.CharField(max_length=MAX_NOTE, required=False)
