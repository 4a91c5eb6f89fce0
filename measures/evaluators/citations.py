"""Citation recall and precision: are statements cited, and do the cited passages support them?

As ALCE has them (Gao et al., 2023), with ``support.py`` in place of an entailment model:

* recall of a statement: 1 when what it cites, taken together, supports it;
* precision of a citation: 1 when its statement is supported, and the citation either supports it
  alone or is needed: without it, the others would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from inference.sentences import split_sentences
from measures.detectors.support import estimate_support, read_evidence, read_statements
from measures.evaluators.base import (
    CitationMark,
    Evaluator,
    Need,
    Observation,
    Score,
    TextEmbedder,
    Tools,
    not_applicable,
)


@dataclass(frozen=True, slots=True)
class CitedStatement:
    """A statement, the numbers of the passages it cites, and which of those citations are right."""

    text: str
    cites: tuple[int, ...]
    is_supported: bool
    right: tuple[int, ...]


def judge_citations(
    observation: Observation, *, embedder: TextEmbedder | None = None
) -> list[CitedStatement]:
    """Return the statements of the answer and which of their citations hold."""
    return [
        _judge(text, cites, observation, embedder)
        for text, cites in attach(observation.answer, observation.citations)
    ]


def attach(answer: str, marks: Sequence[CitationMark]) -> list[tuple[str, tuple[int, ...]]]:
    """Each statement of the answer with the passages that its characters cite, in order.

    A mark belongs to the sentence that it overlaps; one that only touches a sentence's end, as a
    number after the full stop does, belongs to that sentence.
    """
    attached = []
    for sentence in split_sentences(answer):
        statement = read_statements(sentence.text)
        if sentence.kind == "heading" or not statement:
            continue
        cites = [
            mark.passage
            for mark in marks
            if mark.start <= sentence.end and mark.end > sentence.start
            if not (mark.start == sentence.end and mark.end > sentence.end + 8)
        ]
        attached.append((statement[0], tuple(dict.fromkeys(cites))))
    return attached


def _judge(
    text: str, cites: tuple[int, ...], observation: Observation, embedder: TextEmbedder | None
) -> CitedStatement:
    known = [number for number in cites if 0 <= number < len(observation.retrieved)]

    def supports(numbers: Sequence[int]) -> bool:
        evidence = read_evidence([observation.retrieved[number].text for number in numbers])
        return estimate_support([text], evidence, embedder=embedder)[0].is_supported

    if not known or not supports(known):
        return CitedStatement(text, cites, False, ())
    if len(known) == 1:
        return CitedStatement(text, cites, True, tuple(known))
    right = [
        number
        for number in known
        if supports([number]) or not supports([other for other in known if other != number])
    ]
    return CitedStatement(text, cites, True, tuple(right))


def _score(observation: Observation, tools: Tools, *, part: str) -> Score:
    if observation.declined:
        return not_applicable("The assistant declined.")
    statements = judge_citations(observation, embedder=tools.embedder)
    if not statements:
        return not_applicable("The answer states nothing.")
    right = sum(len(statement.right) for statement in statements)
    cited = sum(len(statement.cites) for statement in statements)
    held = sum(statement.is_supported for statement in statements)
    weak = [s.text for s in statements if not s.is_supported or len(s.right) < len(s.cites)]
    details = {"weak": weak[:10], "citations": cited, "statements": len(statements)}
    if part == "recall":
        return Score(held / len(statements), f"{held} of {len(statements)}", details=details)
    if not cited:
        return not_applicable("The answer cites nothing.")
    return Score(right / cited, f"{right} of {cited}", details=details)


_NEEDS = frozenset({Need.ANSWER, Need.RETRIEVED, Need.CITATIONS})
_ALCE = "Gao et al., 2023 (ALCE)"
EVALUATORS = (
    Evaluator(
        "citation_recall", "Citation recall",
        "Which share of the answer's sentences is supported by the passages that they cite.",
        "grounding", _NEEDS, _ALCE, partial(_score, part="recall"),
    ),
    Evaluator(
        "citation_precision", "Citation precision",
        "Which share of the citations points to a passage that supports the sentence.",
        "grounding", _NEEDS, _ALCE, partial(_score, part="precision"),
    ),
)  # fmt: skip
