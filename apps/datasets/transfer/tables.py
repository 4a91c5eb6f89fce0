"""Reads the rows of an uploaded file: CSV, JSON lines, Excel. Bounded for any content. Pure.

Every reader yields (row number as a person counts it, values by column). Files are limited in
bytes, rows, columns and cells before anything is kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from parsing.archive import SafeArchive
from parsing.charsets.detect import detect_charset
from parsing.types import Limits, ParseError

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 60
EXPANDED_MB = 48
MAX_CELL = 100_000
"""Characters. The csv module has a limit of its own, which any code of the process may change."""

KINDS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "json", ".ndjson": "json",
         ".json": "json", ".xlsx": "excel"}  # fmt: skip
_WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŒœ€£§°«»¿¡·–—‘’“”„…")
Row = tuple[int, dict[str, Any]]


class TableError(ValueError):
    """Why the file as a whole cannot be read, as a sentence for people."""


class RowError(ValueError):
    """Why one row cannot be read; `number` is as a person counts."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number, self.message = number, message


def read_table(data: bytes, *, filename: str) -> Iterator[Row | RowError]:
    """The rows of a file, by the ending of its name. Raises TableError."""
    if len(data) > MAX_BYTES:
        raise TableError(f"The file has more than {MAX_BYTES // 1_048_576} MB.")
    if not data.strip():
        raise TableError("The file is empty.")
    ending = filename[filename.rfind(".") :].lower() if "." in filename else ""
    kind = KINDS.get(ending)
    if kind is None:
        raise TableError("Only .csv, .tsv, .jsonl, .json and .xlsx files can be imported.")
    reader = {"csv": _read_csv, "json": _read_json, "excel": _read_excel}[kind]
    return _bounded(reader(data))


def _bounded(rows: Iterator[Row | RowError]) -> Iterator[Row | RowError]:
    for count, row in enumerate(rows):
        if count >= MAX_ROWS:
            raise TableError(f"The file has more than {MAX_ROWS:,} rows. Split it.")
        yield row


def decode(data: bytes) -> str:
    """The text of a file in whatever charset it is. Raises TableError."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        charset = "cp1252" if _is_western(data) else detect_charset(data)
    try:
        return data.decode(charset).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise TableError("The file's characters cannot be read. Save it as UTF-8.") from error


def _is_western(data: bytes) -> bool:
    """Whether Windows-1252 yields only Western European letters: charset detection fails on few."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return {char for char in text if char > "\x7f"} <= _WESTERN


def _read_csv(data: bytes) -> Iterator[Row | RowError]:
    text = decode(data)
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(",;\t|", key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(f"Line {lines.line_num} is no valid CSV: {error}.") from error
        if any(len(cell) > MAX_CELL for cell in cells):
            raise TableError(f"Line {lines.line_num} is no valid CSV: a field is too long.")
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(cells)
            continue
        yield _row(lines.line_num, header, cells)


def _read_json(data: bytes) -> Iterator[Row | RowError]:
    """A list of objects, or one object a line."""
    text = decode(data)
    if text.lstrip().startswith("["):
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise TableError(f"The file is no valid JSON: {error}.") from error
        for number, value in enumerate(values, start=1):
            yield _object(number, value)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield _object(number, orjson.loads(line))
            except orjson.JSONDecodeError as error:
                yield RowError(number, f"This line is no valid JSON: {error}.")


def _object(number: int, value: object) -> Row | RowError:
    if not isinstance(value, dict):
        return RowError(number, "This is no object with a question.")
    return number, {normalise_name(str(name)): item for name, item in value.items()}


def _read_excel(data: bytes) -> Iterator[Row | RowError]:
    """The first sheet."""
    import openpyxl

    file: BinaryIO = io.BytesIO(data)
    try:
        SafeArchive(file, limits=Limits(expanded_mb=EXPANDED_MB))
        file.seek(0)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)
        yield from _sheet_rows(rows)
    except ParseError as error:
        raise TableError(error.reason) from error
    except TableError:
        raise
    except Exception as error:  # openpyxl lets whatever a broken file causes through
        raise TableError("The file cannot be read as an Excel workbook.") from error


def _sheet_rows(rows: Iterator[tuple[Any, ...]]) -> Iterator[Row | RowError]:
    header: list[str] | None = None
    for number, values in enumerate(rows, start=1):
        cells = ["" if value is None else str(value) for value in values]
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(cells)
            continue
        yield _row(number, header, cells)


def _header(cells: Sequence[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise TableError(f"The file has more than {MAX_COLUMNS} columns.")
    return [normalise_name(cell) for cell in cells]


def normalise_name(name: str) -> str:
    """`Expected answer` and `expected-answer` are `expected_answer`."""
    return "_".join(name.replace("-", " ").replace("_", " ").lower().split())[:60]


def _row(number: int, header: Sequence[str], cells: Sequence[str]) -> Row | RowError:
    if any(cell.strip() for cell in cells[len(header) :]):
        return RowError(number, f"The row has more cells than the {len(header)} columns.")
    if any(len(cell) > MAX_CELL for cell in cells):
        return RowError(number, f"A cell has more than {MAX_CELL:,} characters.")
    return number, {name: cell for name, cell in zip(header, cells, strict=False) if name}
