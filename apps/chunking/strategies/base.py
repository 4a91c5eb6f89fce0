"""What a chunking strategy is: a name, typed parameters, and a function that cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from apps.chunking.splitters import Piece
from apps.chunking.units import CountTokens, PageText, join_pages

if TYPE_CHECKING:
    from inference.protocols import Vectors

Value = int | float | str | bool
Values = Mapping[str, Any]
"""A strategy's parameters, complete and within their limits."""

Kind = Literal["integer", "number", "choice", "switch"]
Embed = Callable[[Sequence[str]], "Vectors"]
"""Unit vectors of shape (number of texts, dimensions), in order."""


class ParameterError(ValueError):
    """Values that a strategy cannot work with. `errors` has a sentence for each parameter."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class EmbedderMissingError(Exception):
    """The strategy compares meanings, and the caller passed no `embed`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting, in the words that people see. `unit` is what an integer counts."""

    name: str
    label: str
    help: str
    kind: Kind
    default: Value
    minimum: int | float | None = None
    maximum: int | float | None = None
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    def clean(self, value: object) -> Value:
        """The value in its type. Raises ValueError with a sentence that says what is wrong."""
        if self.kind == "switch":
            return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "on")
        if self.kind == "choice":
            if value not in [key for key, _ in self.choices]:
                raise ValueError(f"{self.label}: choose one of the offered values.")
            return str(value)
        return self._clean_number(value)

    def _clean_number(self, value: object) -> int | float:
        try:
            number = float(str(value))
            whole = int(number)
        except (ValueError, OverflowError):
            raise ValueError(f"{self.label}: this is not a number.") from None
        if self.kind == "integer" and whole != number:
            raise ValueError(f"{self.label}: give a whole number.")
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            raise ValueError(f"{self.label}: give a number from {low} to {high}.")
        return whole if self.kind == "integer" else number


@dataclass(frozen=True)
class ChunkingSource:
    """A document to be cut.

    `room` is how many tokens of heading path and text the embedding model reads. `embed` is
    needed by strategies that compare meanings.
    """

    pages: Sequence[PageText]
    count_tokens: CountTokens
    room: int
    embed: Embed | None = None

    @cached_property
    def text(self) -> str:
        """The full text: the pages with a blank line between them."""
        return join_pages([page.text for page in self.pages])


Cut = Callable[[ChunkingSource, Values], list[Piece]]
Check = Callable[[Values], Mapping[str, str]]


def _nothing_wrong(_: Values) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to cut. `key` is stored in profiles and never changes; `check` looks at all values."""

    key: str
    name: str
    family: str
    summary: str
    parameters: tuple[Parameter, ...]
    cut: Cut
    check: Check = _nothing_wrong
    uses_embedder: bool = False

    def defaults(self) -> dict[str, Value]:
        """Every parameter at its default."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def clean(self, params: Values) -> dict[str, Value]:
        """All parameters, with those in `params` checked. Raises ParameterError."""
        errors: dict[str, str] = {}
        unknown = sorted(set(params) - {parameter.name for parameter in self.parameters})
        if unknown:
            errors[unknown[0]] = f"{self.name} has no parameter {unknown[0]}."
        values = self.defaults()
        for parameter in self.parameters:
            try:
                values[parameter.name] = parameter.clean(
                    params.get(parameter.name, parameter.default)
                )
            except ValueError as error:
                errors[parameter.name] = str(error)
        if not errors:
            errors.update(self.check(values))
        if errors:
            raise ParameterError(errors)
        return values


def overlap_check(size: str, overlap: str) -> Check:
    """The overlap must be less than half of the size, or chunks would hardly advance."""

    def check(values: Values) -> Mapping[str, str]:
        if values[overlap] * 2 >= values[size]:
            return {overlap: "The overlap must be less than half of the size."}
        return {}

    return check


__all__ = [
    "ChunkingSource",
    "Cut",
    "Embed",
    "EmbedderMissingError",
    "Parameter",
    "ParameterError",
    "Strategy",
    "Value",
    "Values",
    "overlap_check",
]  # fmt: skip
