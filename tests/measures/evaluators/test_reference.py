"""Evaluators on random input against libraries, or against their definition written down again.

What has a reference elsewhere is compared there: ROUGE, BLEU, token F1 and edit distance in
test_matching, rankings in test_ranking_reference, characters in test_spans, pass@k in
test_functional, and statistics with kappa, AUROC and correlations in test_statistics.
"""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference.protocols import Vectors
from measures.detectors.personal_data import find_personal_data, passes_iban, passes_luhn
from measures.detectors.support import estimate_support, read_evidence
from measures.evaluators.abstention import measure_abstention
from measures.evaluators.base import (
    CitationMark,
    EvidencePassage,
    Observation,
    Score,
    Timing,
    Tools,
)
from measures.evaluators.citations import judge_citations
from measures.evaluators.formats import matches, read_json
from measures.evaluators.matching import contains, exact_match, fuzzy_match, ngram_overlap
from measures.evaluators.meaning import answer_relevance, embedding_similarity
from measures.evaluators.perplexity import perplexity
from measures.evaluators.registry import get_evaluator
from measures.evaluators.speed import time_per_output_token
from measures.ranking import all_found_at, recall_at

WORDS = st.lists(
    st.sampled_from(["The", "cat,", "sat", "on", "a", "mat.", "dog", "7", "an"]), max_size=10
)
TEXTS = WORDS.map(" ".join)
QUICK = settings(max_examples=40, deadline=None)


def run(name: str, chosen: dict[str, Any] | None = None, **seen: Any) -> Score:
    """One evaluator that asks no model."""
    evaluator = get_evaluator(name)
    assert evaluator.evaluate is not None
    return evaluator.evaluate(Observation(**seen), Tools(settings=evaluator.fill(chosen or {})))


def squad_tokens(text: str) -> list[str]:
    """As the official script of SQuAD normalises."""
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


@given(TEXTS, TEXTS)
@QUICK
def test_exact_match_and_contains_are_about_squads_tokens(answer: str, expected: str) -> None:
    found, wanted = squad_tokens(answer), squad_tokens(expected)
    assert exact_match(answer, expected) == float(found == wanted)
    windows = [found[i : i + len(wanted)] for i in range(len(found) - len(wanted) + 1)]
    assert contains(answer, expected) == (float(wanted in windows) if wanted else float(not found))


# The library's distance is a table in Python: shorter texts say as much.
SHORT = WORDS.map(lambda words: " ".join(words[:5]))


@given(SHORT, SHORT)
@QUICK
def test_fuzzy_match_is_nltks_distance_without_substitutions(answer: str, expected: str) -> None:
    from nltk.metrics.distance import edit_distance

    a, b = (" ".join(sorted(squad_tokens(text))) for text in (answer, expected))
    assume(a or b)
    distance = edit_distance(a, b, substitution_cost=2)
    assert fuzzy_match(answer, expected) == pytest.approx(1 - distance / (len(a) + len(b)))


@given(TEXTS, TEXTS, st.integers(1, 3))
@QUICK
def test_ngram_overlap_is_dice_of_nltks_ngrams(answer: str, expected: str, n: int) -> None:
    from nltk.metrics.distance import jaccard_distance
    from nltk.util import ngrams

    a, b = (set(ngrams(squad_tokens(text), n)) for text in (answer, expected))
    assume(a and b)
    same = 1 - jaccard_distance(a, b)
    assert ngram_overlap(answer, expected, n=n) == pytest.approx(2 * same / (1 + same))


class Fixed:
    """An embedder that gives the n-th text the n-th row."""

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        values = np.asarray(rows, np.float64)
        self.rows = values / np.linalg.norm(values, axis=1, keepdims=True)

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.asarray(self.rows[: len(texts)], np.float32)


ROWS = st.lists(
    st.lists(st.integers(-9, 9), min_size=3, max_size=3).filter(any), min_size=2, max_size=6
)


@given(ROWS)
@QUICK
def test_vectors_are_compared_as_scikit_learn_does(rows: list[list[int]]) -> None:
    from sklearn.metrics.pairwise import cosine_similarity

    cosines = cosine_similarity(rows[:1], rows[1:])[0]
    near = min(1.0, max(0.0, float(max(cosines))))
    expected = [f"Answer {number}." for number in range(len(rows) - 1)]
    found = embedding_similarity("x", expected, embedder=Fixed(rows))
    assert found == pytest.approx(near, abs=1e-6)
    three = np.sort(cosines)[-3:].mean()
    relevance = answer_relevance("x?", " ".join(expected), embedder=Fixed(rows))
    assert relevance == pytest.approx(min(1.0, max(0.0, float(three))), abs=1e-6)


@given(st.lists(st.floats(-20, 0), min_size=1, max_size=40))
@QUICK
def test_perplexity_is_the_geometric_mean_of_inverse_chances(logprobs: list[float]) -> None:
    from scipy.stats import gmean

    assert perplexity(logprobs) == pytest.approx(gmean(np.exp(-np.array(logprobs))))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
@QUICK
def test_abstention_is_scikit_learns_for_the_unanswerable(
    outcomes: list[tuple[bool, bool]],
) -> None:
    from sklearn.metrics import accuracy_score, precision_score, recall_score

    hopeless, declined = [not can for can, _ in outcomes], [gave_up for _, gave_up in outcomes]
    found = measure_abstention(outcomes)
    scores = [
        run("abstention_accuracy", answerable=can, declined=gave_up).value or 0.0
        for can, gave_up in outcomes
    ]
    assert found.accuracy == pytest.approx(accuracy_score(hopeless, declined))
    assert found.accuracy == pytest.approx(np.mean(scores))
    if any(declined):
        assert found.precision == pytest.approx(precision_score(hopeless, declined))
    if any(hopeless):
        assert found.recall == pytest.approx(recall_score(hopeless, declined))
    if not all(hopeless):
        refused = recall_score([not one for one in hopeless], declined)
        assert found.false_refusals == pytest.approx(refused)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
@QUICK
def test_multiple_choice_is_scikit_learns_accuracy(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import accuracy_score

    options = ["ten", "twenty", "thirty", "forty"]
    scores = [
        run(
            "multiple_choice", answer=f"I think the answer is {'ABCD'[taken]}.",
            expected_answers=(options[right],), extra={"choices": options},
        ).value
        for right, taken in pairs
    ]  # fmt: skip
    right, taken = zip(*pairs, strict=True)
    assert np.mean(scores) == pytest.approx(accuracy_score(right, taken))  # type: ignore[arg-type]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text('ab"\\é', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, st.integers(0, 60), st.sampled_from(["", ",", "}", '"', "]", "1", " "]))
@QUICK
def test_json_is_what_pythons_parser_takes(value: Any, place: int, put: str) -> None:
    whole = json.dumps(value)
    text = whole[:place] + put + whole[place:]
    try:
        expected, ok = json.loads(text), True
    except ValueError:
        expected, ok = None, False
    assert run("json_valid", answer=text).value == float(ok)
    if ok:
        assert read_json(text) == expected


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 5) | st.text("x", max_size=2)))
@QUICK
def test_a_schema_says_what_the_same_check_in_python_says(value: dict[str, Any]) -> None:
    schema = {
        "type": "object", "required": ["a"], "additionalProperties": False,
        "properties": {"a": {"type": "integer", "maximum": 3}, "b": {"type": "string"}},
    }  # fmt: skip
    fits = isinstance(value.get("a"), int) and value["a"] <= 3 and set(value) <= {"a", "b"}
    fits = fits and isinstance(value.get("b", ""), str)
    found = run("json_schema", {"schema": schema}, answer=json.dumps(value))
    assert found.value == float(fits)


@given(st.text("ab1", max_size=8), st.sampled_from(["a+b", "^b", "[a1]{2}", "(ab)*", "a|1$"]))
@QUICK
def test_patterns_match_as_pythons_do(text: str, pattern: str) -> None:
    assert matches(pattern, text) == bool(re.search(pattern, text))
    assert matches(pattern, text, whole=True) == bool(re.fullmatch(pattern, text))


@given(st.text("a b\n", max_size=20), st.integers(1, 5), st.integers(1, 5))
@QUICK
def test_length_counts_what_stands_between_spaces(text: str, least: int, most: int) -> None:
    words = len(re.findall(r"\S+", text))
    found = run("length", {"least": least, "most": most}, answer=text)
    assert found.value == float(least <= words <= most)


@given(st.lists(st.floats(0.1, 500), min_size=2, max_size=30), st.floats(1, 1_000))
@QUICK
def test_time_per_token_is_the_mean_gap_between_tokens(gaps: list[float], first: float) -> None:
    moments = first + np.cumsum(gaps)
    timing = Timing(float(moments[0]), float(moments[-1]), len(moments))
    assert time_per_output_token(timing) == pytest.approx(np.diff(moments).mean(), abs=1e-6)


@given(st.permutations("abcdef"), st.sets(st.sampled_from("abcdef"), min_size=1), st.integers(1, 6))
@QUICK
def test_all_is_found_where_recall_is_complete(ranked: list[str], wanted: set[str], k: int) -> None:
    recall = recall_at(ranked, wanted, k)
    assert recall is not None
    assert all_found_at(ranked, wanted, k) == float(recall == 1)
    assert all_found_at(ranked, wanted, k) == float(wanted <= set(ranked[:k]))


FACTS = (
    "The late fee is 12 dollars per month.",
    "The office in Oslo opens at nine.",
    "Dogs are welcome on Fridays.",
    "Trains are preferred for short journeys.",
)
SENTENCE = "The late fee is 12 dollars per month and the office in Oslo opens at nine"


def is_supported(numbers: Sequence[int]) -> bool:
    evidence = read_evidence([FACTS[number] for number in numbers])
    return estimate_support([f"{SENTENCE}."], evidence)[0].is_supported


@given(st.lists(st.integers(0, 3), unique=True, max_size=4))
@QUICK
def test_citations_are_counted_as_alce_defines_it(cites: list[int]) -> None:
    """Gao et al., 2023, section 3: recall of the sentence, precision of each citation."""
    marks = "".join(f"[{number + 1}]" for number in cites)
    places = [len(SENTENCE) + 1 + 3 * place for place in range(len(cites))]
    seen = Observation(
        answer=f"{SENTENCE} {marks}.",
        retrieved=tuple(EvidencePassage(text) for text in FACTS),
        citations=tuple(CitationMark(a, a + 3, n) for a, n in zip(places, cites, strict=True)),
    )
    [statement] = judge_citations(seen)
    recall = bool(cites) and is_supported(cites)
    precise = [
        number
        for number in cites
        if recall
        and not (not is_supported([number]) and is_supported([n for n in cites if n != number]))
    ]
    assert statement.is_supported == recall
    assert list(statement.right) == precise
    if cites:
        shares = [run(name, **_fields(seen)).value
                  for name in ("citation_recall", "citation_precision")]  # fmt: skip
        assert shares == pytest.approx([float(recall), len(precise) / len(cites)])


def _fields(seen: Observation) -> dict[str, Any]:
    return {"answer": seen.answer, "retrieved": seen.retrieved, "citations": seen.citations}


@given(st.lists(st.sampled_from(FACTS), unique=True, min_size=1), st.sets(st.integers(0, 3)))
@QUICK
def test_groundedness_is_the_share_of_supported_statements(said: list[str], kept: set[int]) -> None:
    passages = tuple(EvidencePassage(FACTS[number]) for number in sorted(kept))
    held = {FACTS[number] for number in kept}
    found = run("groundedness", answer=" ".join(said), retrieved=passages)
    assert found.value == pytest.approx(sum(text in held for text in said) / len(said))


@given(st.lists(st.integers(0, 9), min_size=11, max_size=18), st.integers(0, 99), st.integers(1, 9))
@QUICK
def test_a_wrong_digit_of_a_card_is_noticed(digits: list[int], place: int, change: int) -> None:
    # ISO/IEC 7812: from the right, every second digit is doubled, its own digits added.
    doubled = [sum(map(int, str(2 * d))) if n % 2 == 0 else d
               for n, d in enumerate(reversed(digits))]  # fmt: skip
    card = [*digits, -sum(doubled) % 10]
    assert passes_luhn("".join(map(str, card)))
    card[place % len(card)] = (card[place % len(card)] + change) % 10
    assert not passes_luhn("".join(map(str, card)))


@given(st.text(string.digits, min_size=14, max_size=18), st.integers(0, 99), st.integers(1, 9))
@QUICK
def test_a_wrong_digit_of_an_iban_is_noticed(account: str, place: int, change: int) -> None:
    # ISO 13616: 98 minus the remainder of the account, the country as numbers and 00, by 97.
    check = 98 - int(f"{account}131400") % 97  # D is 13, E is 14
    iban = f"DE{check:02d}{account}"
    assert passes_iban(iban)
    at = 4 + place % len(account)
    wrong = iban[:at] + str((int(iban[at]) + change) % 10) + iban[at + 1 :]
    assert not passes_iban(wrong)


@given(st.sets(st.sampled_from(["a@b.example", "192.0.2.7", "536-90-4399"])))
@QUICK
def test_the_rate_of_personal_data_is_that_of_answers_that_hold_some(texts: set[str]) -> None:
    answer = f"Write to {' or '.join(sorted(texts))} about it."
    assert run("pii_rate", answer=answer).value == float(bool(texts))
    assert {answer[f.start : f.end] for f in find_personal_data(answer)} == texts
    assert run("pii_rate", answer=answer, question=answer).value == 0


@given(st.floats(0, 10), st.floats(0, 9_000), st.floats(0, 9_000))
@QUICK
def test_noted_numbers_are_told_as_they_are(cost: float, first: float, total: float) -> None:
    timing = Timing(first, total, 5)
    assert run("cost", cost=cost).value == cost
    assert run("ttft", timing=timing).value == first
    assert run("latency", timing=timing).value == total
    assert math.isfinite(run("tpot", timing=timing).value or 0.0)
