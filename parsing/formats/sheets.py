"""Workbooks (XLSX, XLSB, XLS, ODS): each sheet as tables whose header is repeated."""

from __future__ import annotations

import datetime
import io
import itertools
import re
from collections.abc import Iterator
from typing import Any

import openpyxl
import python_calamine

from parsing.archive import SafeArchive
from parsing.formats.common import emit_pages
from parsing.source import Source
from parsing.text import Piece, format_table, paginate
from parsing.types import Opened, ParsedPage, ParseError

MAX_CELLS = 5_000_000
_DENSE_AREA = 20_000_000
_REFERENCE = re.compile(rb'<c [^>]*?r="([A-Z]{1,3})(\d{1,7})"')

Row = list[str]


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """One or more pages for each sheet that holds anything."""
    pages: list[ParsedPage] = []
    for name, rows in _read_sheets(source):
        pieces = list(_sheet_pieces(rows))
        pages += paginate(pieces, first=len(pages) + 1, label=f"Sheet {name}")
    if not pages:
        raise ParseError("empty", "All sheets of this workbook are empty.")
    yield from emit_pages(source, pages)


def _read_sheets(source: Source) -> Iterator[tuple[str, list[Row]]]:
    if source.format in {"xlsx", "xlsb", "ods"}:
        archive = SafeArchive(source.file, limits=source.limits)
        if source.format == "ods":
            _refuse_encrypted(archive)
        if source.format == "xlsx" and _is_sparse(archive):
            yield from _read_sparse(source)
            return
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(source.read()))
        names = book.sheet_names
    except python_calamine.PasswordError as error:
        raise _encrypted() from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _corrupt(error) from error
    for name in names:
        try:
            sheet = book.get_sheet_by_name(name)
            rows = [[_format_cell(cell) for cell in row] for row in _bounded(sheet, source)]
        except python_calamine.WorksheetNotFound:
            continue  # chart sheets have a name but no cells
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise _corrupt(error) from error
        yield name, rows


def _bounded(sheet: Any, source: Source) -> Iterator[list[Any]]:
    cells = 0
    for row in sheet.to_python(skip_empty_area=True):
        cells += len(row)
        if cells > MAX_CELLS:
            raise _too_large()
        if len(row) > source.limits.columns:
            filled = [cell for cell in row if cell != ""]
            row = filled[: source.limits.columns]
        yield row


def _is_sparse(archive: SafeArchive) -> bool:
    """Whether few cells span a huge area, which a dense reader would fill in memory."""
    for name in archive.names:
        if not re.match(r"xl/worksheets/[^/]+\.xml$", name):
            continue
        cells, width, height = 0, 1, 1
        for column, row in _REFERENCE.findall(archive.read(name)):
            cells += 1
            width = max(width, _column_number(column))
            height = max(height, int(row))
        if width * height > _DENSE_AREA and width * height > 20 * cells:
            return True
    return False


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _read_sparse(source: Source) -> Iterator[tuple[str, list[Row]]]:
    """Row by row with openpyxl: slower, but blank areas cost nothing."""
    book = openpyxl.load_workbook(io.BytesIO(source.read()), read_only=True, data_only=True)
    for sheet in book.worksheets:
        rows: list[Row] = []
        cells = 0
        for row in _iter_sparse(sheet):
            cells += len(row)
            if cells > MAX_CELLS:
                raise _too_large()
            rows.append([_format_cell(value) for value in row[: source.limits.columns]])
        yield sheet.title, rows


def _iter_sparse(sheet: Any) -> Iterator[list[Any]]:
    sheet.reset_dimensions()
    for row in itertools.islice(sheet.rows, MAX_CELLS):
        values = [cell.value for cell in row if cell.value is not None]
        if values:
            yield values


def _sheet_pieces(rows: list[Row]) -> Iterator[Piece]:
    """Tables are parted by blank rows; lines with one cell above a table are its title."""
    table: list[Row] = []
    for row in [*rows, []]:
        filled = sum(1 for cell in row if cell)
        if filled == 0 or (filled == 1 and not table):
            yield from format_table(_trim(table))
            table = []
            if filled:
                yield Piece("paragraph", next(cell for cell in row if cell))
        else:
            table.append(row)


def _trim(rows: list[Row]) -> list[Row]:
    """Without the columns that are empty in every row."""
    if not rows:
        return []
    width = max(len(row) for row in rows)
    used = [at for at in range(width) if any(at < len(row) and row[at] for row in rows)]
    return [[row[at] if at < len(row) else "" for at in used] for row in rows]


def _format_cell(value: object) -> str:
    """A cell as a person would read it: no `.0` on whole numbers, no midnight on dates."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _format_number(value)
    if isinstance(value, datetime.datetime):
        is_date = value.time() == datetime.time()
        return value.date().isoformat() if is_date else value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _format_number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.12g}" if abs(value) < 1e15 else repr(value)


def _refuse_encrypted(archive: SafeArchive) -> None:
    manifest = archive.read_optional("META-INF/manifest.xml") or b""
    if b"encryption-data" in manifest:
        raise _encrypted()


def _encrypted() -> ParseError:
    return ParseError(
        "encrypted",
        "This workbook is protected by a password. Remove the password and upload it again.",
    )


def _too_large() -> ParseError:
    return ParseError(
        "too_large",
        f"This workbook has more than {MAX_CELLS:,} cells in one sheet. "
        "Split it into smaller files.",
    )


def _corrupt(error: Exception) -> ParseError:
    if "password" in str(error).lower() or "encrypt" in str(error).lower():
        return _encrypted()
    return ParseError(
        "corrupt",
        "This workbook is damaged and cannot be read. "
        "Open it in the program that made it, save it again, and upload that copy.",
    )
