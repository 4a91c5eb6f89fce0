from __future__ import annotations

from django import forms

from apps.feedback.models import FeedbackState, Rating, Reason
from apps.feedback.services import MAX_COMMENT, MAX_CORRECTION


class VerdictForm(forms.Form):
    rating = forms.ChoiceField(choices=Rating.choices)
    reason = forms.ChoiceField(choices=Reason.choices, required=False)
    comment = forms.CharField(max_length=MAX_COMMENT, required=False)
    correction = forms.CharField(max_length=MAX_CORRECTION, required=False)


class FilterForm(forms.Form):
    rating = forms.ChoiceField(choices=Rating.choices, required=False)
    reason = forms.ChoiceField(choices=Reason.choices, required=False)
    state = forms.ChoiceField(choices=FeedbackState.choices, required=False)
    assistant = forms.SlugField(required=False)


class DaysForm(forms.Form):
    """The days of the filter, set below because `from` cannot name a class attribute."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["from"] = forms.DateField(required=False)
        self.fields["to"] = forms.DateField(required=False)
