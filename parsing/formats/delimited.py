"""CSV and TSV: the delimiter is found from the content, the header is repeated."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from parsing.formats.common import emit_pages
from parsing.formats.plain import split_text
from parsing.source import Source
from parsing.text import decode_text, format_table, paginate
from parsing.types import Opened, ParsedPage, ParseError

_DELIMITERS = (",", ";", "\t", "|")
MAX_ROWS = 2_000_000


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of rows; what has no columns is read as plain text."""
    text = decode_text(source.read(), charset=source.charset)
    delimiter = find_delimiter(text, preferred="\t" if source.format == "tsv" else ",")
    if not delimiter:
        yield from emit_pages(source, paginate(split_text(text)))
        return
    rows = _read_rows(text, delimiter, columns=source.limits.columns)
    yield from emit_pages(source, paginate(format_table(rows)))


def find_delimiter(text: str, *, preferred: str = ",") -> str:
    """The delimiter that gives the first lines the same number of columns, two at least."""
    sample = text[:65536]
    if len(text) > len(sample) and "\n" in sample:
        sample = sample[: sample.rfind("\n")]
    if sample.startswith("sep=") and len(sample) > 4:
        return sample[4]
    best, best_score = "", 0.0
    for delimiter in _DELIMITERS:
        score = _score(sample, delimiter) * (1.05 if delimiter == preferred else 1.0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _score(sample: str, delimiter: str) -> float:
    csv.field_size_limit(10_000_000)
    try:
        widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if row]
    except csv.Error:
        return 0.0
    if not widths or max(widths) < 2:
        return 0.0
    usual = max(set(widths), key=widths.count)
    if usual < 2:
        return 0.0
    return widths.count(usual) / len(widths) + min(usual, 20) / 1000


def _read_rows(text: str, delimiter: str, *, columns: int) -> list[list[str]]:
    if text.startswith("sep="):
        text = text.split("\n", 1)[-1]
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(row) > columns:
                raise ParseError(
                    "too_large",
                    f"This table has {len(row):,} columns; at most {columns:,} can be read. "
                    "Split it into tables with fewer columns.",
                )
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise ParseError(
                    "too_large",
                    f"This table has more than {MAX_ROWS:,} rows. Split it into smaller files.",
                )
    except csv.Error as error:
        raise ParseError(
            "corrupt", f"This table cannot be read as CSV ({error}). Check its quotation marks."
        ) from error
    return rows
