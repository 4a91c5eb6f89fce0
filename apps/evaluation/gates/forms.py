"""What people fill in about gates."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.assistants.models import Assistant
from apps.core.options import OptionError
from apps.evaluation.experiments.metrics import Metric
from apps.evaluation.gates.metric_lookup import list_choices, resolve_metric
from apps.evaluation.models import MAX_METRIC, GateRule


class GateRuleForm(forms.Form):
    """A gate rule; thresholds are typed in the units people use: percent, milliseconds, dollars."""

    metric = forms.CharField(max_length=MAX_METRIC, label="Metric", widget=forms.Select)
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

    def __init__(self, assistant: Assistant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.assistant = assistant
        widget = self.fields["metric"].widget
        assert isinstance(widget, forms.Select)
        widget.choices = [(metric.key, metric.label) for metric in list_choices(assistant)]

    def clean_metric(self) -> Metric:
        """Resolve the key as REST does, so that both store the same metric."""
        try:
            return resolve_metric(self.assistant, self.cleaned_data["metric"])
        except OptionError as error:
            raise ValidationError(str(error)) from error
