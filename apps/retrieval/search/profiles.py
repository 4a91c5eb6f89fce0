"""How a question is searched: a frozen set of plain values that converts to and from JSON. Pure.

A release stores one, the retrieval lab compares two, and `pipeline.retrieve` follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from apps.core.text import is_storable
from apps.retrieval.search.filters import FilterError, parse_filter
from apps.retrieval.search.query import Fusion, Mode

Rerank = Literal["none", "late", "endpoint"]
QueryTransform = Literal["off", "rules", "model"]

MODES: tuple[Mode, ...] = get_args(Mode)
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)
RERANKS: tuple[Rerank, ...] = get_args(Rerank)
QUERY_TRANSFORMS: tuple[QueryTransform, ...] = get_args(QueryTransform)

MODE_LABELS = {"hybrid": "Words and meaning", "lexical": "Words only", "vector": "Meaning only"}
FUSION_LABELS = {
    "weighted": "By their scores (weighted sum)",
    "rrf": "By their places (reciprocal rank fusion)",
}
RERANK_LABELS = {
    "none": "Keep the order of the search",
    "late": "Compare word by word, built in (late interaction)",
    "endpoint": "Read again by a reranking model (cross-encoder)",
}
QUERY_TRANSFORM_LABELS = {"off": "Off", "rules": "By rules", "model": "By a model"}

STEP_ENDPOINTS = {
    "rewrite_endpoint": ("rewrite", "model"),
    "expand_endpoint": ("expand", "model"),
    "decompose_endpoint": ("decompose", "model"),
    "hyde_endpoint": ("hyde", True),
    "rerank_endpoint": ("rerank", "endpoint"),
}
"""Fields that name an endpoint: which field has to have which value for it to be asked."""

CHOICES: dict[str, tuple[str, ...]] = {
    "mode": MODES,
    "fusion": FUSIONS,
    "rerank": RERANKS,
    "rewrite": QUERY_TRANSFORMS,
    "expand": QUERY_TRANSFORMS,
    "decompose": QUERY_TRANSFORMS,
}
RANGES: dict[str, tuple[float, float]] = {
    "limit": (1, 50),
    "candidates": (1, 50),
    "vector_weight": (0, 1),
    "rerank_depth": (1, 50),
    "diversity": (0, 1),
    "recency": (0, 1),
    "half_life_days": (0.01, 36_500),
    "neighbours": (0, 5),
}
WHOLE = frozenset({"limit", "candidates", "rerank_depth", "neighbours"})
SWITCHES = frozenset({"parents", "hyde"})
TEXTS = {"filters": 2_000} | dict.fromkeys(STEP_ENDPOINTS, 64)


class ProfileError(ValueError):
    """A value that a profile cannot have: `field` names it, and the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class RetrievalProfile:
    """What happens between a question and the chunks that are read.

    Query side: `rewrite` turns a follow-up into a question that stands alone, `expand` adds words,
    `decompose` asks for the parts of a question one by one, each by rules, by a model, or not;
    `hyde` searches with an answer that a model imagines. The model is the assistant's, or that of
    the endpoint whose id the step's `…_endpoint` has.

    Search: `mode`; in hybrid mode the two lists become one by `fusion`, where `vector_weight` is
    the share of the meaning (None: the question decides). `filters` narrows by metadata.

    Afterwards: the best `rerank_depth` of `candidates` are reordered by `rerank`;
    `rerank_endpoint` is the id of an endpoint for "endpoint". `recency` is the share of the score
    that decays by half every `half_life_days`. `diversity` trades relevance against repeating what
    ranks higher (0: none). The first `limit` remain, joined with `neighbours` chunks on either
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
    rewrite: QueryTransform = "rules"
    expand: QueryTransform = "off"
    decompose: QueryTransform = "off"
    hyde: bool = False
    rewrite_endpoint: str = ""
    expand_endpoint: str = ""
    decompose_endpoint: str = ""
    hyde_endpoint: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, Any] | None) -> Self:
        """A profile from JSON, with defaults for missing values. Raises ProfileError."""
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
    def num_candidates(self) -> int:
        """The passages that are looked at: never fewer than are read."""
        return max(self.candidates, self.limit)

    @property
    def needs_model(self) -> bool:
        """Whether the query side asks a model before it searches."""
        return self.hyde or "model" in (self.rewrite, self.expand, self.decompose)

    @property
    def modelled_steps(self) -> list[str]:
        """The fields of the steps that ask the assistant's own model."""
        return [
            step
            for name, (step, value) in STEP_ENDPOINTS.items()
            if getattr(self, step) == value and not getattr(self, name)
        ]

    @property
    def step_endpoints(self) -> dict[str, str]:
        """The ids of the endpoints that its steps ask, by the field that names them."""
        return {
            name: getattr(self, name)
            for name, (step, value) in STEP_ENDPOINTS.items()
            if getattr(self, step) == value and getattr(self, name)
        }

    def describe(self) -> list[str]:
        """What the profile does, in short sentences without full stops."""
        return [*self.describe_query(), *self.describe_search(), *self.describe_result()]

    def differences(self, other: Self) -> list[tuple[str, Any, Any]]:
        """(field, own value, other value) of what differs, in the order of the fields."""
        return [
            (field.name, here, there)
            for field in fields(self)
            if (here := getattr(self, field.name)) != (there := getattr(other, field.name))
        ]

    def describe_query(self) -> list[str]:
        """What happens to the question before it is searched for."""
        by = {"rules": "by rules", "model": "by a model"}
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

    def describe_search(self) -> list[str]:
        """How passages are found."""
        said = [f"Search by {MODE_LABELS[self.mode].lower()}"]
        if self.mode == "hybrid" and self.fusion == "rrf":
            said.append("Both lists are joined by rank")
        elif self.mode == "hybrid" and self.vector_weight is None:
            said.append("The question decides how much words and meaning count")
        elif self.mode == "hybrid" and self.vector_weight is not None:
            said.append(f"Meaning counts {self.vector_weight:.0%}, words the rest")
        if self.filters:
            said.append(f"Only where {self.filters}")
        if self.candidates < self.limit:
            said.append(f"{self.limit} are looked at, not {self.candidates}, as so many are read")
        return said

    def describe_result(self) -> list[str]:
        """What happens to the passages that were found."""
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
    if name in CHOICES:
        return _read_choice(name, value)
    if name in RANGES:
        return _read_number(name, value)
    if name in SWITCHES:
        if not isinstance(value, bool):
            raise ProfileError(name, f"'{name}' is true or false.")
        return value
    if not isinstance(value, str) or len(value) > TEXTS[name] or not is_storable(value):
        raise ProfileError(name, f"'{name}' is a text of at most {TEXTS[name]} characters.")
    if name == "filters":
        _check_filter(value)
    return value.strip()


def _check_filter(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        raise ProfileError("filters", str(error)) from error


def _read_choice(name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in CHOICES[name]:
        raise ProfileError(name, f"'{name}' is one of {', '.join(CHOICES[name])}.")
    return value


def _read_number(name: str, value: Any) -> float | int | None:
    if value is None and name == "vector_weight":
        return None
    low, high = RANGES[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # The comparison also rejects NaN.
    if not is_number or not low <= value <= high or (name in WHOLE and value != int(value)):
        kind = "whole number" if name in WHOLE else "number"
        raise ProfileError(name, f"'{name}' is a {kind} from {low:g} to {high:g}.")
    return int(value) if name in WHOLE else float(value)


DEFAULT_PROFILE = RetrievalProfile()
