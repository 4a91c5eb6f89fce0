"""Turns the rows of a file into examples: all of them, or none with the reasons."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from apps.core.text import storable
from apps.datasets.examples import (
    ExampleError,
    ExampleFields,
    clean_fields,
    split_passages,
    split_tags,
)
from apps.datasets.models import Dataset, ReviewState, SourceKind
from apps.datasets.services import ExampleSource, add_examples, lock_draft
from apps.datasets.transfer.tables import Row, RowError, read_table
from apps.workspaces.services import Actor

MAX_SHOWN = 50
ALIASES: dict[str, tuple[str, ...]] = {
    "question": ("question", "query", "input", "prompt", "user_input", "frage"),
    "expected_answer": ("expected_answer", "answer", "expected", "expected_output", "output",
                        "ground_truth", "reference", "reference_answer", "ideal", "antwort"),
    "other_answers": ("other_answers", "alternatives", "answers"),
    "expected_passages": ("expected_passages", "passages", "passage", "reference_contexts",
                          "evidence"),
    "document": ("document", "document_name", "source_document"),
    "is_answerable": ("is_answerable", "answerable"),
    "context": ("context",),
    "history": ("history",),
    "tags": ("tags", "tag", "category", "categories"),
    "language": ("language", "lang"),
    "checks": ("checks",),
    "answered_by": ("answered_by",),
    "review_state": ("review_state",),
}  # fmt: skip


@dataclass(slots=True)
class ImportOutcome:
    """The outcome of an import. After any error nothing is imported; `num_errors` counts all."""

    num_imported: int = 0
    num_known: int = 0
    num_errors: int = 0
    errors: list[RowError] = field(default_factory=list)


@transaction.atomic
def import_file(
    dataset: Dataset,
    *,
    data: bytes,
    filename: str,
    actor: Actor,
    state: ReviewState = ReviewState.ACCEPTED,
) -> ImportOutcome:
    """Add a file's rows to the draft: every one, or none if one is wrong.

    Questions that the draft has already, or that come twice, are left out and counted. Raises
    TableError for a file that cannot be read, TooManyError.
    """
    outcome = ImportOutcome()
    rows = _read_all(read_table(data, filename=filename), outcome)
    if outcome.num_errors:
        return outcome
    draft = lock_draft(dataset)
    known = {_normalise(text) for text in draft.examples.values_list("question", flat=True)}
    fresh: dict[ReviewState, list[ExampleFields]] = defaultdict(list)
    for item, own in rows:
        text = _normalise(item.question)
        if text not in known:
            known.add(text)
            # What waited for review, or was rejected, is not accepted by way of a file.
            fresh[state if own in (None, ReviewState.ACCEPTED) else own].append(item)
    source = ExampleSource(SourceKind.IMPORT, note=storable(filename)[-200:])
    for group, items in fresh.items():
        add_examples(dataset, rows=[(item, source) for item in items], actor=actor, state=group)
    outcome.num_imported = sum(len(items) for items in fresh.values())
    outcome.num_known = len(rows) - outcome.num_imported
    return outcome


def _normalise(question: str) -> str:
    return " ".join(question.lower().split())


def _read_all(
    rows: Iterable[Row | RowError], outcome: ImportOutcome
) -> list[tuple[ExampleFields, ReviewState | None]]:
    """The examples with the state that the file gives them, if it gives one."""
    fields = []
    for row in rows:
        try:
            if isinstance(row, RowError):
                raise row
            number, values = row
            fields.append(_read_row(number, values))
        except RowError as error:
            outcome.num_errors += 1
            if len(outcome.errors) < MAX_SHOWN:
                outcome.errors.append(error)
    if not fields and not outcome.num_errors:
        outcome.num_errors = 1
        outcome.errors.append(RowError(1, "There is no row below the names of the columns."))
    return fields


def _read_row(number: int, values: Mapping[str, Any]) -> tuple[ExampleFields, ReviewState | None]:
    named = {name: _pick(values, names) for name, names in ALIASES.items()}
    if not named["question"]:
        known = ", ".join(ALIASES["question"][:3])
        raise RowError(number, f"There is no question. Its column is called one of: {known}.")
    try:
        fields = clean_fields(
            named
            | {
                "question": _text(named["question"]),
                "expected_answer": _text(named["expected_answer"]),
                "other_answers": _list(named["other_answers"]),
                "expected_passages": _passages(named["expected_passages"], named["document"]),
                "tags": _tags(named["tags"]),
                "context": _text(named["context"]),
                "checks": _object(named["checks"], field="checks"),
                "answered_by": _object(named["answered_by"], field="answered_by"),
                "history": named["history"] if isinstance(named["history"], list) else [],
                "is_answerable": True if named["is_answerable"] is None else named["is_answerable"],
            }
        )
        return fields, _state(named["review_state"])
    except ExampleError as error:
        raise RowError(number, error.message) from error


def _state(value: Any) -> ReviewState | None:
    if value is None:
        return None
    try:
        return ReviewState(str(value).strip().lower())
    except ValueError as error:
        known = ", ".join(ReviewState.values)
        raise ExampleError("review_state", f"The review state is one of {known}.") from error


def _pick(values: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((values[name] for name in names if values.get(name) not in (None, "")), None)


def _text(value: Any) -> Any:
    """A cell as text: numbers are converted, and the apostrophe of our own export is removed."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:2] in ("'=", "'+", "'-", "'@"):
        return value[1:]
    return str(value) if isinstance(value, int | float) else value


def _object(value: Any, *, field: str) -> Any:
    """An object as it is; a cell holds it as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ExampleError(field, f"The value of {field} is not JSON.") from error


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return [_text(item) for item in value] if isinstance(value, list) else []


def _tags(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return list(split_tags(str(value))) if value is not None else []


def _passages(value: Any, document: Any) -> list[Any]:
    """A list as it is; a cell holds passages with blank lines between."""
    if isinstance(value, list | tuple):
        return list(value)
    name = str(document).strip() if document is not None else ""
    parts = split_passages(_text(value) or "")
    if not parts and name:
        return [{"document_name": name}]
    return [{"text": part, "document_name": name} for part in parts]
