"""Is the answer in the form that was asked for? JSON, JSON Schema, a pattern, a length."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from apps.core.options import Option
from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    failed,
    not_applicable,
    passed,
)

PATTERN_SECONDS = 0.5
_FENCE = re.compile(r"^\s*```[\w-]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_ANSWER = frozenset({Need.ANSWER})


def strip_fence(text: str) -> str:
    """Return what is inside when the whole text is one fenced block."""
    match = _FENCE.match(text)
    return match.group(1) if match else text.strip()


def read_json(text: str) -> Any:
    """Parse an answer that is JSON, in a fence or not; raises ``ValueError``.

    Strict JSON: no comments, no NaN, nothing before or after.
    """
    return orjson.loads(strip_fence(text))


def check_schema(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return what is wrong, worst first, as "path: message"; raises ``SchemaError``.

    JSON Schema in the draft that ``$schema`` names, else 2020-12. References stay inside of the
    schema: nothing is fetched.
    """
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(schema)
    errors = kind(schema, registry=Registry()).iter_errors(value)
    ordered = sorted(errors, key=lambda error: (len(error.absolute_path), error.message))
    return [f"{error.json_path}: {error.message}"[:300] for error in ordered[:5]]


def matches(pattern: str, text: str, *, whole: bool = False) -> bool:
    """Whether the pattern occurs in the text, or is all of it.

    Raises ``ValueError`` for a bad pattern, ``TimeoutError`` for one that takes half a second.
    """
    import regex

    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"This is no regular expression: {error}") from error
    find = compiled.fullmatch if whole else compiled.search
    return find(text, timeout=PATTERN_SECONDS) is not None


def _is_json(observation: Observation, tools: Tools) -> Score:
    try:
        read_json(observation.verbatim)
    except ValueError as error:
        return passed(False, reason=f"Not JSON: {error}"[:300])
    return passed(True)


def _fits_schema(observation: Observation, tools: Tools) -> Score:
    schema = observation.extra.get("schema") or tools.settings["schema"]
    if not isinstance(schema, dict) or not schema:
        return not_applicable("No schema was given.")
    try:
        value = read_json(observation.verbatim)
    except ValueError as error:
        return passed(False, reason=f"Not JSON: {error}"[:300])
    errors = check_schema(value, schema)
    return passed(not errors, reason="; ".join(errors)[:600])


def _fits_pattern(observation: Observation, tools: Tools) -> Score:
    pattern = observation.extra.get("pattern") or tools.settings["pattern"]
    if not pattern:
        return not_applicable("No pattern was given.")
    try:
        whole = tools.settings["whole"]
        return passed(matches(str(pattern), observation.verbatim.strip(), whole=whole))
    except ValueError as error:
        return failed(str(error))
    except TimeoutError:
        return failed("The pattern takes too long on this answer.")


def _fits_length(observation: Observation, tools: Tools) -> Score:
    words = len(observation.verbatim.split())
    low, high = tools.settings["least"], tools.settings["most"]
    if low is None and high is None:
        return not_applicable("No limit was given.")
    ok = (low is None or words >= low) and (high is None or words <= high)
    return passed(ok, reason=f"{words} words", words=words)


EVALUATORS = (
    Evaluator(
        "json_valid", "Valid JSON", "The answer is JSON, alone or as one fenced block.",
        "format", _ANSWER, "RFC 8259", _is_json,
    ),
    Evaluator(
        "json_schema", "JSON Schema", "The answer is JSON and fits a schema.",
        "format", _ANSWER, "JSON Schema 2020-12", _fits_schema,
        settings=(Option("schema", "Schema, unless the example has its own", "json"),),
    ),
    Evaluator(
        "regex", "Pattern", "A regular expression matches the answer.",
        "format", _ANSWER, "Regular expression, Python's syntax", _fits_pattern,
        settings=(
            Option("pattern", "Pattern, unless the example has its own", "text", ""),
            Option("whole", "Must match all of the answer", "flag", False),
        ),
    ),
    Evaluator(
        "length", "Length", "The answer has neither too few nor too many words.",
        "format", _ANSWER, "Words between spaces", _fits_length,
        settings=(
            Option("least", "At least", "whole", minimum=1),
            Option("most", "At most", "whole", minimum=1),
        ),
    ),
)  # fmt: skip
