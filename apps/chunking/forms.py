"""A strategy's parameters as a form: in the address of a preview, or posted for a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.chunking.strategies import STRATEGIES, Strategy
from apps.core.options import OptionError, OptionForm


def strategy_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """(family, [(key, name)]) for a select."""
    families: dict[str, list[tuple[str, str]]] = {}
    for strategy in STRATEGIES.values():
        families.setdefault(strategy.family, []).append((strategy.key, strategy.name))
    return list(families.items())


class ParametersForm(OptionForm):
    """One field for each parameter of a strategy; valid values stand in `values`, complete."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        strategy: Strategy,
        prefix: str,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(strategy.parameters, prefix=prefix, data=data, values=values)
        self.strategy = strategy
        if not self.errors:
            try:
                self.values = strategy.clean(self.values)
            except OptionError as error:
                self.errors = error.errors


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
