"""What people fill in about judges and guidelines."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.gateway.models import Endpoint
from apps.workspaces.models import Workspace
from measures.agreement import TrustBar


class JudgeForm(forms.Form):
    """The model that compares answers in the arena."""

    endpoint = forms.ModelChoiceField(
        queryset=Endpoint.objects.none(), label="Let a model compare", empty_label=None
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["endpoint"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Endpoint.objects.filter(workspace=workspace).order_by("name")


class JudgeBarForm(forms.Form):
    """What judges must reach; shares are typed in percent."""

    accuracy = forms.FloatField(
        min_value=0, max_value=100, label="The same grade as people, %",
        help_text="Of the answers that both have graded.",
    )  # fmt: skip
    kappa = forms.FloatField(
        min_value=-1, max_value=1, label="Cohen's kappa",
        help_text="Agreement beyond chance; 0.6 and more is called substantial.",
    )  # fmt: skip
    count = forms.IntegerField(
        min_value=1, max_value=100_000, label="Graded answers",
        help_text="Fewer say nothing yet.",
    )  # fmt: skip

    @classmethod
    def of(cls, bar: TrustBar) -> JudgeBarForm:
        """A form that shows the current bar."""
        share = f"{bar.accuracy * 100:.3g}"
        return cls(initial={"accuracy": share, "kappa": bar.kappa, "count": bar.count})

    def bar(self) -> TrustBar:
        """The bar that was filled in. Only for a valid form."""
        values = self.cleaned_data
        return TrustBar(values["accuracy"] / 100, values["kappa"], values["count"])


class CriterionForm(forms.Form):
    """A line of the guideline."""

    name = forms.CharField(max_length=80, label="Criterion", help_text="For example: Complete")
    rubric = forms.CharField(
        max_length=4_000,
        label="Rubric",
        help_text="What makes an answer good or bad here, so that two people would agree.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    good_example = forms.CharField(
        max_length=2_000, required=False, label="A good answer",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    bad_example = forms.CharField(
        max_length=2_000, required=False, label="A bad answer",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    metric = forms.ChoiceField(required=False, label="Measured by")
    outcome = forms.CharField(
        max_length=200,
        required=False,
        label="What it stands for in the business",
        help_text="For example: share of tickets that are not opened again",
    )

    def __init__(self, metrics: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["metric"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Nothing yet"), *metrics]
