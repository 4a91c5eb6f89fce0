"""The recursive splitter: documents into chunks that follow headings, pages and sentences.

A document falls into sections at its headings; small ones are put together, large ones are cut
at the best border near the target size. All sizes are tokens of the embedding model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from apps.chunking.tables import find_tables
from apps.chunking.units import Border, CountTokens, PageText, Unit, UnitReader, join_pages

SMALL = 60
"""A section below this many tokens is joined with a neighbour of the same rank."""

CONTEXT_TOKENS = 60
SMALLEST_CAP = 16
"""However much stands above a passage, this is left for its own text."""
MIN_FILL = 0.55
"""Of the target size. An earlier cut counts as a poor one."""

# What a border is worth, in units of the distance from the ideal cut (1 = the whole target size).
_WORTH = {
    Border.INSIDE_WORD: -2.0, Border.WORD: -0.3, Border.SENTENCE: 0.2, Border.LINE: 0.3,
    Border.PARAGRAPH: 0.5, Border.PAGE: 0.7, Border.HEADING: 0.8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SplitParams:
    """Sizes in tokens. `room` is what the embedding model reads of heading path and text."""

    target: int = 200
    cap: int = 250
    overlap: int = 30
    room: int = 254

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.target // 2:
            raise ValueError("The overlap must be less than half of the target.")
        if not 40 <= self.target <= self.cap <= self.room:
            raise ValueError("Sizes must be 40 <= target <= cap <= room.")


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk: `full_text[start:end]`, its heading path and the pages it lies on.

    `parent_start` and `parent_end` are the larger text that is read where this one is found; both
    None where the chunk is read as it is.
    """

    start: int
    end: int
    heading: str
    first_page: int
    last_page: int
    num_tokens: int
    parent_start: int | None = None
    parent_end: int | None = None


Range = tuple[int, int]
"""Indices of units, the end excluded."""


def split_pages(
    pages: Sequence[PageText], *, params: SplitParams, count_tokens: CountTokens
) -> list[Piece]:
    """The chunks of a document, in order. Their spans may overlap but leave no text out."""
    packer = open_packer(pages, params=params, count_tokens=count_tokens)
    groups = group_sections(packer.units, params=params)
    return packer.make_pieces([piece for group in groups for piece in packer.cut(group)])


def open_packer(
    pages: Sequence[PageText], *, params: SplitParams, count_tokens: CountTokens
) -> Packer:
    """A packer over the document's units, none of which is too large for a chunk."""
    text = join_pages([page.text for page in pages])
    # However long the heading path, this much room is left for the chunk's own text.
    smallest_cap = min(params.cap, params.room - CONTEXT_TOKENS)
    tables = find_tables([(page.start, page.blocks) for page in pages], text)
    reader = UnitReader(text, cap=smallest_cap, count_tokens=count_tokens, tables=tables)
    units = reader.read(pages)
    contexts = Contexts(reader.contexts, count_tokens=count_tokens)
    return Packer(text, units, contexts=contexts, params=params, count_tokens=count_tokens)


class Contexts:
    """Heading paths and their tokens, shortened to at most CONTEXT_TOKENS each."""

    def __init__(self, paths: Sequence[str], *, count_tokens: CountTokens) -> None:
        self.paths = list(paths)
        self.tokens = count_tokens(self.paths)
        while too_long := [i for i, n in enumerate(self.tokens) if n > CONTEXT_TOKENS]:
            for index in too_long:
                # The end of a path says most about the text below it.
                self.paths[index] = "…" + self.paths[index][len(self.paths[index]) // 3 + 1 :]
            counts = count_tokens([self.paths[index] for index in too_long])
            for index, count in zip(too_long, counts, strict=True):
                self.tokens[index] = count


def group_sections(units: Sequence[Unit], *, params: SplitParams) -> Iterator[Range]:
    """Sections; small neighbours are joined unless a top-level heading separates them."""
    sections = list(_find_sections(units))
    top = _top_level([units[first].level for first, _ in sections if units[first].is_heading])
    sizes = [sum(unit.size for unit in units[first:last]) for first, last in sections]
    group: Range | None = None
    group_size = group_level = 0
    for (first, last), size in zip(sections, sizes, strict=True):
        level = units[first].level if units[first].is_heading else 0
        joins = (
            group is not None
            and level > top
            and level >= group_level
            and group_size + size <= params.target
            and min(group_size, size) < SMALL
        )
        if group is not None and joins:
            group, group_size = (group[0], last), group_size + size
            continue
        if group is not None:
            yield group
        group, group_size, group_level = (first, last), size, level
    if group is not None:
        yield group


def _find_sections(units: Sequence[Unit]) -> Iterator[Range]:
    """From each heading (or run of headings) to the next."""
    start = 0
    for index in range(1, len(units)):
        if units[index].is_heading and not units[index - 1].is_heading:
            yield start, index
            start = index
    if units:
        yield start, len(units)


def _top_level(levels: Sequence[int]) -> int:
    """The heading level that divides a document: the highest that occurs more than once."""
    for level in sorted(set(levels)):
        if levels.count(level) > 1:
            return level
    return min(levels, default=0)


class Packer:
    """Cuts a range of units into chunks."""

    def __init__(
        self,
        text: str,
        units: Sequence[Unit],
        *,
        contexts: Contexts,
        params: SplitParams,
        count_tokens: CountTokens,
    ) -> None:
        self.text = text
        self.units = units
        self.contexts = contexts
        self.params = params
        self.count_tokens = count_tokens
        self._sums = [0, *accumulate(unit.size for unit in units)]

    def size(self, first: int, last: int) -> int:
        return self._sums[last] - self._sums[first]

    def cap(self, first: int, last: int) -> int:
        """What a chunk of these units may hold beside the longest of their heading paths."""
        tokens = self.contexts.tokens
        used = max(tokens[unit.context] + unit.extra for unit in self.units[first:last])
        return max(min(self.params.cap, self.params.room - used), SMALLEST_CAP)

    def cut(self, group: Range) -> Iterator[Range]:
        first, end = group
        cap = self.cap(first, end)
        done = first
        while done < end:
            if self.size(first, done) + self.units[done].size > cap:
                first = done  # the overlap leaves no room for the next unit
            if self.size(first, end) <= cap or first == end - 1:
                yield first, end
                return
            last = self._choose_cut(first, done, end, cap=cap)
            yield first, last
            first, done = self._step_back(first, last), last

    def _choose_cut(self, first: int, done: int, end: int, *, cap: int) -> int:
        """The best place to end a chunk that begins with `first`, beyond `done`."""
        left = self.size(first, end)
        target = min(self.params.target, cap)
        goal = left / -(-left // target)
        best, best_worth = done + 1, float("-inf")
        for last in range(done + 1, end):
            size = self.size(first, last)
            if size > cap:
                break
            worth = self._worth(last, size=size, goal=goal)
            if worth >= best_worth:
                best, best_worth = last, worth
        return best

    def _worth(self, last: int, *, size: int, goal: float) -> float:
        worth = _WORTH.get(self.units[last].border, -3.0)
        if self.units[last - 1].is_heading:
            worth -= 3.0  # a heading belongs to what follows it
        if size < MIN_FILL * goal:
            worth -= 1.0
        return worth - abs(size - goal) / goal

    def _step_back(self, first: int, last: int) -> int:
        """Where the next chunk begins: at the last sentences of this one, if these are short."""
        if not self.units[last].is_prose:
            return last
        start, overlap = last, self.params.overlap
        for index in range(last - 1, first, -1):
            size = self.size(index, last)
            if not self.units[index].is_prose or size > overlap * 1.5:
                break
            if self.units[index].border >= Border.WORD:
                start = index
            if size >= overlap:
                break
        return start

    def make_pieces(self, ranges: Sequence[Range]) -> list[Piece]:
        """Chunks from ranges of units; those that turn out too large are halved."""
        return [self._make_piece(*leaf) for leaf in sorted(set(self._repair(ranges)))]

    def _make_piece(self, first: int, last: int) -> Piece:
        units = self.units[first:last]
        # A chunk that opens with headings is about what stands below them.
        body = next((unit for unit in units if not unit.is_heading), units[0])
        return Piece(
            start=units[0].start,
            end=units[-1].end,
            heading=self.contexts.paths[body.context],
            first_page=units[0].page,
            last_page=units[-1].page,
            num_tokens=sum(unit.tokens for unit in units),
        )

    def _repair(self, ranges: Sequence[Range]) -> list[Range]:
        """Halve chunks that are too large: token counts do not add up across cuts inside words."""
        done: dict[Range, list[Range]] = {}
        checked = [
            (first, last)
            for first, last in ranges
            if any(unit.border == Border.INSIDE_WORD for unit in self.units[first + 1 : last])
        ]
        while checked:
            counts = self.count_tokens(
                [self.text[self.units[a].start : self.units[b - 1].end] for a, b in checked]
            )
            halves: list[Range] = []
            for (a, b), count in zip(checked, counts, strict=True):
                if count > self.cap(a, b) and b - a > 1:
                    middle = (a + b) // 2
                    done[a, b] = [(a, middle), (middle, b)]
                    halves += done[a, b]
            checked = halves
        return [leaf for piece in ranges for leaf in _leaves(piece, done)]


def _leaves(piece: Range, halves: dict[Range, list[Range]]) -> Iterator[Range]:
    if piece not in halves:
        yield piece
        return
    for half in halves[piece]:
        yield from _leaves(half, halves)
