"""Exports examples in formats that can be imported again: JSON lines, and CSV for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
from django.utils.text import slugify

from apps.datasets.models import DatasetVersion, Example

COLUMNS = (
    "question", "expected_answer", "other_answers", "expected_passages", "is_answerable",
    "context", "history", "tags", "language", "checks", "answered_by",
)  # fmt: skip
CSV_COLUMNS = ("question", "expected_answer", "is_answerable", "context", "tags", "passage",
    "document", "language", "source", "answered_by", "review_state")  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_json_lines(examples: Iterable[Example]) -> Iterator[bytes]:
    """One object a line, with the names that the import knows."""
    for example in examples:
        row: dict[str, Any] = {name: getattr(example, name) for name in COLUMNS}
        row["review_state"] = example.state
        row["source"] = {"kind": example.source_kind, "id": example.source_id}
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


class _Line:
    """A file object for the csv module that returns each line."""

    def write(self, text: str) -> str:
        return text


def write_csv(examples: Iterable[Example]) -> Iterator[bytes]:
    """A header and one row per example. Cells that look like formulas are written as text."""
    writer = csv.writer(_Line())
    yield b"\xef\xbb\xbf" + str(writer.writerow(CSV_COLUMNS)).encode()
    for example in examples:
        passages = example.expected_passages
        cells = [
            example.question,
            example.expected_answer,
            "yes" if example.is_answerable else "no",
            example.context,
            ", ".join(example.tags),
            "\n\n".join(passage["text"] for passage in passages),
            "\n".join(dict.fromkeys(passage["document_name"] for passage in passages)),
            example.language,
            example.source_kind,
            orjson.dumps(example.answered_by).decode() if example.answered_by else "",
            example.state,
        ]
        yield str(writer.writerow([_safe(cell) for cell in cells])).encode()


def _safe(cell: str) -> str:
    """Prefix a cell that looks like a formula with an apostrophe, which marks it as text."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def filename_of(version: DatasetVersion, kind: str) -> str:
    """`leave-v2.jsonl`, or `leave-draft.csv`."""
    name = slugify(version.dataset.name) or "dataset"
    return f"{name}-{'draft' if version.is_draft else f'v{version.number}'}.{kind}"


EXPORTS: dict[str, tuple[Callable[[Iterable[Example]], Iterator[bytes]], str]] = {
    "jsonl": (write_json_lines, "application/x-ndjson"),
    "csv": (write_csv, "text/csv; charset=utf-8"),
}
