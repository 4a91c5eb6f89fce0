"""What people fill in about experiments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.functional import cached_property

from apps.assistants.models import Assistant, Release
from apps.core.options import OptionError, OptionForm
from apps.datasets.models import DatasetVersion
from apps.evaluation.experiments.metrics import COMPONENTS, freeze_evaluators
from apps.evaluation.experiments.plans import (
    MAX_EXPERIMENT_NAME,
    MAX_PARALLEL,
    MAX_RELEASES,
    MAX_REPEATS,
    Plan,
)
from apps.evaluation.experiments.selectors import last_own_settings
from apps.evaluation.models import Criterion
from apps.evaluation.review.guidelines import make_judge
from apps.gateway.models import Endpoint
from measures.evaluators.base import Evaluator
from measures.evaluators.names import name_evaluator
from measures.evaluators.presets import DEFAULT, PRESETS, Preset, match_preset
from measures.evaluators.registry import all_evaluators

ALWAYS = frozenset({"latency", "ttft", "cost", "judge_pair"})
"""Left out of the choices: recorded for every answer anyway, or used in the arena."""


class ExperimentForm(forms.Form):
    """The plan of an experiment on one assistant."""

    name = forms.CharField(
        max_length=MAX_EXPERIMENT_NAME,
        required=False,
        label="Name",
        help_text="What you want to find out: “Does k = 8 help?” Left empty, it is named after "
        "what it compares: assistant, releases, dataset and date.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    dataset_version = forms.ModelChoiceField(
        queryset=DatasetVersion.objects.none(),
        label="Dataset",
        empty_label=None,
        help_text="Only frozen versions, because a draft can still change.",
    )
    releases = forms.ModelMultipleChoiceField(
        queryset=Release.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        label="Releases",
        help_text=f"Each answers every question; 1 to {MAX_RELEASES}.",
    )
    evaluators = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label="Evaluators",
        help_text="The first is the headline. Time and cost are always noted.",
    )
    criteria = forms.ModelMultipleChoiceField(
        queryset=Criterion.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Judges from the guideline",
        help_text="Each grades by one line, with its rubric and its examples. They ask a model.",
    )
    judge = forms.ModelChoiceField(
        queryset=Endpoint.objects.none(),
        required=False,
        label="Model that judges",
        empty_label="None",
        help_text="Only judges need one. Take another model than the one that answers.",
    )
    sample_size = forms.IntegerField(
        required=False,
        min_value=1,
        label="Sample",
        help_text="Ask only so many questions, the same ones for the same seed. Empty asks all.",
    )
    sample_seed = forms.IntegerField(
        required=False, min_value=0, max_value=2_000_000_000, initial=0, label="Seed of the sample"
    )
    repeats = forms.IntegerField(
        min_value=1,
        max_value=MAX_REPEATS,
        initial=1,
        label="Repeats",
        help_text="Ask each question more than once to see how stable the answers are.",
    )
    parallel = forms.IntegerField(
        min_value=1, max_value=MAX_PARALLEL, initial=4, label="Questions at a time"
    )
    with_turns = forms.BooleanField(
        required=False,
        label="Ask whole conversations",
        help_text="Earlier questions are asked too and scored by turn, instead of taken as given.",
    )

    def __init__(self, assistant: Assistant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.assistant = assistant
        workspace_id = assistant.workspace_id
        self._choose("dataset_version").queryset = (
            DatasetVersion.objects.filter(workspace_id=workspace_id, number__gt=0)
            .select_related("dataset")
            .order_by("dataset__name", "-number")
        )
        releases = self._choose("releases")
        releases.queryset = assistant.releases.select_related("assistant").order_by("-number")
        releases.label_from_instance = self._name_release  # type: ignore[method-assign,assignment]
        self._choose("criteria").queryset = Criterion.objects.filter(assistant=assistant)
        self._choose("judge").queryset = Endpoint.objects.filter(
            workspace_id=workspace_id
        ).order_by("name")
        field = self.fields["evaluators"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list_evaluator_choices()
        self.initial.setdefault("evaluators", list(PRESETS[DEFAULT].available))

    def _choose(self, name: str) -> forms.ModelChoiceField[Any]:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        return field

    def _name_release(self, release: Release) -> str:
        now = ", answers now" if release.pk == self.assistant.current_id else ""
        note = f": {release.note}" if release.note else ""
        return f"Release {release.number}{now}{note}"

    def clean_evaluators(self) -> list[dict[str, Any]]:
        """The chosen evaluators, frozen with their settings, in the order of the page."""
        names = self.cleaned_data["evaluators"]
        settings = [self._settings_form(all_evaluators()[name]) for name in names]
        if errors := [text for form in settings for text in form.errors.values()]:
            raise ValidationError(errors)
        try:
            return freeze_evaluators(
                {"evaluator": name, "settings": form.values}
                for name, form in zip(names, settings, strict=True)
            )
        except OptionError as error:
            raise ValidationError(str(error)) from error

    def _settings_form(self, evaluator: Evaluator) -> OptionForm:
        """What was typed; on a new form, the team's own code or prompt as it was used last."""
        return OptionForm(
            evaluator.settings,
            prefix=f"set-{evaluator.name}",
            data=self.data if self.is_bound else None,
            values=None if self.is_bound else self._own_settings.get(evaluator.name),
            is_sparse=True,
        )

    def plan(self) -> Plan:
        """The plan that was filled in. Only for a valid form."""
        values = dict(self.cleaned_data)
        values["evaluators"] += freeze_evaluators(map(make_judge, values.pop("criteria")))
        values["releases"] = list(values["releases"])
        values["sample_seed"] = values["sample_seed"] or 0
        return Plan(**values)

    @cached_property
    def _own_settings(self) -> dict[str, dict[str, Any]]:
        return last_own_settings(self.assistant.workspace_id)

    def use_preset(self, name: str) -> None:
        """Tick what a preset names in a form that was sent, and leave everything else as typed.

        Raises KeyError for an unknown preset.
        """
        data = QueryDict(mutable=True)
        data.update(self.data)
        data.setlist("evaluators", list(PRESETS[name].available))
        self.data = data
        # It is not being submitted, so what is still missing is not pointed at.
        self._errors = ErrorDict()

    @cached_property
    def _boxes(self) -> list[dict[str, Any]]:
        """A tick box with its settings for each evaluator."""
        known = all_evaluators()
        return [
            {
                "option": option,
                "evaluator": (evaluator := known[str(option.data["value"])]),
                "name": name_evaluator(evaluator.name, evaluator.label),
                "settings": self._settings_form(evaluator),
                "is_ticked": bool(option.data["selected"]),
            }
            for option in self["evaluators"]
        ]

    def chosen_boxes(self) -> list[dict[str, Any]]:
        """Those that are ticked, for the page."""
        return [box for box in self._boxes if box["is_ticked"]]

    def more_groups(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """(component, its other tick boxes) for the page."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for box in self._boxes:
            if not box["is_ticked"]:
                group = COMPONENTS.get(box["evaluator"].group, "Answer")
                groups.setdefault(group, []).append(box)
        return list(groups.items())

    def presets(self) -> list[tuple[Preset, bool]]:
        """The presets, and which one is what is ticked now."""
        ticked = match_preset(box["evaluator"].name for box in self.chosen_boxes())
        return [(preset, preset.name == ticked) for preset in PRESETS.values() if preset.available]


def list_evaluator_choices() -> list[tuple[str, str]]:
    """(name, label) of every evaluator that can be chosen, those of the default preset first."""
    known = {n: evaluator for n, evaluator in all_evaluators().items() if n not in ALWAYS}
    first = [n for n in PRESETS[DEFAULT].available if n in known]
    names = first + [n for n in known if n not in first]
    return [(name, name_evaluator(name, known[name].label)) for name in names]
