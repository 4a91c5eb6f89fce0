"""Cuts where the meaning turns: between neighbouring sentences whose vectors are far apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from apps.chunking.splitters import Packer, Piece, Range, open_packer
from apps.chunking.strategies.base import (
    ChunkingSource,
    EmbedderMissingError,
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
from apps.core.options import Option

if TYPE_CHECKING:
    from inference.protocols import Vectors

BATCH = 256
DIGITS = 3
"""Distances are rounded, so that the order of batches cannot move a cut."""


def cut_by_meaning(source: ChunkingSource, values: Values) -> list[Piece]:
    """Sentences up to a change of topic. Raises EmbedderMissingError without `source.embed`."""
    params = read_split_params({**values, "overlap": 0}, room=source.room)
    packer = open_packer(source.pages, params=params, count_tokens=source.count_tokens)
    distances = _measure(source, packer, window=values["window"])
    borders = find_turns(packer, distances, percentile=values["percentile"])
    groups = list(_group(packer, borders, minimum=values["minimum"]))
    ranges = [piece for group in groups for piece in packer.cut(group)]
    return packer.make_pieces(share(packer, ranges, values["overlap"], lambda unit: unit.is_prose))


def _measure(source: ChunkingSource, packer: Packer, *, window: int) -> list[float]:
    """How far each unit's meaning is from that of the text before it, as cosine distances.

    The mean of `window` + 1 sentences on one side is compared with that on the other: a single
    sentence says little about its topic. Lines of code and rows of tables are not embedded: next to
    them, as at the first unit, the distance is 0.
    """
    if source.embed is None:
        raise EmbedderMissingError
    units = packer.units
    prose = [number for number, unit in enumerate(units) if unit.is_prose or unit.is_heading]
    vectors: dict[int, Vectors] = {}
    for start in range(0, len(prose), BATCH):
        batch = prose[start : start + BATCH]
        texts = [packer.text[units[number].start : units[number].end] for number in batch]
        vectors.update(zip(batch, source.embed(texts), strict=True))
    distances = [0.0] * len(units)
    for number in range(1, len(units)):
        before = [vectors[n] for n in range(max(number - window - 1, 0), number) if n in vectors]
        after = [
            vectors[n] for n in range(number, min(number + window + 1, len(units))) if n in vectors
        ]
        if before and after and number in vectors and number - 1 in vectors:
            distances[number] = round(
                _distance(cast("Vectors", sum(before)), cast("Vectors", sum(after))), DIGITS
            )
    return distances


def _distance(one: Vectors, other: Vectors) -> float:
    length = float(one @ one) ** 0.5 * float(other @ other) ** 0.5
    return 1.0 - float(one @ other) / length if length else 0.0


def find_turns(packer: Packer, distances: Sequence[float], *, percentile: float) -> set[int]:
    """Indices of units that begin a new topic: after a large distance, or at a heading."""
    units = packer.units
    headings = {i for i, unit in enumerate(units) if unit.border == Border.HEADING and i}
    inside = sorted(d for i, d in enumerate(distances) if d > 0 and i not in headings)
    if not inside:
        return headings
    threshold = inside[min(int(len(inside) * percentile / 100), len(inside) - 1)]
    turns = {i for i, distance in enumerate(distances) if distance >= threshold and distance > 0}
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
            Option(
                "percentile", "Cut above", "number", 85,
                "The percentile of the distances between neighbours from which a cut is made: "
                "higher means fewer and larger passages.",
                50, 99, unit="percentile",
            ),
            Option(
                "window", "Look around", "whole", 1,
                "How many more sentences on either side are compared.",
                0, 5, unit="sentences",
            ),
            Option(
                "minimum", "At least", "whole", 60,
                "No cut before a passage holds this much.",
                0, 1000, unit="tokens",
            ),
            size_parameter(250),
            overlap_parameter(0, 10, "sentences"),
        ),
        cut=cut_by_meaning,
        uses_embedder=True,
    ),
)  # fmt: skip

__all__ = ["STRATEGIES", "find_turns"]
