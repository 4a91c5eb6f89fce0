"""Retrieval evaluators: from observations to the metrics, by document, passage and character."""

from __future__ import annotations

import math

import pytest

from apps.core.options import OptionError
from measures.evaluators.base import EvidencePassage, Observation, Tools
from measures.evaluators.registry import get_evaluator, score
from measures.evaluators.retrieval import measure


def at(document: str, start: int, end: int, *, grade: float = 1.0) -> EvidencePassage:
    return EvidencePassage("text", document, start, end, grade)


SEEN = Observation(
    expected_passages=(at("a", 0, 100), at("a", 100, 200), at("b", 0, 50)),
    retrieved=(at("z", 0, 80), at("a", 0, 180), at("a", 40, 100), at("b", 30, 90)),
)


async def test_by_document() -> None:
    # Documents in rank order: z, a, b; a and b are wanted.
    found = await score("context_recall", SEEN, tools=Tools(), settings={"k": 2})
    assert found.value == 0.5
    assert found.details == {"passages_found_at": [2]}
    assert measure(SEEN, "precision", unit="document", k=2) == 0.5
    assert measure(SEEN, "map", unit="document", k=9) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert measure(SEEN, "mrr", unit="document", k=9) == 0.5


def test_by_passage_each_expected_one_counts_once() -> None:
    # Rank 2 holds both of a's; rank 3 most of the first, again; rank 4 has only 20 of 50.
    assert measure(SEEN, "recall", unit="passage", k=2) == pytest.approx(2 / 3)
    assert measure(SEEN, "recall", unit="passage", k=4) == pytest.approx(2 / 3)
    assert measure(SEEN, "precision", unit="passage", k=4) == 0.5
    assert measure(SEEN, "all_found", unit="passage", k=4) == 0
    assert measure(SEEN, "mrr", unit="passage", k=4) == 0.5
    found = (1 / math.log2(3) + 1 / math.log2(4)) / (1 + 1 / math.log2(3) + 1 / math.log2(4))
    assert measure(SEEN, "ndcg", unit="passage", k=4) == pytest.approx(found)


@pytest.mark.parametrize("unit", ["passage", "document"])
async def test_context_precision_divides_by_what_was_retrieved(unit: str) -> None:
    """Two of two retrieved are wanted, with room for ten: 2 / 2, and 2 / 10 at k."""
    seen = Observation(
        expected_passages=SEEN.expected_passages, retrieved=(at("a", 0, 180), at("b", 0, 50))
    )
    settings = {"unit": unit, "k": 10}
    for name, k, value in (
        ("context_precision", 10, 1.0), ("context_precision_at_k", 10, 0.2),
        ("context_precision", 1, 1.0), ("context_precision_at_k", 1, 1.0),
    ):  # fmt: skip
        outcome = await score(name, seen, tools=Tools(), settings=settings | {"k": k})
        assert outcome.value == pytest.approx(value), (name, k)
    nothing = Observation(expected_passages=SEEN.expected_passages)
    assert (await score("context_precision", nothing, tools=Tools())).value == 0
    assert get_evaluator("context_precision").version == 2


def test_one_passage_that_holds_everything_is_enough() -> None:
    seen = Observation(
        expected_passages=SEEN.expected_passages[:2], retrieved=(at("a", 0, 200), at("q", 0, 9))
    )
    for metric in ("recall", "all_found", "hit_rate", "mrr", "map", "ndcg", "precision"):
        assert measure(seen, metric, unit="passage", k=1) == 1, metric


async def test_by_text_where_offsets_are_unknown() -> None:
    seen = Observation(
        expected_passages=(EvidencePassage("The  fee is $5."), EvidencePassage("", "handbook")),
        retrieved=(
            EvidencePassage("Fees. The fee is\n$5. More."),
            EvidencePassage("x", "handbook"),
        ),
    )
    settings = {"unit": "passage", "k": 2}
    assert (await score("context_recall", seen, tools=Tools(), settings=settings)).value == 1


async def test_by_character() -> None:
    # 200 + 50 wanted; read 80 + 180 + 60 + 60; common 180 + 20.
    for name, value in (
        ("span_recall", 200 / 250),
        ("span_precision", 200 / 380),
        ("span_iou", 200 / 430),
    ):
        assert (await score(name, SEEN, tools=Tools())).value == pytest.approx(value), name


async def test_nothing_expected_is_not_applicable_and_nothing_retrieved_is_zero() -> None:
    nothing = await score("ndcg", Observation(retrieved=SEEN.retrieved), tools=Tools())
    assert nothing.status == "not_applicable"
    empty = Observation(expected_passages=SEEN.expected_passages)
    for name in ("hit_rate", "map", "span_iou"):
        assert (await score(name, empty, tools=Tools())).value == 0


@pytest.mark.parametrize(
    ("chosen", "field"),
    [({"k": 0}, "k"), ({"k": True}, "k"), ({"unit": "word"}, "unit"), ({"depth": 1}, "depth")],
)
async def test_settings_are_checked(chosen: dict[str, object], field: str) -> None:
    with pytest.raises(OptionError) as raised:
        await score("mrr", SEEN, tools=Tools(), settings=chosen)
    assert raised.value.field == field
