"""What a chunking strategy is: a name, typed parameters, and a function that cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from apps.chunking.splitters import Piece
from apps.chunking.tables import Tables, find_tables
from apps.chunking.units import CountTokens, PageText, join_pages
from apps.core.options import Option, OptionError, list_defaults, read_values

if TYPE_CHECKING:
    from inference.protocols import Vectors

Values = Mapping[str, Any]
"""A strategy's parameters, complete and within their limits."""

Embed = Callable[[Sequence[str]], "Vectors"]
"""Unit vectors of shape (number of texts, dimensions), in order."""


class EmbedderMissingError(Exception):
    """The strategy compares meanings, and the caller passed no `embed`."""


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

    @cached_property
    def tables(self) -> Tables:
        """The tables in the full text."""
        return find_tables([(page.start, page.blocks) for page in self.pages], self.text)


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
    parameters: tuple[Option, ...]
    cut: Cut
    check: Check = _nothing_wrong
    uses_embedder: bool = False

    def defaults(self) -> dict[str, Any]:
        """Every parameter at its default."""
        return list_defaults(self.parameters)

    def clean(self, values: Values) -> dict[str, Any]:
        """All parameters, those in `values` checked. Raises OptionError."""
        complete = read_values(self.parameters, values, owner=self.name, noun="parameter")
        for parameter in self.parameters:
            if parameter.kind == "number":
                # Profiles have always kept them as floats, however they were written.
                complete[parameter.name] = float(complete[parameter.name])
        if errors := self.check(complete):
            raise OptionError(errors)
        return complete


def overlap_check(size: str, overlap: str) -> Check:
    """The overlap must be less than half of the size, or chunks would hardly advance."""

    def check(values: Values) -> Mapping[str, str]:
        if values[overlap] * 2 >= values[size]:
            return {overlap: "The overlap must be less than half of the size."}
        return {}

    return check


__all__ = [
    "ChunkingSource", "Cut", "Embed", "EmbedderMissingError", "Strategy", "Values", "overlap_check",
]  # fmt: skip
