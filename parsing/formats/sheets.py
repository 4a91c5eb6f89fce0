"""Workbooks (XLSX, XLSB, XLS, ODS): each sheet as tables whose header is repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from parsing.formats.common import emit_pages
from parsing.inline import join_notes
from parsing.office.binary_sheets import read_binary
from parsing.office.ods import read_ods
from parsing.office.sheet import Sheet
from parsing.office.sheet_tables import SheetTables
from parsing.office.xlsx import read_xlsx
from parsing.source import Source
from parsing.text import Piece, paginate, squeeze
from parsing.types import Opened, ParsedPage, ParseError

_DEFAULT_NAME = re.compile(
    r"(?:sheet|tabelle|feuil|feuille|hoja|foglio|planilha|blad|ark|лист|arkusz|list|table)"
    r"\s*[_-]?\d*$",
    re.IGNORECASE,
)
_READERS = {"xlsx": read_xlsx, "ods": read_ods, "xls": read_binary, "xlsb": read_binary}


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """One or more pages for each visible sheet that holds anything."""
    sheets, note = _READERS[source.format](source)
    pages: list[ParsedPage] = []
    notes = [note]
    while sheets:
        sheet = sheets.pop(0)
        own = paginate(_sheet_pieces(sheet), first=len(pages) + 1, label=f"Sheet {sheet.name}")
        if own:
            own[0] = replace(own[0], note=sheet.note)
        elif sheet.note:
            notes.append(f"Sheet {sheet.name}: {sheet.note}")
        pages += own
    if not pages:
        left_out = join_notes(*notes)
        raise ParseError(
            "empty",
            join_notes(
                "All sheets of this workbook are empty or hidden."
                if left_out
                else "All sheets of this workbook are empty.",
                left_out,
            ),
        )
    yield from emit_pages(source, pages, metadata={"note": join_notes(*notes)})


def _sheet_pieces(sheet: Sheet) -> list[Piece]:
    """The sheet's name where somebody chose it, its tables, then the texts that lie on it."""
    pieces = list(SheetTables().pieces(sheet.rows, sheet.merges))
    pieces += [Piece("paragraph", text) for text in sheet.texts]
    says_so = bool(pieces) and squeeze(pieces[0].text) == squeeze(sheet.name)
    if pieces and not says_so and not _DEFAULT_NAME.match(sheet.name.strip()):
        pieces.insert(0, Piece("heading", sheet.name, level=1))
    return pieces
