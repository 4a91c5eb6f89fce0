"""Pseudo-relevance feedback: the words that the first passages share join the question. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from apps.retrieval.postings.terms import count_terms, query_terms
from apps.retrieval.search.hits import Hit

PASSAGES = 5
WORDS = 6


def expand_by_feedback(text: str, hits: Sequence[Hit]) -> str:
    """The question with the words that most of the first passages have and it has not.

    Words that one passage alone has are left out; those of more passages come first, then those
    that are frequent in them. "" where there are none.
    """
    asked = query_terms(text)
    passages: Counter[str] = Counter()
    frequency: Counter[str] = Counter()
    for hit in hits[:PASSAGES]:
        counts = count_terms(f"{hit.heading}\n{hit.text}")
        passages.update(counts.keys())
        frequency.update(counts)
    shared = [term for term, number in passages.items() if number > 1 and term not in asked]
    shared.sort(key=lambda term: (-passages[term], -frequency[term], term))
    return f"{text} {' '.join(shared[:WORDS])}" if shared else ""
