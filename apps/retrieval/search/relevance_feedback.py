"""Pseudo-relevance feedback: adds words that the first chunks share to the question. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from apps.retrieval.postings.terms import count_terms, query_terms
from apps.retrieval.search.hits import Hit

FEEDBACK_HITS = 5
ADDED_TERMS = 6


def expand_by_feedback(text: str, hits: Sequence[Hit]) -> str:
    """The question, followed by terms that it lacks and that several of the first hits share.

    Terms of more hits come first, then those that are more frequent. "" if there are none.
    """
    terms = query_terms(text)
    hit_counts: Counter[str] = Counter()
    frequency: Counter[str] = Counter()
    for hit in hits[:FEEDBACK_HITS]:
        counts = count_terms(f"{hit.heading}\n{hit.readable}")
        hit_counts.update(counts.keys())
        frequency.update(counts)
    shared = [term for term, number in hit_counts.items() if number > 1 and term not in terms]
    shared.sort(key=lambda term: (-hit_counts[term], -frequency[term], term))
    return f"{text} {' '.join(shared[:ADDED_TERMS])}" if shared else ""
