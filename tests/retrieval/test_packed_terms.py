"""Packed numbers come out as they went in, and what is added up is what plain sums give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.retrieval.postings import term_lists
from apps.retrieval.postings.packed_terms import (
    POSTING,
    count_packed,
    pack_impacts,
    pack_numbers,
    unpack_impacts,
    unpack_numbers,
)


def ascending(numbers: Any) -> Any:
    return np.array(sorted(numbers), np.int64)


@pytest.mark.parametrize(
    ("numbers", "packed"),
    [
        ([0], b"\x01\x00"),
        ([3, 4, 258], b"\x01\x03\x01\xfe"),
        ([255], b"\x01\xff\x00"),  # the largest byte, and the rest
        ([7, 7 + 600], b"\x01\x07\xff\xff\x5a"),
        ([1000, 3000], b"\x02\xe8\x03\xd0\x07"),  # two bytes each are shorter here
        ([70_000, 70_300], b"\x02\xff\xff\x71\x11\x2c\x01"),
    ],
)
def test_numbers_are_written_by_their_gaps(numbers: list[int], packed: bytes) -> None:
    assert pack_numbers(ascending(numbers)) == packed
    assert unpack_numbers(packed, count=len(numbers)).tolist() == numbers


@given(st.sets(st.integers(0, 2**22), min_size=1, max_size=200))
def test_numbers_come_out_as_they_went_in(numbers: set[int]) -> None:
    packed = pack_numbers(ascending(numbers))

    assert unpack_numbers(packed, count=len(numbers)).tolist() == sorted(numbers)


def test_impacts_are_those_of_bm25() -> None:
    frequencies, lengths = np.array([1.0, 2.0, 1.0]), np.array([10, 10, 40])

    packed = pack_impacts(frequencies, lengths, mean_length=10)

    # 1 / (1 + 0.3 + 0.9), 2 / (2 + 0.3 + 0.9) and 1 / (1 + 0.3 + 3.6), times the weight
    assert count_packed(packed) == 3
    assert unpack_impacts(packed, weight=2).tolist() == pytest.approx(
        [2 / 2.2, 4 / 3.2, 2 / 4.9], abs=2 / 32_767
    )


@pytest.mark.parametrize("spread", [1, 1_000], ids=["ids side by side", "ids far apart"])
@pytest.mark.parametrize("chosen", [False, True], ids=["all", "behind a filter"])
def test_the_best_are_those_of_plain_sums(
    spread: int, chosen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term_lists, "DENSE_SPAN", 10_000)
    random = np.random.default_rng(spread)
    base, late = 500, {500 + 3 * spread, 500 + 11 * spread}
    lists = term_lists._IndexPostings(20.0, late=sorted(late))
    plain: dict[int, float] = {}
    for bit, size in enumerate((5, 300, 900, 40)):
        places = np.sort(random.choice(2_000, size, replace=False)) * spread
        lengths = random.integers(5, 60, size)
        impacts = pack_impacts(np.ones(size), lengths, mean_length=20)
        lists.add((base, pack_numbers(places), impacts, None), weight=bit + 1.0, bit=1 << bit)
        shares = unpack_impacts(impacts, weight=bit + 1.0)
        for place, share in zip(places.tolist(), shares.tolist(), strict=True):
            if base + place not in late:
                plain[base + place] = plain.get(base + place, 0.0) + share
    fresh = np.array([(base + 7 * spread, 2, 20), (base + 9_000 * spread, 1, 20)], POSTING)
    lists.add((base, None, None, fresh.tobytes()), weight=3.0, bit=16)
    for chunk_id, frequency, _ in fresh.tolist():
        score = 3 * frequency / (frequency + 1.2)
        plain[chunk_id] = plain.get(chunk_id, 0.0) + score
    allowed = ascending(random.choice(sorted(plain), 200, replace=False)) if chosen else None
    words = term_lists.TermPostings([lists])

    found = words.look_up(words.best(30, allowed=allowed))

    wanted = {pk: score for pk, score in plain.items() if allowed is None or pk in allowed}
    best = sorted(wanted.values(), reverse=True)[:30]
    assert found.scores.tolist() == pytest.approx(best, abs=1e-4)
    assert found.scores.tolist() == pytest.approx([plain[pk] for pk in found.chunk_ids], abs=1e-4)
    asked = np.array([*list(plain)[:50], *late, base + 1_999_999], np.int64)
    assert words.look_up(asked).scores.tolist() == pytest.approx(
        [plain.get(pk, 0.0) for pk in asked.tolist()], abs=1e-4
    )
    assert (lists._met is None) == (spread == 1)
