"""The content of an example, validated and limited in size. Pure: no tables, no requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.core.text import storable, storable_json, use_plain_line_ends
from apps.datasets.models import MAX_NAME, MAX_TAG, Example

MAX_QUESTION = 4_000
MAX_ANSWER = 20_000
MAX_CONTEXT = 40_000
MAX_PASSAGE = 20_000
MAX_PASSAGES = 50
MAX_OTHERS = 20
MAX_TAGS = 20
MAX_TURNS = 40
MAX_CHECKS = 40_000
CHECKS: dict[str, type] = {
    "choices": list, "instructions": list, "tests": str, "setup": str, "schema": dict,
    "pattern": str, "other_answer": str,
}  # fmt: skip
"""What evaluators can take from an example: multiple-choice options, IFEval instructions, Python
tests, SQL tables, a JSON Schema, a pattern, another answer to compare with."""
AUTHOR = {"release_id": 36, "release": 9, "assistant": MAX_NAME, "model": 200}
"""What is kept of the release or model that wrote an expected answer, and how long each may be."""
UNKNOWN = -1
"""An offset that is not known."""

_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_KINDS: dict[type, str] = {list: "a list", str: "text", dict: "an object"}


class ExampleError(ValueError):
    """What is wrong with an example, as a sentence for people. `field` is the field at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class ExpectedPassage:
    """The passage with the answer. Offsets count characters of the full text, -1 if unknown."""

    text: str = ""
    document_id: str = ""
    document_name: str = ""
    start: int = UNKNOWN
    end: int = UNKNOWN

    def to_json(self) -> dict[str, Any]:
        return {
            "document_id": self.document_id,
            "document_name": self.document_name,
            "start": self.start,
            "end": self.end,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class ExampleFields:
    """The part of an example that people write."""

    question: str
    expected_answer: str = ""
    other_answers: tuple[str, ...] = ()
    expected_passages: tuple[ExpectedPassage, ...] = ()
    is_answerable: bool = True
    context: str = ""
    history: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    language: str = ""
    checks: Mapping[str, Any] = field(default_factory=dict)
    answered_by: Mapping[str, Any] = field(default_factory=dict)


def clean_text(value: object, *, field: str, limit: int, required: bool = False) -> str:
    """The text without NUL and surrounding space. Raises ExampleError if missing or too long."""
    if not isinstance(value, str):
        raise ExampleError(field, f"The {_words(field)} must be text.")
    text = use_plain_line_ends(storable(value)).strip()
    if required and not text:
        raise ExampleError(field, f"The {_words(field)} is missing.")
    if len(text) > limit:
        raise ExampleError(
            field, f"The {_words(field)} has {len(text):,} characters; at most {limit:,} are kept."
        )
    return text


def clean_tags(values: Iterable[object]) -> tuple[str, ...]:
    """Lower case, single spaces, each once, in order. Raises ExampleError."""
    tags: dict[str, None] = {}
    for value in values:
        if not isinstance(value, str | int | float):
            raise ExampleError("tags", "Tags must be words.")
        tag = " ".join(storable(str(value)).replace(",", " ").lower().split())
        if len(tag) > MAX_TAG:
            raise ExampleError("tags", f"A tag has at most {MAX_TAG} characters.")
        if tag:
            tags[tag] = None
    if len(tags) > MAX_TAGS:
        raise ExampleError("tags", f"An example has at most {MAX_TAGS} tags.")
    return tuple(tags)


def split_passages(text: str) -> list[str]:
    """Passages as people type them: with blank lines between."""
    return [part.strip() for part in _BLANK_LINES.split(use_plain_line_ends(text)) if part.strip()]


def split_tags(text: str) -> tuple[str, ...]:
    """Tags as people type them: with commas or semicolons between. Raises ExampleError."""
    return clean_tags(text.replace(";", ",").split(","))


def clean_passage(value: object) -> ExpectedPassage:
    """A passage given as text or as an object. Raises ExampleError."""
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, Mapping):
        raise ExampleError("expected_passages", "A passage must be text or an object.")
    start, end = _offset(value.get("start")), _offset(value.get("end"))
    if (start == UNKNOWN) != (end == UNKNOWN) or end < start:
        raise ExampleError("expected_passages", "A passage ends before it starts.")
    passage = ExpectedPassage(
        text=clean_text(value.get("text") or "", field="expected_passages", limit=MAX_PASSAGE),
        document_id=_short(value.get("document_id"), 36),
        document_name=_short(value.get("document_name"), 400),
        start=start,
        end=end,
    )
    if not passage.text and not (passage.document_id or passage.document_name):
        raise ExampleError("expected_passages", "A passage needs its text or its document.")
    return passage


def clean_fields(values: Mapping[str, Any]) -> ExampleFields:
    """An example from plain values (a form, JSON, a row of a file). Raises ExampleError."""
    return ExampleFields(
        question=clean_text(
            values.get("question") or "", field="question", limit=MAX_QUESTION, required=True
        ),
        expected_answer=clean_text(
            values.get("expected_answer") or "", field="expected_answer", limit=MAX_ANSWER
        ),
        other_answers=tuple(
            clean_text(item, field="other_answers", limit=MAX_ANSWER, required=True)
            for item in _items(values, "other_answers", MAX_OTHERS)
        ),
        expected_passages=tuple(
            clean_passage(item) for item in _items(values, "expected_passages", MAX_PASSAGES)
        ),
        is_answerable=_boolean(values.get("is_answerable", True)),
        context=clean_text(values.get("context") or "", field="context", limit=MAX_CONTEXT),
        history=tuple(_turn(item) for item in _items(values, "history", MAX_TURNS)),
        tags=clean_tags(_items(values, "tags", MAX_TAGS * 5)),
        language=_short(values.get("language"), 8).lower(),
        checks=clean_checks(values.get("checks") or {}),
        answered_by=clean_author(values.get("answered_by") or {}),
    )


def plain_values(example: Example) -> dict[str, Any]:
    """An existing example as the plain values that `clean_fields` takes."""
    return {
        "question": example.question,
        "expected_answer": example.expected_answer,
        "other_answers": list(example.other_answers),
        "expected_passages": list(example.expected_passages),
        "is_answerable": example.is_answerable,
        "context": example.context,
        "history": list(example.history),
        "tags": list(example.tags),
        "language": example.language,
        "checks": dict(example.checks),
        "answered_by": dict(example.answered_by),
    }


def clean_author(value: object) -> dict[str, Any]:
    """Who wrote the expected answer, if no person did. Raises ExampleError."""
    if not isinstance(value, Mapping):
        raise ExampleError("answered_by", "Who answered must be an object.")
    if unknown := sorted(str(name) for name in value if name not in AUTHOR):
        known = ", ".join(AUTHOR)
        raise ExampleError("answered_by", f"{unknown[0]:.40} is not one of {known}.")
    texts = {name: _short(value.get(name), limit) for name, limit in AUTHOR.items()}
    author: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if "release" in author:
        if not (author["release"].isdecimal() and int(author["release"])):
            raise ExampleError("answered_by", "A release is a number, from 1.")
        author["release"] = int(author["release"])
    if "release_id" in author:
        try:
            author["release_id"] = str(UUID(author["release_id"]))
        except ValueError:
            raise ExampleError("answered_by", "The release_id is no id of a release.") from None
    return author


def clean_checks(value: object) -> dict[str, Any]:
    """Validate the values for specific evaluators, named as in ``CHECKS``. Raises ExampleError."""
    if not isinstance(value, Mapping):
        raise ExampleError("checks", 'The checks must be an object, such as {"choices": [...]}.')
    for name, item in value.items():
        if name not in CHECKS:
            known = ", ".join(CHECKS)
            raise ExampleError("checks", f"There is no check called {name!s:.40}; only {known}.")
        if not isinstance(item, CHECKS[name]):
            kind = _KINDS[CHECKS[name]]
            raise ExampleError("checks", f"In the checks, {name} must be {kind}.")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ExampleError("checks", "The checks hold what cannot be kept.") from error
    if len(text) > MAX_CHECKS or storable_json(value) != value:
        raise ExampleError("checks", "The checks are too long, or hold what cannot be kept.")
    return dict(value)


def _turn(value: object) -> tuple[str, str]:
    if not isinstance(value, Mapping):
        raise ExampleError("history", "A turn must be an object with question and answer.")
    return (
        clean_text(value.get("question") or "", field="history", limit=MAX_QUESTION),
        clean_text(value.get("answer") or "", field="history", limit=MAX_ANSWER),
    )


def _items(values: Mapping[str, Any], field: str, limit: int) -> list[Any]:
    items = values.get(field) or []
    if isinstance(items, str) or not isinstance(items, list | tuple):
        raise ExampleError(field, f"The {_words(field)} must be a list.")
    if len(items) > limit:
        raise ExampleError(field, f"The {_words(field)} has more than {limit} entries.")
    return list(items)


def _offset(value: object) -> int:
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int) or not UNKNOWN <= value < 2**31:
        raise ExampleError("expected_passages", "Offsets are whole numbers from 0.")
    return value


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("", "1", "true", "yes", "y"):
        return True
    if word in ("0", "false", "no", "n"):
        return False
    raise ExampleError("is_answerable", "Whether it can be answered is yes or no.")


def _short(value: object, limit: int) -> str:
    text = "" if value is None else storable(str(value)).strip()
    if len(text) > limit:
        raise ExampleError("example", f"“{text[:20]}…” is longer than {limit} characters.")
    return text


def _words(field: str) -> str:
    return field.replace("_", " ")
