"""Text measures against numbers worked out by hand, and against rouge-score, nltk and others."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.protocols import Vectors
from measures.evaluators.base import Observation, Tools
from measures.evaluators.matching import (
    contains,
    edit_similarity,
    exact_match,
    fuzzy_match,
    ngram_overlap,
    normalise,
    token_f1,
)
from measures.evaluators.meaning import answer_relevance, embedding_similarity
from measures.evaluators.overlap import bleu, rouge_l, rouge_n
from measures.evaluators.registry import score

WORDS = st.lists(st.sampled_from(["the", "cat", "sat", "on", "a", "mat", "dog", "7"]), max_size=12)
TEXTS = WORDS.map(" ".join)
SOME = WORDS.filter(lambda words: len(words) > 3).map(" ".join)


def test_normalising_as_squad_does() -> None:
    assert normalise("  The Cat's  an  answer, a. ") == "cats answer"


def test_exact_match_and_contains() -> None:
    assert exact_match("The Eiffel Tower.", "eiffel tower") == 1
    assert exact_match("Eiffel", "eiffel tower") == 0
    assert contains("It is the Eiffel Tower, in Paris.", "Eiffel tower") == 1
    assert contains("The year 1945", "194") == 0, "words are not cut"
    assert contains("", "") == 1


def test_token_f1() -> None:
    # Three of four words are common to both: precision 3/4, recall 3/3.
    assert token_f1("in the year 1945 maybe", "in year 1945") == pytest.approx(6 / 7)
    assert token_f1("b b b", "b") == pytest.approx(2 * 1 / 4)
    assert token_f1("", "the") == 1, "both have no words"
    assert token_f1("word", "") == 0


def test_edit_distance_and_fuzzy_match() -> None:
    assert edit_similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert edit_similarity("", "") == 1
    assert fuzzy_match("Smith, John", "john smith") == 1
    assert fuzzy_match("", "") == 1
    assert fuzzy_match("x", "") == 0


def test_ngram_overlap() -> None:
    # {cat sat, sat on, on mat} and {cat sat, sat by, by mat}: 2 * 1 / 6.
    assert ngram_overlap("cat sat on mat", "cat sat by mat") == pytest.approx(1 / 3)
    assert ngram_overlap("cat", "cat") == 1
    assert ngram_overlap("cat", "") == 0


def test_bleu_by_hand() -> None:
    # Unigrams 5/6, pairs 3/5, triples 2/4, fours 1/3; no brevity penalty at equal length.
    value = bleu("the cat sat on a mat", ["the cat sat on the mat"])
    assert value == pytest.approx((5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)
    short = bleu("the cat sat on", ["the cat sat on the mat"])
    assert short == pytest.approx(math.exp(1 - 6 / 4))
    assert bleu("", ["x"]) == 0
    assert bleu("the cat sat on the mat", ["the cat sat on the mat"]) == 1


def test_rouge_by_hand() -> None:
    one = rouge_n("the cat sat", "the cat ate fish", n=1)
    assert (one.precision, one.recall) == pytest.approx((2 / 3, 2 / 4))
    two = rouge_n("the cat sat", "the cat ate fish", n=2)
    assert (two.precision, two.recall, two.f1) == pytest.approx((1 / 2, 1 / 3, 0.4))
    # Lin's own example: "police kill the gunman" keeps two words in order, "police the gunman".
    lcs = rouge_l("police kill the gunman", "police killed the gunman")
    assert lcs.f1 == pytest.approx(3 / 4)
    assert rouge_l("the gunman kill police", "police killed the gunman").f1 == pytest.approx(2 / 4)
    assert rouge_n("", "x", n=1).f1 == 0
    assert rouge_n("Zürich", "zürich", n=1).f1 == 1


@given(TEXTS, TEXTS)
@settings(max_examples=80, deadline=None)
def test_rouge_is_that_of_rouge_score(answer: str, expected: str) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    theirs = RougeScorer(["rouge1", "rouge2", "rougeL"]).score(expected, answer)
    ours = {
        "rouge1": rouge_n(answer, expected, n=1),
        "rouge2": rouge_n(answer, expected, n=2),
        "rougeL": rouge_l(answer, expected),
    }
    for name, overlap in ours.items():
        assert (overlap.precision, overlap.recall, overlap.f1) == pytest.approx(tuple(theirs[name]))


@given(SOME, SOME)
@settings(max_examples=60, deadline=None)
def test_bleu_is_that_of_nltk_where_nothing_is_smoothed(answer: str, expected: str) -> None:
    from nltk.translate.bleu_score import modified_precision, sentence_bleu

    pair = ([expected.split()], answer.split())
    if all(modified_precision(*pair, n).numerator for n in range(1, 5)):
        assert bleu(answer, [expected]) == pytest.approx(sentence_bleu(*pair))


def levenshtein(a: str, b: str) -> int:
    """The textbook's table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_edit_similarity_is_the_textbooks(a: str, b: str) -> None:
    longer = max(len(a), len(b))
    expected = 1 - levenshtein(a, b) / longer if longer else 1
    assert edit_similarity(a, b) == pytest.approx(expected)


def squad_f1(answer: str, expected: str) -> float:
    """As the official SQuAD 2.0 script has it."""
    import re
    from collections import Counter

    def tokens(text: str) -> list[str]:
        text = "".join(c for c in text.lower() if c not in set(string.punctuation))
        return re.sub(r"\b(a|an|the)\b", " ", text).split()

    gold, found = tokens(expected), tokens(answer)
    same = sum((Counter(gold) & Counter(found)).values())
    if not gold or not found:
        return float(gold == found)
    if not same:
        return 0.0
    precision, recall = same / len(found), same / len(gold)
    return 2 * precision * recall / (precision + recall)


@given(TEXTS, TEXTS)
def test_token_f1_is_squads(answer: str, expected: str) -> None:
    assert token_f1(answer, expected) == pytest.approx(squad_f1(answer, expected))


@pytest.mark.parametrize(
    "measure", [exact_match, contains, token_f1, edit_similarity, fuzzy_match, ngram_overlap]
)
@given(text=st.text(max_size=30), other=st.text(max_size=30))
@settings(max_examples=30, deadline=None)
def test_measures_stay_in_range_and_know_the_same_text(
    measure: Callable[[str, str], float], text: str, other: str
) -> None:
    assert measure(text, text) == pytest.approx(1)
    assert 0 <= measure(text, other) <= 1


class Letters:
    """Vectors of letter counts: texts of the same letters are the same."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.array([[text.count(c) for c in string.ascii_lowercase] for text in texts])
        lengths = np.maximum(1e-9, np.linalg.norm(rows, axis=1))
        return np.asarray(rows / lengths[:, None], np.float32)


def test_vectors() -> None:
    assert embedding_similarity("ab", ["zz", "a"], embedder=Letters()) == pytest.approx(0.5**0.5)
    relevance = answer_relevance("abc", "cab abc. Zzz zzz.", embedder=Letters())
    assert relevance == pytest.approx(0.5, abs=0.01)
    assert answer_relevance("abc", "", embedder=Letters()) == 0


async def test_the_best_of_several_expected_answers_counts() -> None:
    seen = Observation(answer="Saint Peter", expected_answers=("Paul", "st. peter", "saint peter"))
    found = await score("exact_match", seen, tools=Tools())
    assert (found.value, found.label, found.details["compared_with"]) == (1, "pass", "saint peter")
    for name in ("token_f1", "fuzzy_match", "edit_similarity", "ngram_overlap", "bleu", "rouge_l"):
        assert (await score(name, seen, tools=Tools())).value is not None
    missing = await score("rouge_1", Observation(answer="x"), tools=Tools())
    assert (missing.status, missing.reason) == ("not_applicable", "No expected answer.")
    unequipped = await score("embedding_similarity", seen, tools=Tools())
    assert unequipped.status == "failed"
