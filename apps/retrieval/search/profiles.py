"""How a question is searched, as a frozen set of plain values that goes to JSON and back. Pure.

A release keeps one, the retrieval lab compares two, and `pipeline.retrieve` obeys it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from apps.core.text import is_storable
from apps.retrieval.search.filters import FilterError, parse_filter
from apps.retrieval.search.sql import Fusion, Mode

Rerank = Literal["none", "late", "endpoint"]
Source = Literal["off", "rules", "model"]

MODES: tuple[Mode, ...] = get_args(Mode)
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)
RERANKS: tuple[Rerank, ...] = get_args(Rerank)
SOURCES: tuple[Source, ...] = get_args(Source)

MODE_LABELS = {"hybrid": "Words and meaning", "lexical": "Words only", "vector": "Meaning only"}
FUSION_LABELS = {"weighted": "Weighted scores", "rrf": "Reciprocal rank"}
RERANK_LABELS = {
    "none": "As found",
    "late": "Read again word by word (built in)",
    "endpoint": "Read again by a reranking model",
}
SOURCE_LABELS = {"off": "Off", "rules": "By rules", "model": "By the assistant's model"}

_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": MODES,
    "fusion": FUSIONS,
    "rerank": RERANKS,
    "rewrite": SOURCES,
    "expand": SOURCES,
    "decompose": SOURCES,
}
_RANGES: dict[str, tuple[float, float]] = {
    "limit": (1, 50),
    "candidates": (1, 50),
    "vector_weight": (0, 1),
    "rerank_depth": (1, 50),
    "diversity": (0, 1),
    "recency": (0, 1),
    "half_life_days": (0.01, 36_500),
    "neighbours": (0, 5),
}
_WHOLE = frozenset({"limit", "candidates", "rerank_depth", "neighbours"})
_SWITCHES = frozenset({"parents", "hyde"})
_TEXTS = {"rerank_endpoint": 64, "filters": 2_000}


class ProfileError(ValueError):
    """A value that a profile cannot have; `field` says which, and the message why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class RetrievalProfile:
    """What happens between a question and the passages that are read.

    Query side: `rewrite` turns a follow-up into a question that stands alone, `expand` adds words,
    `decompose` asks for the parts of a question one by one, each by rules, by the assistant's
    model, or not; `hyde` searches with an answer that the model imagines.

    Search: `mode`; in hybrid mode the two lists become one by `fusion`, where `vector_weight` is
    the share of the meaning (None: the question decides). `filters` narrows by metadata.

    Afterwards: the best `rerank_depth` of `candidates` are put in order by `rerank`;
    `rerank_endpoint` is the id of an endpoint for "endpoint". `recency` is the share of the score
    that decays by half every `half_life_days`. `diversity` trades relevance against repeating what
    stands higher (0: none). The first `limit` remain, joined with `neighbours` passages on either
    side, or with the parent that they were cut from.
    """

    mode: Mode = "hybrid"
    limit: int = 6
    candidates: int = 30
    fusion: Fusion = "weighted"
    vector_weight: float | None = None
    rerank: Rerank = "none"
    rerank_endpoint: str = ""
    rerank_depth: int = 20
    diversity: float = 0.0
    recency: float = 0.0
    half_life_days: float = 180.0
    filters: str = ""
    neighbours: int = 0
    parents: bool = True
    rewrite: Source = "rules"
    expand: Source = "off"
    decompose: Source = "off"
    hyde: bool = False

    @classmethod
    def parse(cls, values: Mapping[str, Any] | None) -> Self:
        """A profile from JSON; what is missing has its default. Raises ProfileError."""
        return cls().change(values or {})

    def change(self, values: Mapping[str, Any]) -> Self:
        """This profile with other values for some fields. Raises ProfileError."""
        known = {field.name for field in fields(self)}
        for name in values:
            if name not in known:
                raise ProfileError(name, f"A retrieval profile has no '{name}'.")
        changed = replace(self, **{name: _read(name, value) for name, value in values.items()})
        if changed.rerank == "endpoint" and not changed.rerank_endpoint:
            raise ProfileError("rerank_endpoint", "Choose the endpoint that reranks.")
        return changed

    def to_json(self) -> dict[str, Any]:
        """Every value, as `parse` takes them."""
        return asdict(self)

    @property
    def needs_model(self) -> bool:
        """Whether the query side asks the assistant's model before it searches."""
        return self.hyde or "model" in (self.rewrite, self.expand, self.decompose)

    def describe(self) -> list[str]:
        """What it does, in short sentences without a full stop."""
        return [*self._describe_query(), *self._describe_search(), *self._describe_result()]

    def differences(self, other: Self) -> list[tuple[str, Any, Any]]:
        """(field, here, there) of what differs, in the order of the fields."""
        return [
            (field.name, here, there)
            for field in fields(self)
            if (here := getattr(self, field.name)) != (there := getattr(other, field.name))
        ]

    def _describe_query(self) -> list[str]:
        by = {"rules": "by rules", "model": "by the model"}
        said = []
        if self.rewrite != "off":
            said.append(f"Follow-ups are completed {by[self.rewrite]}")
        if self.decompose != "off":
            said.append(f"Questions with several parts are taken apart {by[self.decompose]}")
        if self.expand != "off":
            said.append(f"Words are added {by[self.expand]}")
        if self.hyde:
            said.append("An imagined answer is searched for as well")
        return said

    def _describe_search(self) -> list[str]:
        said = [f"Search by {MODE_LABELS[self.mode].lower()}"]
        if self.mode == "hybrid" and self.fusion == "rrf":
            said.append("Both lists are joined by rank")
        elif self.mode == "hybrid" and self.vector_weight is None:
            said.append("The question decides how much words and meaning count")
        elif self.mode == "hybrid" and self.vector_weight is not None:
            said.append(f"Meaning counts {self.vector_weight:.0%}, words the rest")
        if self.filters:
            said.append(f"Only where {self.filters}")
        return said

    def _describe_result(self) -> list[str]:
        said = []
        if self.rerank == "late":
            said.append(f"The best {self.rerank_depth} are compared word by word")
        elif self.rerank == "endpoint":
            said.append(f"The best {self.rerank_depth} are put in order by a reranking model")
        if self.recency:
            days = f"{self.half_life_days:g} days"
            said.append(f"Recency counts {self.recency:.0%}, half as much after {days}")
        if self.diversity:
            said.append(f"Variety counts {self.diversity:.0%}")
        said.append(f"{self.limit} passage{'s' if self.limit != 1 else ''} to read")
        if self.neighbours:
            said.append(f"Each with {self.neighbours} before and after it")
        if self.parents:
            said.append("A small passage is read within the larger one it was cut from")
        return said


def _read(name: str, value: Any) -> Any:
    if name in _CHOICES:
        return _read_choice(name, value)
    if name in _RANGES:
        return _read_number(name, value)
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise ProfileError(name, f"'{name}' is true or false.")
        return value
    if not isinstance(value, str) or len(value) > _TEXTS[name] or not is_storable(value):
        raise ProfileError(name, f"'{name}' is a text of at most {_TEXTS[name]} characters.")
    if name == "filters":
        _check_filter(value)
    return value.strip()


def _check_filter(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        raise ProfileError("filters", str(error)) from error


def _read_choice(name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in _CHOICES[name]:
        raise ProfileError(name, f"'{name}' is one of {', '.join(_CHOICES[name])}.")
    return value


def _read_number(name: str, value: Any) -> float | int | None:
    if value is None and name == "vector_weight":
        return None
    low, high = _RANGES[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # A NaN is in no range.
    if not is_number or not low <= value <= high or (name in _WHOLE and value != int(value)):
        kind = "whole number" if name in _WHOLE else "number"
        raise ProfileError(name, f"'{name}' is a {kind} from {low:g} to {high:g}.")
    return int(value) if name in _WHOLE else float(value)


DEFAULT_PROFILE = RetrievalProfile()
