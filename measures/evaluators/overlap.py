"""How much of a reference text's wording comes back: BLEU and ROUGE.

Made for translations and summaries. On short factual answers they say little: prefer token F1
there, and a judge for free text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from measures.evaluators.base import Evaluator, Observation, Score, Tools, not_applicable
from measures.evaluators.matching import NEEDS

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Precision, recall and their harmonic mean, 0 to 1."""

    precision: float
    recall: float
    f1: float


def bleu(answer: str, expected: Sequence[str]) -> float:
    """Sentence BLEU of sacrebleu, 0 to 1 (Papineni et al., 2002; Post, 2018).

    Geometric mean of the precisions of 1- to 4-grams against all references, times a brevity
    penalty. Exponential smoothing, effective order, tokenizer 13a: sacrebleu's own defaults for
    sentences.
    """
    if not answer.strip() or not expected:
        return 0.0
    return min(1.0, float(_bleu().sentence_score(answer, list(expected)).score) / 100)


def rouge_n(answer: str, expected: str, *, n: int) -> Overlap:
    """ROUGE-n: shared n-grams as bags, over those of the answer and of the reference (Lin, 2004).

    Words in lower case, not stemmed. Equals rouge-score on ASCII text; other scripts count too.
    """
    ours, theirs = (_count_ngrams(tokenize(text), n) for text in (answer, expected))
    return _overlap((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(answer: str, expected: str) -> Overlap:
    """ROUGE-L: the longest common subsequence of words, over both lengths (Lin, 2004)."""
    from rapidfuzz.distance import LCSseq

    ours, theirs = tokenize(answer), tokenize(expected)
    return _overlap(int(LCSseq.similarity(ours, theirs)), len(ours), len(theirs))


def tokenize(text: str) -> list[str]:
    """Runs of letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def _count_ngrams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def _overlap(common: int, ours: int, theirs: int) -> Overlap:
    precision = common / ours if ours else 0.0
    recall = common / theirs if theirs else 0.0
    both = precision + recall
    return Overlap(precision, recall, 2 * precision * recall / both if both else 0.0)


@lru_cache(maxsize=1)
def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU  # late, for the memory of processes without it

    return BLEU(effective_order=True)


def _score_bleu(observation: Observation, tools: Tools) -> Score:
    if not observation.expected_answers:
        return not_applicable("No expected answer.")
    return Score(bleu(observation.answer, observation.expected_answers))


def _score_rouge(observation: Observation, tools: Tools, *, n: int) -> Score:
    """The reference with the highest F1 counts; n = 0 is ROUGE-L."""
    if not observation.expected_answers:
        return not_applicable("No expected answer.")
    overlaps = [
        rouge_n(observation.answer, text, n=n) if n else rouge_l(observation.answer, text)
        for text in observation.expected_answers
    ]
    best = max(overlaps, key=lambda overlap: overlap.f1)
    return Score(best.f1, details={"precision": best.precision, "recall": best.recall})


EVALUATORS = (
    Evaluator(
        "bleu", "BLEU",
        "How many runs of one to four words the answer shares with the expected answers; "
        "answers that are too short are punished.",
        "answer", NEEDS, "Papineni et al., 2002; sacrebleu (Post, 2018)", _score_bleu,
    ),
    Evaluator(
        "rouge_1", "ROUGE-1", "How many single words answer and expected answer share.",
        "answer", NEEDS, "Lin, 2004", partial(_score_rouge, n=1),
    ),
    Evaluator(
        "rouge_2", "ROUGE-2", "How many pairs of neighbouring words they share.",
        "answer", NEEDS, "Lin, 2004", partial(_score_rouge, n=2),
    ),
    Evaluator(
        "rouge_l", "ROUGE-L",
        "How many words they share in the same order, with gaps allowed.",
        "answer", NEEDS, "Lin, 2004", partial(_score_rouge, n=0),
    ),
)  # fmt: skip
