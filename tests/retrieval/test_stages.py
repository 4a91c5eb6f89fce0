"""What happens to hits after they were found: pure functions, numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from apps.retrieval.search.diversity import diversify
from apps.retrieval.search.fusion import EVEN, LITERAL, choose_weights, join_lists, mix, to_unit
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.neighbours import Stretch, grow
from apps.retrieval.search.profiles import RetrievalProfile
from apps.retrieval.search.recency import freshness, prefer_recent
from apps.retrieval.search.rerank import rerank_hits, rerank_late
from inference.errors import ModelError
from inference.fake import HashTokenEncoder
from inference.late_interaction import max_sim, score_late

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def hit(chunk_id: int, score: float = 1.0, text: str = "", start: int = 0) -> Hit:
    return Hit(
        chunk_id=chunk_id, document_id=UUID(int=1), document_name="a.txt", version_id=UUID(int=2),
        page=1, start=start, end=start + len(text), text=text, heading="", score=score,
        lexical_score=None, lexical_rank=None, matched_terms=(), similarity=None, vector_rank=None,
    )  # fmt: skip


def ids(hits: Sequence[Hit]) -> list[int]:
    return [hit.chunk_id for hit in hits]


def test_scores_run_from_0_to_1() -> None:
    assert to_unit([2.0, 4.0, 3.0]) == [0, 1, 0.5]
    assert to_unit([3.0, 3.0]) == [1, 1]
    assert to_unit([]) == []


def test_a_share_of_other_scores_changes_the_order() -> None:
    # 0.6 x own (1, 0.5, 0) + 0.4 x other (0, 0.25, 1).
    mixed = mix([hit(1, 30), hit(2, 20), hit(3, 10)], [0.0, 0.25, 1.0], share=0.4)

    assert [(h.chunk_id, round(h.score, 6)) for h in mixed] == [
        (1, 0.6), (2, 0.4), (3, 0.4),
    ]  # fmt: skip


def test_lists_of_several_questions_are_joined_by_rank() -> None:
    joined = join_lists([[hit(1), hit(2)], [hit(3), hit(2)]])

    assert [(h.chunk_id, round(h.score, 6)) for h in joined] == [
        (2, round(2 / 62, 6)), (1, round(1 / 61, 6)), (3, round(1 / 61, 6)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("How long is the notice period?", EVEN),
        ("Who was president then?", EVEN),
        ("Who was president in 1973?", LITERAL),
        ("What were the sales in Q3?", LITERAL),
        ("Who founded Siemens in Berlin?", EVEN),
        ("What does max_connections do?", LITERAL),
        ('Where is "gross negligence" defined?', LITERAL),
        ("What does error E4021 mean?", LITERAL),
        ("How do I call os.listdir()?", LITERAL),
        ("Is there a --dry-run option?", LITERAL),
        ("What is getUserName for?", LITERAL),
        ("well-known part-time state-of-the-art work", EVEN),
    ],
)
def test_exact_names_and_numbers_make_words_count_more(question: str, share: float) -> None:
    assert choose_weights(question, RetrievalProfile()) == (1 - share, share)
    words, meaning = choose_weights(question, RetrievalProfile(vector_weight=0.9))
    assert (round(words, 6), meaning) == (0.1, 0.9)
    assert choose_weights(question, RetrievalProfile(fusion="rrf")) == (EVEN, EVEN)


def test_variety_skips_what_repeats_the_best() -> None:
    """1 and 2 are the same; 3 is at a right angle to both. Scores become 1, 0.9 and 0.

    With diversity 0.5 the second place is worth 0.45 - 0.5 for passage 2 and 0 - 0 for 3.
    """
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)

    assert diversify([10, 9, 0], vectors, diversity=0.5) == [0, 2, 1]
    assert diversify([10, 9, 0], vectors, diversity=0.0) == [0, 1, 2]
    assert diversify([10, 9, 0], vectors, diversity=0.4) == [0, 1, 2]  # 0.54 - 0.4 > 0
    assert diversify([], np.zeros((0, 2), np.float32), diversity=0.5) == []


def test_freshness_halves_with_every_half_life() -> None:
    def fresh(days: float) -> float:
        return freshness(NOW - timedelta(days=days), now=NOW, half_life_days=30)

    assert [fresh(0), fresh(30), fresh(60), fresh(-5)] == [1, 0.5, 0.25, 1]


def test_newer_passages_overtake_slightly_better_ones() -> None:
    # Relevance 1, 0.9, 0; freshness 1/4, 1, 1; share 0.2.
    hits = [hit(1, 10), hit(2, 9), hit(3, 0)]
    dates = [NOW - timedelta(days=60), NOW, NOW]

    ordered = prefer_recent(hits, dates, now=NOW, share=0.2, half_life_days=30)

    assert [(h.chunk_id, round(h.score, 6)) for h in ordered] == [
        (2, 0.92), (1, 0.85), (3, 0.2),
    ]  # fmt: skip


def test_the_head_is_put_in_the_order_of_the_reranker() -> None:
    hits = [hit(1, 0.9, "one"), hit(2, 0.8, "two"), hit(3, 0.7, "three"), hit(4, 0.6)]
    asked: list[object] = []

    def reranker(question: str, texts: Sequence[str]) -> list[float]:
        asked.append((question, list(texts)))
        return [-3.0, 5.0, 1.0]

    reranked, problem = rerank_hits("Why?", hits, depth=3, reranker=reranker)

    assert asked == [("Why?", ["one", "two", "three"])]
    assert (ids(reranked), problem) == ([2, 3, 1, 4], "")
    assert [h.score for h in reranked] == [1, 0.5, 0, -1]


def test_a_reranker_that_fails_leaves_the_order() -> None:
    def reranker(question: str, texts: Sequence[str]) -> list[float]:
        raise ModelError("unreachable", "Nobody answers.")

    hits = [hit(1, 0.9), hit(2, 0.8)]

    assert rerank_hits("Why?", hits, depth=5, reranker=reranker) == (
        hits, "Not reranked: Nobody answers.",
    )  # fmt: skip


def test_late_interaction_is_the_mean_of_the_best_matches() -> None:
    asked = np.array([[1, 0], [0, 1]], np.float32)
    tokens = np.array([[0.6, 0.8], [0.8, 0.6]], np.float32)

    assert abs(max_sim(asked, tokens) - 0.8) < 1e-6
    assert max_sim(asked, tokens[:0]) == 0.0
    # Two of three words of the question stand in the text.
    scores = score_late(HashTokenEncoder(), "red green blue", ["blue and red", "", "none"])
    assert abs(scores[0] - 2 / 3) < 0.05
    assert scores[1] == 0.0


def test_late_interaction_reranks(settings: object) -> None:
    hits = [hit(1, 0.50, "about ships"), hit(2, 0.49, "red green blue"), hit(3, 0.0, "red")]

    assert ids(rerank_late("red green blue", hits, depth=20)) == [2, 1, 3]


def test_a_passage_grows_by_what_touches_it() -> None:
    """The text is `abc def ghi xyz`; two of its passages overlap, one stands far away."""
    middle = hit(1, text="def g", start=4)
    around = [
        Stretch(0, 3, "abc", 1), Stretch(4, 9, "def g", 1), Stretch(8, 11, "ghi", 2),
        Stretch(40, 43, "far", 3),
    ]  # fmt: skip

    grown = grow(middle, around)

    assert (grown.start, grown.end, grown.text) == (0, 11, "abc\ndef ghi")
    assert grow(middle, around[1:2]) == middle


def test_nothing_grows_over_a_hole() -> None:
    assert grow(hit(1, text="def", start=40), [Stretch(0, 3, "abc", 1)]).start == 40
