"""Forms of datasets and examples."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.datasets import examples
from apps.datasets.examples import (
    ExampleError,
    ExampleFields,
    clean_fields,
    split_passages,
    split_tags,
)
from apps.datasets.models import MAX_NAME, Example, ReviewState, SourceKind
from apps.datasets.slices import LENGTHS


class DatasetForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME,
        widget=forms.TextInput(
            attrs={"placeholder": "Questions about leave", "autocomplete": "off"}
        ),
    )
    description = forms.CharField(label="What it is for", max_length=500, required=False)


class FreezeForm(forms.Form):
    note = forms.CharField(
        label="What is new in it",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ExampleForm(forms.Form):
    """An example as people write it; `fields_of_example` is the checked result of a valid form.

    `keep` names the positions of the passages that stay; new ones come as text, with blank
    lines between them.
    """

    question = forms.CharField(
        label="Question", max_length=examples.MAX_QUESTION, widget=forms.Textarea(attrs={"rows": 2})
    )
    expected_answer = forms.CharField(
        label="Expected answer",
        max_length=examples.MAX_ANSWER,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What a good answer says. It need not be said in the same words.",
    )
    other_answers = forms.CharField(
        label="Also accepted (other wordings)",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Other wordings, one a line. Exact comparisons accept any of them.",
    )
    is_answerable = forms.BooleanField(
        label="The documents answer it",
        required=False,
        initial=True,
        help_text="Without the tick, the right answer is to say that the documents do not tell.",
    )
    keep = forms.MultipleChoiceField(label="Expected passages", required=False)
    new_passages = forms.CharField(
        label="Add passages",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The words of a source that hold the answer; a blank line between two passages.",
    )
    context = forms.CharField(
        label="Given with the question",
        max_length=examples.MAX_CONTEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What the person pasted or is looking at, if the question needs it.",
    )
    tags = forms.CharField(
        label="Tags",
        max_length=1_000,
        required=False,
        help_text="With commas between. Results can be split by tag.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    checks = forms.JSONField(
        label="For single evaluators, as JSON",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=f"An object with any of: {', '.join(examples.CHECKS)}.",
    )
    language = forms.CharField(
        label="Language",
        max_length=8,
        required=False,
        help_text="Such as en or de. Left empty, it is recognised from the question.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    fields_of_example: ExampleFields

    def __init__(self, *args: Any, example: Example | None = None, **kwargs: Any) -> None:
        if example is not None:
            kwargs.setdefault("initial", self.initial_of(example))
        super().__init__(*args, **kwargs)
        self.passages: list[dict[str, Any]] = list(example.expected_passages) if example else []
        self.history: list[dict[str, str]] = list(example.history) if example else []
        self.answered_by: dict[str, Any] = dict(example.answered_by) if example else {}
        choices = [(str(number), str(number)) for number in range(len(self.passages))]
        keep = self.fields["keep"]
        assert isinstance(keep, forms.MultipleChoiceField)
        keep.choices = choices

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors:
            return values
        try:
            self.fields_of_example = clean_fields(self._plain(values))
        except ExampleError as error:
            name = "new_passages" if error.field == "expected_passages" else error.field
            self.add_error(name if name in self.fields else None, error.message)
        return values

    def _plain(self, values: dict[str, Any]) -> dict[str, Any]:
        kept = [self.passages[int(number)] for number in values["keep"]]
        others = [line.strip() for line in values["other_answers"].splitlines()]
        return {
            **values,
            "other_answers": [line for line in others if line],
            "expected_passages": [*kept, *split_passages(values["new_passages"])],
            "tags": list(split_tags(values["tags"])),
            "history": self.history,
            "answered_by": self.answered_by,
        }

    @property
    def kept(self) -> list[tuple[int, dict[str, Any], bool]]:
        """The existing passages, each with its position and whether it is kept."""
        positions = set(self["keep"].value() or ())
        return [(n, passage, str(n) in positions) for n, passage in enumerate(self.passages)]

    @staticmethod
    def initial_of(example: Example) -> dict[str, Any]:
        """What the form shows of an example."""
        return {
            "question": example.question,
            "expected_answer": example.expected_answer,
            "other_answers": "\n".join(example.other_answers),
            "is_answerable": example.is_answerable,
            "keep": [str(number) for number in range(len(example.expected_passages))],
            "context": example.context,
            "tags": ", ".join(example.tags),
            "language": example.language,
            "checks": example.checks or None,
        }


class FilterForm(forms.Form):
    """Filters of the table; invalid ones are ignored, so that old links still open."""

    q = forms.CharField(max_length=200, required=False)
    state = forms.ChoiceField(choices=ReviewState.choices, required=False)
    tag = forms.CharField(max_length=60, required=False)
    source = forms.ChoiceField(choices=SourceKind.choices, required=False)
    language = forms.CharField(max_length=8, required=False)
    length = forms.ChoiceField(choices=list(LENGTHS.items()), required=False)
    answerable = forms.ChoiceField(choices=[("yes", "Yes"), ("no", "No")], required=False)
