"""Character spans against numbers worked out by hand, and against sets of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.spans import (
    Span,
    measure_overlap,
    merge,
)

SPANS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.integers(0, 15)).map(
        lambda t: Span(t[0], t[1], t[1] + t[2])
    ),
    max_size=8,
)


def test_recall_precision_and_iou() -> None:
    wanted = [Span("d", 10, 20), Span("d", 30, 40)]
    retrieved = [Span("d", 0, 15), Span("d", 12, 20), Span("e", 0, 10)]
    scores = measure_overlap(retrieved, wanted)
    assert scores is not None
    # 10 to 20 is held, 20 characters are wanted, 15 + 8 + 10 are read.
    assert (scores.common, scores.expected, scores.retrieved) == (10, 20, 33)
    assert scores.recall == 0.5
    assert scores.precision == pytest.approx(10 / 33)
    assert scores.iou == pytest.approx(10 / (20 + 33 - 10))


def test_nothing_wanted_has_no_score_and_nothing_retrieved_scores_zero() -> None:
    assert measure_overlap([Span("d", 0, 5)], []) is None
    assert measure_overlap([Span("d", 0, 5)], [Span("d", 3, 3)]) is None
    scores = measure_overlap([], [Span("d", 0, 5)])
    assert scores is not None
    assert (scores.recall, scores.precision, scores.iou) == (0.0, 0.0, 0.0)


def test_a_span_goes_forward() -> None:
    with pytest.raises(ValueError, match="cannot go"):
        Span("d", 5, 4)


def characters(spans: list[Span]) -> set[tuple[object, int]]:
    return {(span.document, at) for span in spans for at in range(span.start, span.end)}


@given(SPANS, SPANS)
def test_it_counts_as_sets_of_characters_do(retrieved: list[Span], wanted: list[Span]) -> None:
    assert characters(merge(retrieved)) == characters(retrieved)
    scores = measure_overlap(retrieved, wanted)
    if not characters(wanted):
        assert scores is None
        return
    assert scores is not None
    common = characters(retrieved) & characters(wanted)
    read = sum(span.length for span in retrieved)
    assert scores.common == len(common)
    assert scores.recall == len(common) / len(characters(wanted))
    assert scores.precision == (len(common) / read if read else 0.0)
    assert scores.iou == len(common) / (len(characters(wanted)) + read - len(common))
