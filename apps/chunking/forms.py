"""A strategy's parameters as a form: in the address of a preview, or posted for a profile."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.chunking.strategies import STRATEGIES, Parameter, ParameterError, Strategy


def strategy_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """(family, [(key, name)]) for a select."""
    families: dict[str, list[tuple[str, str]]] = {}
    for strategy in STRATEGIES.values():
        families.setdefault(strategy.family, []).append((strategy.key, strategy.name))
    return list(families.items())


class ParametersForm(forms.Form):
    """One field for each parameter of a strategy; valid values stand in `values`."""

    def __init__(self, data: Any = None, *, strategy: Strategy, prefix: str) -> None:
        self.strategy = strategy
        self.values = strategy.defaults()
        super().__init__(data, prefix=prefix)
        for parameter in strategy.parameters:
            self.fields[parameter.name] = _make_field(parameter)

    def clean(self) -> dict[str, Any]:
        params = {name: value for name, value in self.cleaned_data.items() if value is not None}
        if not self.errors:
            try:
                self.values = self.strategy.clean(params)
            except ParameterError as error:
                for name, text in error.errors.items():
                    self.add_error(name if name in self.fields else None, text)
        return self.cleaned_data


def _make_field(parameter: Parameter) -> forms.Field:
    common: dict[str, Any] = {
        "label": parameter.label,
        "help_text": parameter.help,
        "initial": parameter.default,
    }
    if parameter.kind == "switch":
        return forms.BooleanField(required=False, **common)
    if parameter.kind == "choice":
        return forms.ChoiceField(choices=parameter.choices, **common)
    if parameter.unit and parameter.unit not in parameter.label.lower():
        common["label"] = f"{parameter.label} ({parameter.unit})"
    kind = forms.IntegerField if parameter.kind == "integer" else forms.FloatField
    return kind(
        min_value=parameter.minimum,  # type: ignore[arg-type]
        max_value=parameter.maximum,  # type: ignore[arg-type]
        **common,
    )


class ProfileForm(forms.Form):
    """The name under which a setting is kept."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        required=False,
        help_text="Without one it is named after its values.",
    )
    splitter = forms.ChoiceField(
        choices=[(key, strategy.name) for key, strategy in STRATEGIES.items()],
        widget=forms.HiddenInput,
    )
