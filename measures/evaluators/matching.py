"""Does the answer say what was expected? Exact match, contains, fuzzy match, token F1.

With several expected answers the best of them counts, as SQuAD's script does it.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

from apps.core.options import Option
from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    not_applicable,
)

NEEDS = frozenset({Need.ANSWER, Need.EXPECTED_ANSWER})
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces: SQuAD's rule."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, expected: str) -> float:
    """1 when both are the same after ``normalise``, else 0 (Rajpurkar et al., 2016)."""
    return float(normalise(answer) == normalise(expected))


def contains(answer: str, expected: str) -> float:
    """1 when the answer holds the expected words next to each other, after ``normalise``."""
    words = normalise(expected)
    return float(f" {words} " in f" {normalise(answer)} ") if words else exact_match(answer, "")


def token_f1(answer: str, expected: str) -> float:
    """Harmonic mean of precision and recall over words, as bags, after ``normalise``.

    Two texts without words agree, one with and one without do not (Rajpurkar et al., 2018).
    """
    ours, theirs = normalise(answer).split(), normalise(expected).split()
    if not ours or not theirs:
        return float(ours == theirs)
    common = (Counter(ours) & Counter(theirs)).total()
    return 2 * common / (len(ours) + len(theirs))


def edit_similarity(answer: str, expected: str) -> float:
    """1 - Levenshtein distance / length of the longer text, in characters (Levenshtein, 1966)."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_similarity(answer.strip(), expected.strip()))


def fuzzy_match(answer: str, expected: str) -> float:
    """Likeness of the normalised texts whatever the order of their words.

    rapidfuzz's ``token_sort_ratio``: words sorted, then 1 - indel distance / summed lengths.
    """
    from rapidfuzz.fuzz import token_sort_ratio

    ours, theirs = normalise(answer), normalise(expected)
    return token_sort_ratio(ours, theirs) / 100 if ours or theirs else 1.0


def ngram_overlap(answer: str, expected: str, *, n: int = 2) -> float:
    """Dice coefficient of the sets of word n-grams: 2 |A and B| / (|A| + |B|) (Dice, 1945).

    Texts of fewer than n words are compared whole.
    """
    ours, theirs = (_ngrams(normalise(text).split(), n) for text in (answer, expected))
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def best_of(
    measure: Callable[[str, str], float], answer: str, expected: Sequence[str]
) -> tuple[float, str] | None:
    """The best score among the expected answers, and which one; ``None`` without any."""
    scored = [(measure(answer, text), text) for text in expected]
    return max(scored, key=lambda pair: pair[0]) if scored else None


def compare(
    observation: Observation, measure: Callable[[str, str], float], *, binary: bool = False
) -> Score:
    """Score an observation by a measure of two texts."""
    best = best_of(measure, observation.answer, observation.expected_answers)
    if best is None:
        return not_applicable("No expected answer.")
    label = ("fail", "pass")[int(best[0])] if binary else ""
    return Score(best[0], label=label, details={"compared_with": best[1]})


def _ngrams(words: list[str], n: int) -> set[tuple[str, ...]]:
    if len(words) < n:
        return {tuple(words)} if words else set()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def _exact(observation: Observation, tools: Tools) -> Score:
    return compare(observation, exact_match, binary=True)


def _contains(observation: Observation, tools: Tools) -> Score:
    return compare(observation, contains, binary=True)


def _token_f1(observation: Observation, tools: Tools) -> Score:
    return compare(observation, token_f1)


def _edit(observation: Observation, tools: Tools) -> Score:
    return compare(observation, edit_similarity)


def _fuzzy(observation: Observation, tools: Tools) -> Score:
    return compare(observation, fuzzy_match)


def _ngram(observation: Observation, tools: Tools) -> Score:
    n = tools.settings["n"]
    return compare(observation, lambda answer, expected: ngram_overlap(answer, expected, n=n))


EVALUATORS = (
    Evaluator(
        "exact_match", "Exact match",
        "The answer is the expected one, apart from case, punctuation and articles.",
        "answer", NEEDS, "Rajpurkar et al., 2016 (SQuAD)", _exact,
    ),
    Evaluator(
        "contains", "Contains",
        "The expected answer occurs in the answer word for word.",
        "answer", NEEDS, "Substring match over normalised words", _contains,
    ),
    Evaluator(
        "token_f1", "Token F1",
        "How many words the answer shares with the expected one, punishing both missing and "
        "surplus words.",
        "answer", NEEDS, "Rajpurkar et al., 2016 (SQuAD)", _token_f1,
    ),
    Evaluator(
        "fuzzy_match", "Fuzzy match",
        "How alike answer and expected answer are in spelling, whatever the order of words.",
        "answer", NEEDS, "rapidfuzz token_sort_ratio", _fuzzy,
    ),
    Evaluator(
        "edit_similarity", "Edit similarity",
        "The share of characters that need not be changed to get the expected answer.",
        "answer", NEEDS, "Levenshtein, 1966, normalised by the longer text", _edit,
    ),
    Evaluator(
        "ngram_overlap", "N-gram overlap",
        "How many runs of n words both texts have.",
        "answer", NEEDS, "Dice, 1945, over word n-grams", _ngram,
        settings=(Option("n", "Words in a run", "whole", 2, minimum=1),),
    ),
)  # fmt: skip
