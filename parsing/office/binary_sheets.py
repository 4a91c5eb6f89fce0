"""Workbooks in binary formats (XLS, XLSB). Number formats and comments in them are not read."""

from __future__ import annotations

import datetime
import io
from typing import Any

import python_calamine

from parsing.archive import SafeArchive
from parsing.inline import join_notes
from parsing.office.cell_formats import format_elapsed, general
from parsing.office.sheet import Sheet, merge_labels
from parsing.office.xlsx import MAX_CELLS, hidden_sheets_note, too_large
from parsing.source import Source
from parsing.types import ParseError

FORMATS_NOTE = (
    "This older kind of workbook was read without number formats: shares, amounts of money and "
    "the like are shown as plain numbers. Cells with an error value or without a stored result "
    "are left empty, and hidden rows and columns are not told apart from visible ones. "
    "Save it as XLSX to keep all of this."
)


def read_binary(source: Source) -> tuple[list[Sheet], str]:
    """Visible sheets in the workbook's order, and a note on what could not be read."""
    if source.format == "xlsb":
        SafeArchive(source.file, limits=source.limits)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(source.read()))
        known = book.sheets_metadata
    except python_calamine.PasswordError as error:
        raise encrypted() from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _corrupt(error) from error
    sheets: list[Sheet] = []
    hidden: list[str] = []
    for item in known:
        if item.visible != python_calamine.SheetVisibleEnum.Visible:
            hidden.append(item.name)
            continue
        try:
            sheets.append(_read_sheet(book.get_sheet_by_name(item.name), item.name, source))
        except python_calamine.WorksheetNotFound:
            continue  # chart sheets have a name but no cells
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise _corrupt(error) from error
    return sheets, join_notes(FORMATS_NOTE, hidden_sheets_note(hidden))


def _read_sheet(sheet: Any, name: str, source: Source) -> Sheet:
    rows: dict[int, dict[int, str]] = {}
    top, left = sheet.start or (0, 0)
    cells = 0
    for y, row in enumerate(sheet.to_python(skip_empty_area=True), start=top):
        cells += len(row)
        if cells > MAX_CELLS:
            raise too_large()
        texts = {x: format_cell(value) for x, value in enumerate(row, start=left) if value != ""}
        texts = {x: text for x, text in texts.items() if text}
        if texts:
            rows[y] = texts
    columns = sorted({x for row in rows.values() for x in row})
    note = ""
    if len(columns) > source.limits.columns:
        note = f"Only the first {source.limits.columns:,} columns were read."
        last = columns[source.limits.columns]
        rows = {y: {x: text for x, text in row.items() if x < last} for y, row in rows.items()}
    ranges = [(*start, *end) for start, end in sheet.merged_cell_ranges or ()]
    merges = merge_labels(rows, ranges, hidden_rows=set(), hidden_columns=set())
    return Sheet(name, sorted(rows.items()), merges, note=note)


def format_cell(value: object) -> str:
    """A cell as a person would read it: no `.0` on whole numbers, no midnight on dates."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return general(value)
    if isinstance(value, datetime.datetime):
        is_date = value.time() == datetime.time()
        return value.date().isoformat() if is_date else value.isoformat(sep=" ")
    if isinstance(value, datetime.timedelta):
        return format_elapsed(
            value / datetime.timedelta(days=1), "h", seconds=bool(value.seconds % 60)
        )
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def encrypted() -> ParseError:
    """The error for a workbook with a password."""
    return ParseError(
        "encrypted",
        "This workbook is protected by a password. Remove the password and upload it again.",
    )


def _corrupt(error: Exception) -> ParseError:
    if "password" in str(error).lower() or "encrypt" in str(error).lower():
        return encrypted()
    return ParseError(
        "corrupt",
        "This workbook is damaged and cannot be read. "
        "Open it in the program that made it, save it again, and upload that copy.",
    )
