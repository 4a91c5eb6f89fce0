"""Prefers passages that hold the row of a table which the question asks for. Pure.

Neither BM25 nor a vector of the passage knows rows: "total assets" and "2019" count the same
wherever they stand. A question about a cell names its row, and mostly its column. How well a row
fits is the share of its label that the question says, times the share of the question that label,
section and columns say. Both are terms as in lexical search, so case and endings do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apps.chunking.table_rows import TableRow, read_rows
from apps.retrieval.postings.terms import iter_terms
from apps.retrieval.search.hits import Hit

SHARE = 0.5
"""Of the score where a row fits fully.

Chosen by questions about half of the tables of TAT-QA and the texts beside them; what it does for
the other half is in docs/benchmarks.md.
"""
MIN_HITS = 30
"""Candidates to look at: a row that is asked for may rank low by its passage as a whole."""


def prefer_rows(text: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits in a new order, or as they are if none holds a row that the question names."""
    asked = frozenset(iter_terms(text))
    fits = [fit_rows(asked, hit) for hit in hits]
    if not any(fits):
        return list(hits)
    best = max(hit.score for hit in hits) or 1.0
    told = [
        replace(
            hit,
            # Squared: a row that fits by half is no reason to rank above a text that answers.
            score=(1 - SHARE) * hit.score / best + SHARE * fit * fit,
            row_fit=None if hit.table_head is None else fit,
        )
        for hit, fit in zip(hits, fits, strict=True)
    ]
    return sorted(told, key=lambda hit: -hit.score)


def fit_rows(asked: frozenset[str], hit: Hit) -> float:
    """How well the best row of a passage fits the terms of a question, 0 to 1."""
    rows = read_rows(hit.text, hit.table_head)
    return max((_fit(asked, row) for row in rows), default=0.0)


def _fit(asked: frozenset[str], row: TableRow) -> float:
    label = frozenset(iter_terms(row.cells[0]))
    said = label & asked
    if not said:
        return 0.0
    columns = " ".join(
        name for name, cell in zip(row.names[1:], row.cells[1:], strict=False) if cell
    )
    if not columns and not any(row.cells[1:]):
        return 0.0
    named = asked.intersection(iter_terms(f"{row.section} {columns}"))
    return len(said) / len(label) * len(said | named) / len(asked)


__all__ = ["MIN_HITS", "fit_rows", "prefer_rows"]
