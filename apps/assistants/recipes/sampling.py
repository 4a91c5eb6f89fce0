"""Sampling as releases store it: only what is set, as plain JSON values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from apps.core.text import is_storable
from inference.types import Sampling

RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "max_tokens": (16, 32_000),
    "top_p": (0.01, 1),
    "top_k": (1, 1_000),
    "min_p": (0, 1),
    "seed": (0, 2**53 - 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "repetition_penalty": (0.1, 2),
}
"""Whole numbers up to 2^53 are the same in every program that reads JSON."""
WHOLE = frozenset({"max_tokens", "top_k", "seed"})
NAMES = (*RANGES, "stop")
MAX_STOPS = 4
MAX_STOP_LENGTH = 200
DEFAULT = {"temperature": 0.2, "max_tokens": 1024}
"""What an assistant begins with."""
QUERIES = Sampling(temperature=0, max_tokens=1024)
"""What the helpers of the search are asked with, whatever the answer is: texts of a line or two,
as steady as can be, with room for a model that reasons first."""


class SamplingError(ValueError):
    """A value that a sampling cannot have: `field` names it, and the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def change_sampling(own: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The stored values `own` with others; None leaves one to the server. Raises SamplingError."""
    changed = dict(own)
    for name, value in values.items():
        if name not in NAMES:
            raise SamplingError(name, f"A sampling has no '{name}'.")
        cleaned = _read_stops(value) if name == "stop" else _read_number(name, value)
        if cleaned is None or cleaned == []:
            changed.pop(name, None)
        else:
            changed[name] = cleaned
    return changed


def parse_sampling(values: Mapping[str, Any]) -> Sampling:
    """What the client takes, of a release's stored values."""
    known = {name: values.get(name) for name in RANGES}
    return Sampling(**known, stop=tuple(values.get("stop") or ()))


def sampling_to_json(sampling: Sampling) -> dict[str, Any]:
    """The stored values of a sampling."""
    values = {name: value for name, value in asdict(sampling).items() if name in NAMES}
    return change_sampling({}, values | {"stop": list(sampling.stop)})


def describe_sampling(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting by name, with None (for `stop`, no texts) where the server decides."""
    return {name: values.get(name) for name in RANGES} | {"stop": list(values.get("stop") or ())}


def _read_number(name: str, value: Any) -> float | int | None:
    if value is None:
        return None
    low, high = RANGES[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # The comparison also rejects NaN.
    if not is_number or not low <= value <= high or (name in WHOLE and value != int(value)):
        kind = "whole number" if name in WHOLE else "number"
        raise SamplingError(name, f"'{name}' is a {kind} from {low:.16g} to {high:.16g}.")
    return int(value) if name in WHOLE else float(value)


def _read_stops(value: Any) -> list[str] | None:
    if value is None:
        return None
    is_list = isinstance(value, list | tuple) and len(value) <= MAX_STOPS
    if not is_list or not all(_is_stop(text) for text in value):
        raise SamplingError(
            "stop", f"'stop' is a list of up to {MAX_STOPS} texts of at most {MAX_STOP_LENGTH} "
            "characters.",
        )  # fmt: skip
    return list(value)


def _is_stop(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= MAX_STOP_LENGTH and is_storable(text)
