"""Whether a question is answered: it is searched, and the built-in reader reads what was found.

Whoever answers in the end, a model or the reader: what the reader answers with a citation, the
documents hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.assistants.suggestions.rules import propose_questions
from apps.chunking.models import Chunk
from apps.core.embedder import get_embedder
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.pipeline import RetrievalRequest, retrieve
from apps.retrieval.search.profiles import RetrievalProfile
from inference.reader import Passage, Reader
from measures.detectors.short_language import guess_language


@dataclass(frozen=True, slots=True)
class Place:
    """Where questions are tried: what an assistant searches, or less of it."""

    workspace_id: UUID
    collection_ids: Sequence[UUID]
    profile: RetrievalProfile
    document_ids: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a question is answered with: the passage and the sentence of it."""

    hit: Hit
    sentence: str


def propose_from(chunks: Sequence[Chunk]) -> Iterator[str]:
    """Questions that these passages of one document may answer, in their order."""
    around = "\n".join(chunk.text for chunk in chunks)
    language = guess_language(around)
    for chunk in chunks:
        yield from propose_questions(
            heading=chunk.heading,
            text=chunk.text,
            table_head=chunk.table_head,
            language=language,
            around=around,
        )


def try_question(question: str, *, place: Place) -> Finding | None:
    """The first sentence of the reader's answer, or None if it declines. Blocking."""
    request = RetrievalRequest(
        workspace_id=place.workspace_id,
        collection_ids=place.collection_ids,
        document_ids=place.document_ids,
        text=question,
        profile=place.profile,
    )
    hits = retrieve(request).hits
    if not hits:
        return None
    passages = [
        Passage(id=str(hit.chunk_id), text=hit.text, title=hit.heading, score=hit.score)
        for hit in hits
    ]
    answer = Reader(get_embedder()).answer(question, passages)
    if answer.declined or not answer.sentences:
        return None
    first = answer.sentences[0]
    return Finding(hits[first.passage_index], first.text)
