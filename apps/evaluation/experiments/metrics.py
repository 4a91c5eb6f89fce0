"""What experiments measure: the chosen evaluators, frozen, plus time and cost, always recorded.

A metric's key is the evaluator's name, with the settings that differ from its own after `@`.
Pure.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from apps.core.formats import MISSING, format_milliseconds, format_money
from apps.core.options import Option, OptionError, list_defaults
from measures.evaluators.base import Need
from measures.evaluators.names import describe_evaluator, name_evaluator
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
"""The part of the pipeline that each group of evaluators measures."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something measured for every item of an experiment.

    `low` and `high` are the ends of its scale, None where it is open. A share from 0 to 1 is
    shown in percent. `column` names the item's column that holds the number, for metrics that no
    evaluator computes.
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
    def version_note(self) -> str:
        """`version 1; it is 2 now` for a metric whose evaluator was defined anew since; or empty.

        Its numbers cannot be compared with those of today's definition.
        """
        evaluator = all_evaluators().get(self.evaluator)
        if evaluator is None or evaluator.version == self.version:
            return ""
        return f"version {self.version}; it is {evaluator.version} now"

    @property
    def component(self) -> str:
        return COMPONENTS.get(self.group, "Answer")

    def show(self, value: float | None) -> str:
        """The number formatted with its unit: `71.2 %`, `85 ms`, `$0.0034`, `3.4`."""
        if value is None:
            return MISSING
        if self.is_share:
            return f"{value * 100:.1f} %"
        if self.unit == "ms":
            return format_milliseconds(value)
        if self.unit == "$":
            return format_money(value)
        return f"{value:.3g} {self.unit}".strip()

    def show_size(self, value: float) -> str:
        """The size of a difference: `3.1 points`, `85 ms`."""
        return f"{abs(value) * 100:.1f} points" if self.is_share else self.show(abs(value))

    def show_change(self, value: float | None) -> str:
        """A difference of candidate minus promoted, so that better reads as better.

        With a sign where more is better: `+3.1 points`. In words where less is: `85 ms faster`.
        """
        if value is None:
            return MISSING
        if not value:
            return f"±{self.show_size(value)}" if self.is_share else "±0"
        if self.higher_is_better:
            return f"{'+' if value > 0 else MINUS}{self.show_size(value)}"
        less, more = LESS_AND_MORE.get(self.unit, ("fewer", "more"))
        if not self.is_share and self.unit not in LESS_AND_MORE:
            less, more = "lower", "higher"
        return f"{self.show_size(value)} {less if value < 0 else more}"

    def show_changes(self, low: float, high: float) -> str:
        """The ends of a difference, the worse one first; one where both read the same."""
        ends = (low, high) if self.higher_is_better else (high, low)
        first, last = (self.show_change(end) for end in ends)
        if first == last:
            return last
        if self.higher_is_better:
            first = first.removesuffix(" points")
        return f"{first} to {last}"


MINUS = "\u2212"
LESS_AND_MORE = {"ms": ("faster", "slower"), "$": ("cheaper", "dearer")}
"""What a smaller and a larger number of a unit means where less is better."""
LATENCY, FIRST_TOKEN, COST = "latency", "first_token", "cost"
LONGEST_SETTINGS = 60
"""The longest settings text, in characters, that a key spells out."""
SHORTENED = re.compile(r".{40}#[0-9a-f]{12}", re.DOTALL)
"""What replaces longer settings: their beginning and a digest."""
OPERATIONAL = (
    Metric(LATENCY, "Time to the whole answer (latency)", "speed", unit="ms", high=None,
           higher_is_better=False, column="duration_ms",
           explanation="From the question to the last word."),
    Metric(FIRST_TOKEN, "Time to the first word (TTFT)", "speed", unit="ms", high=None,
           higher_is_better=False, column="first_token_ms",
           explanation="From the question to the first word of the answer."),
    Metric(COST, "Cost of an answer", "speed", unit="$", high=None,
           higher_is_better=False, column="cost",
           explanation="Tokens at the endpoint's prices."),
)  # fmt: skip


def freeze_evaluators(chosen: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Checked copies of {"evaluator", "settings"}, with everything that pages later show.

    Raises OptionError for an unknown or duplicate evaluator, or an invalid setting.
    """
    frozen: dict[str, dict[str, Any]] = {}
    known = all_evaluators()
    for choice in chosen:
        name, settings = str(choice.get("evaluator", "")), dict(choice.get("settings") or {})
        if name not in known:
            raise OptionError({"evaluators": f"There is no evaluator called {name!r}."})
        evaluator = known[name]
        filled = evaluator.fill(settings)
        defaults = list_defaults(evaluator.settings)
        special = {key: value for key, value in filled.items() if value != defaults[key]}
        key = _key(name, special)
        if key in frozen:
            raise OptionError({"evaluators": f"{evaluator.label} is chosen twice."})
        frozen[key] = asdict(
            Metric(
                key=key,
                label=_label(name, evaluator.label, special),
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
    """A short key that differs whenever the settings differ, however long they are."""
    if not special:
        return name
    text = ",".join(f"{key}={value}" for key, value in sorted(special.items()))
    if len(text) > LONGEST_SETTINGS:
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        text = f"{text[:40]}#{digest}"
    return f"{name}@{text}"


def parse_key(key: str) -> Metric:
    """The metric that a key names, as its evaluator is now: `context_recall@k=3`.

    Raises OptionError, which names what is wrong: an evaluator or a setting that does not exist,
    a value that cannot be read, or settings so long that the key holds only a digest of them.
    """
    name, at, text = key.partition("@")
    if name not in all_evaluators():
        raise OptionError({"metric": f"There is no evaluator called {name!r}."})
    evaluator = all_evaluators()[name]
    if SHORTENED.fullmatch(text):
        raise OptionError(
            {"metric": f"The settings of {key!r} are too long to be read from its name."}
        )
    known = {setting.name: setting for setting in evaluator.settings}
    settings: dict[str, Any] = {}
    for part in _split_settings(text, known) if at else []:
        field, equals, value = part.partition("=")
        if field not in known or not equals:
            raise OptionError({"metric": f"{evaluator.label} has no setting {field!r}."})
        if field in settings:
            raise OptionError({"metric": f"{evaluator.label}: {field} is set twice."})
        settings[field] = _read_value(known[field], value)
    [frozen] = freeze_evaluators([{"evaluator": name, "settings": settings}])
    return read_metrics([frozen])[0]


def _split_settings(text: str, known: Iterable[str]) -> list[str]:
    """Parts such as `k=3`; a comma inside a value, as in a pattern, does not split it."""
    names = "|".join(map(re.escape, known))
    return re.split(rf",(?=(?:{names})=)", text) if names else [text]


def _read_value(setting: Option, text: str) -> Any:
    """Read a value back from the Python notation that `_key` uses. Raises OptionError."""
    if setting.kind in ("text", "choice"):
        return text
    if setting.kind == "flag" and text in ("true", "false"):  # as JSON writes it
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        message = f"{setting.label} ({setting.name}): {text[:40]!r} cannot be read."
        raise OptionError({"metric": message}) from error


def _label(name: str, label: str, special: Mapping[str, Any]) -> str:
    """The business name with the field's term, and the settings, without very long texts.

    The team's own evaluators have the name that the team gave them.
    """
    if special.get("about"):
        return str(special["about"])[:80]
    short = {key: value for key, value in special.items() if len(str(value)) <= 40}
    details = ", ".join(f"{key} {value}" for key, value in sorted(short.items()))
    return " ".join(describe_evaluator(name, label, details))


def read_metrics(evaluators: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """The metrics of a frozen plan: its evaluators in order, then time and cost."""
    names = set(Metric.__dataclass_fields__)
    chosen = [_rename(Metric(**{k: v for k, v in one.items() if k in names})) for one in evaluators]
    taken = {metric.key for metric in chosen}
    return chosen + [metric for metric in OPERATIONAL if metric.key not in taken]


def _rename(metric: Metric) -> Metric:
    """A metric that was frozen under its evaluator's own label, by its business name."""
    evaluator = all_evaluators().get(metric.evaluator)
    if evaluator is None or metric.label != evaluator.label:
        return metric
    return replace(metric, label=name_evaluator(metric.evaluator, metric.label))


def evaluator_needs(metric: Metric) -> frozenset[Need]:
    """What the evaluator behind a metric reads; nothing for time and cost."""
    evaluator = all_evaluators().get(metric.evaluator)
    return evaluator.needs if evaluator else frozenset()


def has_version(evaluators: Sequence[Mapping[str, Any]], metric: Metric) -> bool:
    """Whether a frozen plan measures this metric as it is defined here, not in another version."""
    other = find_metric(evaluators, metric.key)
    return other is not None and other.version == metric.version


def find_metric(evaluators: Sequence[Mapping[str, Any]], key: str) -> Metric | None:
    """The metric of a frozen plan with this key."""
    return next((metric for metric in read_metrics(evaluators) if metric.key == key), None)
