"""Typed options: what can be set about a strategy, an evaluator or anything else that people tune.

An option is declared once. The same declaration reads what somebody typed into a page, checks what
came as JSON, and draws the field (`templates/components/option.html`). Pure: everything may import
this, so it imports nothing of ours and no Django.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

OptionKind = Literal["whole", "number", "flag", "text", "choice", "json", "pattern"]

_BOUNDED: frozenset[OptionKind] = frozenset({"whole", "number", "text", "pattern"})
_FLAGS = {
    **dict.fromkeys(("true", "1", "on", "yes"), True),
    **dict.fromkeys(("false", "0", "off", "no"), False),
}
_QUOTED_CHARS = 40


class OptionError(ValueError):
    """Values that cannot be. `errors` has a sentence for each field; `field` is the first."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)

    @property
    def field(self) -> str:
        return next(iter(self.errors))


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be set, in the words that people see.

    `minimum` and `maximum` bound a number, or how many characters a text or a pattern has. `unit`
    is what a number counts. `choices` are (value, label). An option whose `default` is None may be
    left unset. Raises ValueError for a declaration that contradicts itself.
    """

    name: str
    label: str
    kind: OptionKind
    default: Any = None
    help: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to a choice, and only to one")
        if self.kind not in _BOUNDED and (self.minimum, self.maximum) != (None, None):
            raise ValueError(f"{self.name}: a {self.kind} has no bounds")
        self.read(self.default)

    @property
    def title(self) -> str:
        """The label with its unit, unless the label names it already."""
        if not self.unit or self.unit in self.label.lower():
            return self.label
        return f"{self.label} ({self.unit})"

    @property
    def is_numeric(self) -> bool:
        return self.kind in ("whole", "number")

    def parse(self, text: str) -> Any:
        """The value of what somebody typed. Raises OptionError.

        >>> Option("k", "Passages", "whole", 5, minimum=1).parse(" 7 ")
        7
        """
        text = text.strip()
        if not text and self.default is None:
            return None
        if self.kind == "json":
            try:
                return self.read(json.loads(text))
            except json.JSONDecodeError:
                raise self._error(f"must be JSON, not {text[:_QUOTED_CHARS]!r}") from None
        return self.read(text)

    def read(self, value: Any) -> Any:
        """The value as it is kept, from JSON. Raises OptionError.

        Programs that fill a table send numbers and flags as text, so text that reads as one is
        taken for it. A number stays whole or broken as it came.
        """
        if value is None and self.default is None:
            return None
        if self.is_numeric:
            return self._check_bounds(self._read_number(value))
        if self.kind == "flag":
            return self._read_flag(value)
        if self.kind == "json":
            if not isinstance(value, dict | list):
                raise self._error("must be a JSON object or a list")
            return value
        if not isinstance(value, str):
            raise self._error("must be a text")
        if self.kind == "choice":
            return self._read_choice(value)
        if self.kind == "pattern":
            self._check_pattern(value)
        self._check_bounds(len(value), unit=" characters")
        return value

    def show(self, value: Any) -> str:
        """The text of a field that holds this value; `parse` reads it back."""
        if value is None:
            return ""
        if self.kind == "flag":
            return "true" if value else "false"
        return json.dumps(value, ensure_ascii=False) if self.kind == "json" else str(value)

    def describe(self, value: Any) -> str:
        """The value as a sentence would have it: a choice by its label, a flag as yes or no."""
        if self.kind == "flag":
            return "yes" if value else "no"
        return dict(self.choices).get(value, self.show(value))

    def _read_number(self, value: Any) -> int | float:
        wish = "must be a whole number" if self.kind == "whole" else "must be a number"
        if isinstance(value, str):
            value = self._parse_number(value, wish)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(wish)
        if isinstance(value, float):
            if not math.isfinite(value) or (self.kind == "whole" and not value.is_integer()):
                raise self._error(wish)
            return int(value) if self.kind == "whole" else value
        return value

    def _parse_number(self, text: str, wish: str) -> int | float:
        text = text.strip()
        if self.kind == "whole":
            try:
                return int(text)
            except ValueError:
                pass
        try:
            return float(text.replace(",", "."))
        except ValueError:
            wrong = f", not {text[:_QUOTED_CHARS]!r}" if text else ""
            raise self._error(wish + wrong) from None

    def _read_flag(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        known = _FLAGS.get(str(value).strip().lower())
        if known is None:
            raise self._error("must be yes or no")
        return known

    def _read_choice(self, value: str) -> str:
        values = [key for key, _ in self.choices]
        if value not in values:
            raise self._error(f"must be one of {', '.join(values)}")
        return value

    def _check_pattern(self, value: str) -> None:
        import regex

        try:
            regex.compile(value)
        except regex.error as error:
            raise self._error(f"must be a regular expression: {error}") from None

    def _check_bounds(self, number: int | float, *, unit: str = "") -> int | float:
        low, high = self.minimum, self.maximum
        if (low is None or number >= low) and (high is None or number <= high):
            return number
        limits = f"from {low} to {high}"
        if low is None or high is None:
            limits = f"at least {low}" if low is not None else f"at most {high}"
        raise self._error(f"must {'be' if self.is_numeric else 'have'} {limits}{unit}")

    def _error(self, wish: str) -> OptionError:
        return OptionError({self.name: f"{self.label} {wish}."})


def list_defaults(options: Iterable[Option]) -> dict[str, Any]:
    """Every option at its default."""
    return {option.name: option.default for option in options}


def read_values(
    options: Sequence[Option], values: Mapping[str, Any], *, owner: str, noun: str = "option"
) -> dict[str, Any]:
    """All options by name, those in `values` checked and the others at their default.

    Raises OptionError with a sentence for each that is wrong or unknown; `owner` and `noun` say in
    it what has no such option.
    """
    known = {option.name for option in options}
    errors = {
        name: f"{owner} has no {noun} {name}." for name in sorted(values) if name not in known
    }
    filled = list_defaults(options)
    for option in options:
        if option.name not in values:
            continue
        try:
            filled[option.name] = option.read(values[option.name])
        except OptionError as error:
            errors.update(error.errors)
    if errors:
        raise OptionError(errors)
    return filled


@dataclass(frozen=True, slots=True)
class OptionField:
    """An option on a page: its control's name, what stands in it, and what is wrong with that.

    Where `is_sparse`, an empty control stands for the default and shows it as a placeholder.
    """

    option: Option
    name: str
    text: str
    error: str = ""
    is_sparse: bool = False

    @property
    def id(self) -> str:
        return f"id_{self.name}"

    @property
    def is_on(self) -> bool:
        return self.text == "true"

    @property
    def is_required(self) -> bool:
        return not self.is_sparse and self.option.default is not None

    @property
    def placeholder(self) -> str:
        if not self.is_sparse:
            return ""
        if self.option.default is None and self.option.is_numeric:
            return "none"
        return self.option.show(self.option.default)

    @property
    def default_label(self) -> str:
        return self.option.describe(self.option.default)

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """(value, label) of a list; where empty stands for the default, without the default."""
        flags = (("true", "yes"), ("false", "no"))
        choices = flags if self.option.kind == "flag" else self.option.choices
        if not self.is_sparse:
            return choices
        default = self.option.show(self.option.default)
        return tuple(choice for choice in choices if choice[0] != default)

    @property
    def described_by(self) -> str:
        """The ids of the hint and the error, for screen readers."""
        ids = [f"{self.id}_helptext"] if self.option.help else []
        return " ".join([*ids, f"{self.id}_error"] if self.error else ids)


class OptionForm:
    """A list of options as fields, with what was typed into them read and checked.

    `data` maps "PREFIX-NAME" to text, as a query or a posted form does; without it the fields show
    `values` and the rest at its default. A full form needs every field, and there a box that is not
    ticked is a no. In a sparse one an empty field is left out of `values`: it stands for the
    default. `errors` has a sentence for each field that cannot be read.
    """

    def __init__(
        self,
        options: Sequence[Option],
        *,
        prefix: str,
        data: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        is_sparse: bool = False,
    ) -> None:
        self.options = options
        self.prefix = prefix
        self.is_sparse = is_sparse
        self.values: dict[str, Any] = dict(values or {})
        self.errors: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        if data is None:
            self._fill()
        else:
            self._read(data)

    def is_valid(self) -> bool:
        return not self.errors

    def fields(self) -> list[OptionField]:
        """The fields in the order of the options, for `components/option.html`."""
        return [
            OptionField(
                option,
                name=f"{self.prefix}-{option.name}",
                text=self._texts[option.name],
                error=self.errors.get(option.name, ""),
                is_sparse=self.is_sparse,
            )
            for option in self.options
        ]

    def _fill(self) -> None:
        if not self.is_sparse:
            self.values = list_defaults(self.options) | self.values
        for option in self.options:
            value = self.values.get(option.name, option.default)
            is_blank = self.is_sparse and value == option.default
            self._texts[option.name] = "" if is_blank else option.show(value)

    def _read(self, data: Mapping[str, Any]) -> None:
        self.values = {}
        for option in self.options:
            text = str(data.get(f"{self.prefix}-{option.name}", "")).strip()
            if not text and not self.is_sparse and option.kind == "flag":
                text = "false"
            self._texts[option.name] = text
            if not text and self.is_sparse:
                continue
            try:
                value = option.parse(text)
            except OptionError as error:
                self.errors.update(error.errors)
                continue
            self.values[option.name] = value
            if option.kind == "flag":
                self._texts[option.name] = option.show(value)


__all__ = [
    "Option",
    "OptionError",
    "OptionField",
    "OptionForm",
    "OptionKind",
    "list_defaults",
    "read_values",
]  # fmt: skip
