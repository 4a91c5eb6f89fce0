"""What people fill in about gates."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.evaluation.models import GateRule


class GateRuleForm(forms.Form):
    """A rule; thresholds are typed as people say them: percent, seconds, dollars."""

    metric = forms.ChoiceField(label="Metric")
    statistic = forms.ChoiceField(choices=GateRule.Statistic.choices, label="Taken as")
    kind = forms.ChoiceField(choices=GateRule.Kind.choices, label="Rule")
    threshold = forms.FloatField(
        min_value=0,
        label="Limit",
        help_text="Points or percent for shares, milliseconds for times, dollars for costs.",
    )
    confidence = forms.TypedChoiceField(
        choices=[("0.9", "90 %"), ("0.95", "95 %"), ("0.99", "99 %")],
        coerce=float,
        initial="0.95",
        label="Confidence",
        help_text="Only for “is not worse than now”.",
    )

    def __init__(self, metrics: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["metric"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = metrics
