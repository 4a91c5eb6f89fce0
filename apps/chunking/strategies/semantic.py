"""Cuts where the meaning turns: between neighbouring sentences whose vectors are far apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.chunking.splitters import Packer, Piece, Range, open_packer
from apps.chunking.strategies.base import (
    EmbedderMissingError,
    Parameter,
    Source,
    Strategy,
    Values,
)
from apps.chunking.strategies.recursive import (
    overlap_parameter,
    read_split_params,
    size_parameter,
)
from apps.chunking.strategies.structure import share
from apps.chunking.units import Border

BATCH = 256
DIGITS = 3
"""Distances are rounded, so that another batch order does not cut a text elsewhere."""


def cut_by_meaning(source: Source, values: Values) -> list[Piece]:
    """Sentences up to a turn of meaning. Raises EmbedderMissingError without `source.embed`."""
    params = read_split_params({**values, "overlap": 0}, room=source.room)
    packer = open_packer(source.pages, params=params, count_tokens=source.count_tokens)
    distances = _measure(source, packer, window=values["window"])
    borders = find_turns(packer, distances, percentile=values["percentile"])
    groups = list(_group(packer, borders, minimum=values["minimum"]))
    ranges = [piece for group in groups for piece in packer.cut(group)]
    return packer.make_pieces(share(packer, ranges, values["overlap"], lambda unit: unit.is_prose))


def _measure(source: Source, packer: Packer, *, window: int) -> list[float]:
    """The cosine distance of each unit from the one before it; of the first, 0.

    A unit is embedded together with `window` neighbours on either side: a sentence alone says
    little of what it is about.
    """
    if source.embed is None:
        raise EmbedderMissingError
    units = packer.units
    if len(units) < 2:
        return [0.0] * len(units)
    texts = [
        packer.text[units[max(i - window, 0)].start : units[min(i + window, len(units) - 1)].end]
        for i in range(len(units))
    ]
    distances = [0.0]
    last = None
    for start in range(0, len(texts), BATCH):
        vectors = source.embed(texts[start : start + BATCH])
        for vector in vectors:
            if last is not None:
                distances.append(round(1.0 - float(last @ vector), DIGITS))
            last = vector
    return distances


def find_turns(packer: Packer, distances: Sequence[float], *, percentile: float) -> set[int]:
    """Indices of units that begin something new: behind a large distance, or a heading."""
    units = packer.units
    headings = {i for i, unit in enumerate(units) if unit.border == Border.HEADING and i}
    inside = sorted(distances[i] for i in range(1, len(units)) if i not in headings)
    if not inside:
        return headings
    threshold = inside[min(int(len(inside) * percentile / 100), len(inside) - 1)]
    turns = {i for i in range(1, len(units)) if distances[i] >= threshold and distances[i] > 0}
    return headings | turns


def _group(packer: Packer, borders: set[int], *, minimum: int) -> Iterator[Range]:
    units, first = packer.units, 0
    for index in range(1, len(units)):
        if index not in borders or units[index - 1].is_heading:
            continue
        if packer.size(first, index) >= minimum:
            yield first, index
            first = index
    if units:
        yield first, len(units)


STRATEGIES = (
    Strategy(
        key="semantic",
        name="Meaning",
        family="Meaning",
        summary="Embeds every sentence and cuts where neighbours are far apart in meaning. Slower: "
        "the whole document is embedded once more.",
        parameters=(
            Parameter(
                "percentile", "Cut at the largest", "The percentile of the distances between "
                "neighbours from which a cut is made: higher means fewer and larger passages.",
                "number", 85, 50, 99, unit="percentile",
            ),
            Parameter(
                "window", "Look around", "How many sentences on either side are embedded along.",
                "integer", 1, 0, 5, unit="sentences",
            ),
            Parameter(
                "minimum", "At least", "No cut before a passage holds this much.", "integer", 60, 0,
                1000, unit="tokens",
            ),
            size_parameter(250),
            overlap_parameter(0, 10, "sentences"),
        ),
        cut=cut_by_meaning,
        uses_embedder=True,
    ),
)  # fmt: skip

__all__ = ["STRATEGIES", "find_turns"]
