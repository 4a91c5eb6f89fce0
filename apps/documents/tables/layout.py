"""A text laid out for a template: prose and tables, with what is marked in either. Pure.

A text comes in runs, each with a look of its own: a heading, a highlight, a passage of a preview.
Laid out, the runs stand in paragraphs of prose and in the cells of tables. Bars, rules of dashes
and the blank lines beside a table are not shown; everything else is, once and in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

from apps.documents.tables.finding import Cell, Table, show_cell

MAX_LABEL_CHARS = 80
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class Run(Protocol):
    """A piece of a text; the texts of all runs in a row are the text."""

    @property
    def text(self) -> str: ...


R = TypeVar("R", bound=Run)
R_co = TypeVar("R_co", bound=Run, covariant=True)
Clip = Callable[[R, str, bool], R | None]
"""Makes what is shown of a run, from the run, the characters, and whether these are the first of it
to be shown. They may be empty, if all of the run is hidden: then None, unless the run carries
something that has to be seen all the same."""


@dataclass(frozen=True, slots=True)
class Prose(Generic[R_co]):
    """Text between tables."""

    runs: tuple[R_co, ...]
    is_table: bool = False


@dataclass(frozen=True, slots=True)
class LaidCell(Generic[R_co]):
    """A cell; `is_marked` says that all of its text is."""

    runs: tuple[R_co, ...]
    is_marked: bool = False

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class LaidRow(Generic[R_co]):
    """A row; `is_marked` says that every cell with text is."""

    cells: tuple[LaidCell[R_co], ...]

    @property
    def is_marked(self) -> bool:
        texts = [cell for cell in self.cells if cell.text]
        return bool(texts) and all(cell.is_marked for cell in texts)


@dataclass(frozen=True, slots=True)
class LaidTable(Generic[R_co]):
    """A table. `num_hidden` counts the rows that an excerpt leaves out after the last one."""

    header: LaidRow[R_co] | None
    rows: tuple[LaidRow[R_co], ...]
    num_hidden: int = 0
    is_table: bool = True

    @property
    def label(self) -> str:
        """What a screen reader calls it: its columns, or how many rows it has."""
        names = (
            ", ".join(cell.text for cell in self.header.cells if cell.text) if self.header else ""
        )
        if not names:
            return f"Table, {len(self.rows)} row{'' if len(self.rows) == 1 else 's'}"
        return f"Table: {shorten(names, MAX_LABEL_CHARS)}"

    @property
    def all_rows(self) -> tuple[LaidRow[R_co], ...]:
        return (self.header, *self.rows) if self.header else self.rows


Content = tuple[Prose[R] | LaidTable[R], ...]


def lay_out(
    runs: Sequence[R],
    tables: Sequence[Table],
    *,
    clip: Clip[R],
    is_marked: Callable[[R], bool] = lambda run: False,
) -> Content[R]:
    """The runs in prose and tables. `tables` are those of the runs' text, in order."""
    layer = _Layer(runs, clip)
    content: list[Prose[R] | LaidTable[R]] = []
    done = 0
    for table in tables:
        _add_prose(content, layer, done, table.start, after_table=bool(content) or done > 0)
        content.append(_lay_table(layer, table, is_marked))
        done = table.end
    size = len(layer.text)
    _add_prose(content, layer, done, size, after_table=bool(tables), before_table=False)
    rest = layer.take_hidden(size + 1)
    if rest:
        content.append(Prose(tuple(rest)))
    return tuple(content)


def iter_runs(content: Content[R]) -> Iterator[R]:
    """Everything that is shown, in the order of the text."""
    for part in content:
        if isinstance(part, Prose):
            yield from part.runs
        else:
            for row in part.all_rows:
                for cell in row.cells:
                    yield from cell.runs


class _Layer(Generic[R]):
    """Hands out runs from the first to the last, cut to the places where they are shown."""

    def __init__(self, runs: Sequence[R], clip: Clip[R]) -> None:
        self.text = "".join(run.text for run in runs)
        self._runs = runs
        self._ends = list(accumulate(len(run.text) for run in runs))
        self._clip = clip
        self._at = 0
        self._is_shown = False  # whether some of the run at `_at` was handed out

    def take_hidden(self, start: int) -> list[R]:
        """Pass the runs that end before `start`, and keep what must not be lost of them."""
        kept = []
        while self._at < len(self._runs) and self._ends[self._at] <= start:
            if not self._is_shown:
                kept.append(self._clip(self._runs[self._at], "", True))
            self._at, self._is_shown = self._at + 1, False
        return [run for run in kept if run is not None]

    def take(self, start: int, end: int, *, in_cell: bool) -> tuple[R, ...]:
        """What is shown of the runs between two offsets."""
        taken = self.take_hidden(start)
        while start < end and self._at < len(self._runs):
            stop = min(self._ends[self._at], end)
            text = show_cell(self.text, start, stop) if in_cell else self.text[start:stop]
            run = self._clip(self._runs[self._at], text, not self._is_shown)
            taken += [run] if run is not None else []
            self._is_shown = True
            if self._ends[self._at] <= stop:
                self._at, self._is_shown = self._at + 1, False
            start = stop
        return tuple(taken)


def _add_prose(
    content: list[Prose[R] | LaidTable[R]],
    layer: _Layer[R],
    start: int,
    end: int,
    *,
    after_table: bool,
    before_table: bool = True,
) -> None:
    """The text between tables, without the line breaks that part it from them."""
    text = layer.text[start:end]
    if after_table:
        start += len(text) - len(text.lstrip("\n"))
    if before_table:
        end -= len(text) - len(text.rstrip("\n"))
    if start < end:
        content.append(Prose(layer.take(start, end, in_cell=False)))


def _lay_table(layer: _Layer[R], table: Table, is_marked: Callable[[R], bool]) -> LaidTable[R]:
    def lay_row(cells: Sequence[Cell]) -> LaidRow[R]:
        return LaidRow(tuple(lay_cell(cell) for cell in cells))

    def lay_cell(cell: Cell) -> LaidCell[R]:
        runs = layer.take(cell.start, cell.end, in_cell=True)
        texts = [run for run in runs if run.text]
        return LaidCell(runs, is_marked=bool(texts) and all(is_marked(run) for run in texts))

    header = lay_row(table.header) if table.header is not None else None
    return LaidTable(header, tuple(lay_row(row) for row in table.rows))


def shorten(text: str, room: int) -> str:
    """At most `room` characters, the last one an ellipsis if any are missing."""
    return text if len(text) <= room else text[: max(room - 1, 0)].rstrip() + ELLIPSIS * (room > 0)
