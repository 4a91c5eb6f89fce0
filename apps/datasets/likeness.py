"""Finds near-duplicate texts: Jaccard similarity of character trigrams, using MinHash. Pure.

All pairs of a small set are compared; of a large one only those whose MinHash signatures (Broder,
1997) agree in one of several bands (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets,
chapter 3). With 40 bands of 6 rows, a pair of similarity .7 is missed once in 150, one of .8 never.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

LIKE = 0.7
"""From this similarity on, two questions count as duplicates."""
ALL_PAIRS = 300
BANDS, ROWS = 40, 6
MAX_BUCKET = 200
"""In larger buckets only neighbours are compared, because all texts there are alike."""
_PRIME = (1 << 31) - 1
_SPACES = re.compile(r"\W+")


@dataclass(frozen=True, slots=True, order=True)
class SimilarPair:
    """Positions of two texts and how alike they are, 0 to 1."""

    first: int
    second: int
    similarity: float


def trigrams(text: str) -> frozenset[str]:
    """Runs of three characters, without case and punctuation; a short text is one of its own."""
    plain = f" {_SPACES.sub(' ', text.lower()).strip()} "
    return frozenset(plain[i : i + 3] for i in range(len(plain) - 2)) or frozenset({plain})


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """|A and B| / |A or B|."""
    union = len(first | second)
    return len(first & second) / union if union else 1.0


def is_alike(first: str, second: str, *, least: float = LIKE) -> bool:
    """Whether two texts are nearly the same."""
    return jaccard(trigrams(first), trigrams(second)) >= least


def find_pairs(texts: Sequence[str], *, least: float = LIKE) -> list[SimilarPair]:
    """Pairs of at least this similarity, most similar first."""
    grams = [trigrams(text) for text in texts]
    pairs = (SimilarPair(a, b, jaccard(grams[a], grams[b])) for a, b in _candidates(grams))
    alike = [pair for pair in pairs if pair.similarity >= least]
    return sorted(alike, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def find_across(
    texts: Sequence[str], others: Sequence[str], *, least: float = LIKE
) -> list[SimilarPair]:
    """Similar pairs across two lists (`second` is an index into `others`), most similar first."""
    ours, theirs = [trigrams(text) for text in texts], [trigrams(text) for text in others]
    alike = [
        SimilarPair(a, b, similarity)
        for a, mine in enumerate(ours)
        for b, other in enumerate(theirs)
        if (similarity := jaccard(mine, other)) >= least
    ]
    return sorted(alike, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def group(pairs: Sequence[SimilarPair]) -> list[list[int]]:
    """Connected groups of positions, largest first."""
    parent: dict[int, int] = {}

    def root(item: int) -> int:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for pair in pairs:
        parent[root(pair.second)] = root(pair.first)
    groups: dict[int, list[int]] = defaultdict(list)
    for item in sorted(parent):
        groups[root(item)].append(item)
    return sorted(groups.values(), key=lambda items: (-len(items), items))


def _candidates(grams: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    if len(grams) <= ALL_PAIRS:
        yield from combinations(range(len(grams)), 2)
        return
    signatures = np.stack([_sign(gram) for gram in grams])
    seen: set[tuple[int, int]] = set()
    for band in range(BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for position, row in enumerate(signatures[:, band * ROWS : (band + 1) * ROWS]):
            buckets[row.tobytes()].append(position)
        for members in buckets.values():
            near = combinations(members, 2)
            pairs = pairwise(members) if len(members) > MAX_BUCKET else near
            for pair in pairs:
                if pair not in seen:
                    seen.add(pair)
                    yield pair


_RANDOM = np.random.default_rng(20_241)
_FACTORS = _RANDOM.integers(1, _PRIME, BANDS * ROWS, dtype=np.int64)
_OFFSETS = _RANDOM.integers(0, _PRIME, BANDS * ROWS, dtype=np.int64)


def _sign(grams: frozenset[str]) -> NDArray[np.int64]:
    """The least of each hash over the trigrams; shape (BANDS * ROWS,)."""
    codes = np.array([zlib.crc32(gram.encode()) % _PRIME for gram in grams], np.int64)
    # Below 2^31 each, so that the products stay within 64 bits.
    hashes = (codes[:, None] * _FACTORS[None, :] + _OFFSETS[None, :]) % _PRIME
    signature: NDArray[np.int64] = hashes.min(axis=0)
    return signature
