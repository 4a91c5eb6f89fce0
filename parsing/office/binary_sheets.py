"""Workbooks in binary formats (XLS, XLSB): values by calamine, what XLS says of them by ours."""

from __future__ import annotations

import datetime
import io
from typing import Any

import python_calamine

from parsing.archive import SafeArchive
from parsing.inline import count_noun, join_notes, with_address
from parsing.office.biff import BinarySheet, read_binary_sheets
from parsing.office.cell_formats import general
from parsing.office.date_formats import format_elapsed
from parsing.office.sheet import (
    MAX_CELLS,
    Sheet,
    covered,
    hidden_note,
    hidden_sheets_note,
    merge_labels,
    too_large,
    visible_rows,
)
from parsing.ole import open_ole, read_stream
from parsing.source import Source
from parsing.text import squeeze
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
    extras = _read_extras(source)
    sheets: list[Sheet] = []
    hidden: list[str] = []
    for at, item in enumerate(known):
        if item.visible != python_calamine.SheetVisibleEnum.Visible:
            hidden.append(item.name)
            continue
        try:
            extra = extras[at] if extras and len(extras) == len(known) else BinarySheet()
            sheets.append(_read_sheet(book.get_sheet_by_name(item.name), item.name, source, extra))
        except python_calamine.WorksheetNotFound:
            continue  # chart sheets have a name but no cells
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise _corrupt(error) from error
    is_bare = not extras or len(extras) != len(known)
    return sheets, join_notes(FORMATS_NOTE if is_bare else "", hidden_sheets_note(hidden))


def _read_extras(source: Source) -> list[BinarySheet] | None:
    """Formats, hidden parts and the like of an XLS; None where they cannot be told."""
    if source.format != "xls":
        return None
    try:
        return read_binary_sheets(read_stream(open_ole(source), "Workbook"))
    except ParseError:
        return None


def _read_sheet(sheet: Any, name: str, source: Source, extra: BinarySheet) -> Sheet:
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
    _add_extras(rows, extra)
    columns = {x for row in rows.values() for x in row}
    hidden = covered(columns, extra.hidden_columns)
    notes = [unsolved_note(len(extra.unsolved)), empty_note(len(extra.empty))]
    notes += [hidden_note(sum(1 for y in rows if y in extra.hidden_rows), len(hidden))]
    shown = sorted(columns - hidden)
    if len(shown) > source.limits.columns:
        notes.append(f"Only the first {source.limits.columns:,} columns were read.")
        hidden |= set(shown[source.limits.columns :])
    ranges = [(*start, *end) for start, end in sheet.merged_cell_ranges or ()]
    merges = merge_labels(rows, ranges, hidden_columns=hidden)
    visible = visible_rows(rows, extra.hidden_rows, hidden, merges)
    return Sheet(name, visible, merges, note=join_notes(*notes))


def unsolved_note(count: int) -> str:
    """What is said of formulas whose result the file does not hold."""
    if not count:
        return ""
    verb = "is" if count == 1 else "are"
    return f"{count_noun(count, 'formula')} without a stored result {verb} shown as such."


def empty_note(count: int) -> str:
    """What is said of formulas whose stored result shows nothing."""
    if not count:
        return ""
    verb = "has" if count == 1 else "have"
    return f"{count_noun(count, 'formula')} {verb} an empty result, or none that was stored."


def _add_extras(rows: dict[int, dict[int, str]], extra: BinarySheet) -> None:
    for (y, x), text in extra.texts.items():
        if text:
            rows.setdefault(y, {})[x] = text
        elif x in rows.get(y, {}):
            del rows[y][x]  # its format shows nothing
    for (y, x), text in extra.unsolved.items():
        rows.setdefault(y, {}).setdefault(x, text)
    for (y, x), address in extra.links.items():
        if x in rows.get(y, {}):
            rows[y][x] = with_address(rows[y][x], address)
    for (y, x), comment in extra.comments.items():
        text = rows.get(y, {}).get(x, "")
        rows.setdefault(y, {})[x] = f"{text} [Comment: {squeeze(comment)}]".strip()


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
