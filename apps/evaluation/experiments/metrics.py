"""What experiments measure: the chosen evaluators, frozen, and what is always noted beside them.

A metric's key is the evaluator's name, with the settings that differ from its own after `@`.
Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.core.formats import MISSING, format_milliseconds, format_money
from apps.core.options import OptionError, list_defaults
from measures.evaluators.base import Need
from measures.evaluators.registry import all_evaluators

COMPONENTS = {
    "retrieval": "Retrieval",
    "answer": "Answer",
    "grounding": "Answer",
    "format": "Answer",
    "safety": "Answer",
    "judge": "Answer",
    "custom": "Answer",
    "speed": "Speed and cost",
}
"""Which part of the pipeline an evaluator's group is about."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that every item of an experiment has a number for.

    `low` and `high` are the ends of its scale, None where it is open. A share from 0 to 1 is
    shown in percent. `column` names the column of an item that holds the number, where it is no
    evaluator's.
    """

    key: str
    label: str
    group: str
    evaluator: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    unit: str = ""
    low: float | None = 0.0
    high: float | None = 1.0
    higher_is_better: bool = True
    explanation: str = ""
    is_judge: bool = False
    column: str = ""

    @property
    def is_share(self) -> bool:
        return self.low == 0 and self.high == 1 and not self.unit

    @property
    def component(self) -> str:
        return COMPONENTS.get(self.group, "Answer")

    def show(self, value: float | None) -> str:
        """The number with its unit: `71.2 %`, `85 ms`, `$0.0034`, `3.4`."""
        if value is None:
            return MISSING
        if self.is_share:
            return f"{value * 100:.1f} %"
        if self.unit == "ms":
            return format_milliseconds(value)
        if self.unit == "$":
            return format_money(value)
        return f"{value:.3g} {self.unit}".strip()

    def show_change(self, value: float | None) -> str:
        """A difference with its sign: `+3.1 points`, and with a true minus `-85 ms`."""
        if value is None:
            return MISSING
        sign = "+" if value > 0 else "\u2212" if value < 0 else "±"
        if self.is_share:
            return f"{sign}{abs(value) * 100:.1f} points"
        return sign + (self.show(abs(value)) if value else "0")


LATENCY, FIRST_TOKEN, COST, DECLINED = "latency", "first_token", "cost", "declined"
OPERATIONAL = (
    Metric(LATENCY, "Time to the whole answer", "speed", unit="ms", high=None,
           higher_is_better=False, column="duration_ms",
           explanation="From the question to the last word."),
    Metric(FIRST_TOKEN, "Time to the first word", "speed", unit="ms", high=None,
           higher_is_better=False, column="first_token_ms",
           explanation="From the question to the first word of the answer."),
    Metric(COST, "Cost of an answer", "speed", unit="$", high=None,
           higher_is_better=False, column="cost",
           explanation="Tokens at the endpoint's prices."),
)  # fmt: skip


def freeze_evaluators(chosen: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Checked copies of {"evaluator", "settings"}, with all that pages need to show them later.

    Raises OptionError for an evaluator that is not known, is chosen twice, or cannot be set so.
    """
    frozen: dict[str, dict[str, Any]] = {}
    known = all_evaluators()
    for choice in chosen:
        name, given = str(choice.get("evaluator", "")), dict(choice.get("settings") or {})
        if name not in known:
            raise OptionError({"evaluators": f"There is no evaluator called {name!r}."})
        evaluator = known[name]
        filled = evaluator.fill(given)
        defaults = list_defaults(evaluator.settings)
        special = {key: value for key, value in filled.items() if value != defaults[key]}
        key = _key(name, special)
        if key in frozen:
            raise OptionError({"evaluators": f"{evaluator.label} is chosen twice."})
        frozen[key] = asdict(
            Metric(
                key=key,
                label=_label(evaluator.label, special),
                group=evaluator.group,
                evaluator=name,
                settings=filled,
                version=evaluator.version,
                unit=evaluator.unit,
                low=evaluator.low,
                high=evaluator.high,
                higher_is_better=evaluator.higher_is_better,
                explanation=evaluator.explanation,
                is_judge=evaluator.judge is not None,
            )
        )
    return list(frozen.values())


def _key(name: str, special: Mapping[str, Any]) -> str:
    """Short, and another for other settings, however long they are."""
    if not special:
        return name
    text = ",".join(f"{key}={value}" for key, value in sorted(special.items()))
    if len(text) > 60:
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        text = f"{text[:40]}#{digest}"
    return f"{name}@{text}"


def _label(label: str, special: Mapping[str, Any]) -> str:
    """What a team calls its own evaluator; else the settings, but for texts that fill pages."""
    if special.get("about"):
        return str(special["about"])[:80]
    short = {key: value for key, value in special.items() if len(str(value)) <= 40}
    if not short:
        return label
    return f"{label} ({', '.join(f'{key} {value}' for key, value in sorted(short.items()))})"


def read_metrics(evaluators: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """The metrics of a frozen plan: its evaluators in order, then what is always noted."""
    names = set(Metric.__dataclass_fields__)
    chosen = [Metric(**{k: v for k, v in one.items() if k in names}) for one in evaluators]
    taken = {metric.key for metric in chosen}
    return chosen + [metric for metric in OPERATIONAL if metric.key not in taken]


def evaluator_needs(metric: Metric) -> frozenset[Need]:
    """What the evaluator behind a metric reads; nothing for what is always noted."""
    found = all_evaluators().get(metric.evaluator)
    return found.needs if found else frozenset()


def find_metric(evaluators: Sequence[Mapping[str, Any]], key: str) -> Metric | None:
    """The metric of a frozen plan with this key."""
    return next((metric for metric in read_metrics(evaluators) if metric.key == key), None)
