"""What a search finds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from apps.chunking.table_rows import embedded_text, readable_text


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found, and why.

    `score` is what hits are ordered by: the BM25 score, the cosine similarity, or in hybrid mode
    what the fusion made of both. Ranks count from 1; None means that the chunk is not among the
    candidates of that list. `start` and `end` are offsets into the full text. `table_head` has the
    lines of a table above the chunk that its rows need; None where it has no rows. `row_fit` is how
    well one of them fits the question, 0 to 1; None where that was not looked at.
    """

    chunk_id: int
    document_id: UUID
    document_name: str
    version_id: UUID
    page: int
    start: int
    end: int
    text: str
    heading: str
    score: float
    lexical_score: float | None
    lexical_rank: int | None
    matched_terms: tuple[str, ...]
    similarity: float | None
    vector_rank: int | None
    table_head: str | None = None
    row_fit: float | None = None

    @property
    def words(self) -> str:
        """The text as it is embedded: its table rows in words."""
        return embedded_text(self.text, self.table_head)

    @property
    def readable(self) -> str:
        """The text as a model reads it: its table rows under the header of their table."""
        return readable_text(self.text, self.table_head)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, the best first; `timings` are milliseconds by stage.

    `notice` is a sentence for people if something was left out, such as a model that failed.
    """

    hits: list[Hit]
    num_searched: int
    timings: dict[str, float] = field(default_factory=dict)
    notice: str = ""


def drop_overlaps(hits: Sequence[Hit]) -> list[Hit]:
    """Drop hits that share more than half of the shorter text with a better hit."""
    kept: list[Hit] = []
    for hit in hits:
        if not any(share_most_text(hit, better) for better in kept):
            kept.append(hit)
    return kept


def share_most_text(hit: Hit, other: Hit) -> bool:
    """Whether two hits share more than half of the shorter one's text."""
    if hit.version_id != other.version_id:
        return False
    shared = min(hit.end, other.end) - max(hit.start, other.start)
    return shared * 2 > min(hit.end - hit.start, other.end - other.start)
