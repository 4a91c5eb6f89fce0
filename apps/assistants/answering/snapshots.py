"""What is kept of a passage that an answer had, wherever answers are kept. Pure."""

from __future__ import annotations

from typing import Any, Protocol

from apps.assistants.answering.outcome import CitedPassage
from apps.chunking.table_rows import readable_text
from apps.retrieval.search.places import locate_words


class StoredPassage(Protocol):
    """A row of a retrieval snapshot. Offsets count characters of the version's full text."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def cited_start(self) -> int | None: ...
    @property
    def cited_end(self) -> int | None: ...


def snapshot(passage: CitedPassage) -> dict[str, Any]:
    """The columns that every retrieval snapshot has.

    Where people edited the passage, its characters do not count like the document's: a citation
    then stands for the whole stretch that the passage replaces.
    """
    hit, cited = passage.hit, passage.cited
    start, end = locate_words(hit, cited.start, cited.end) if cited else (None, None)
    return {
        "number": passage.number,
        "document_id": hit.document_id,
        "version_id": hit.version_id,
        "page": hit.page,
        "start": hit.start,
        "end": hit.end,
        "text": hit.text,
        "heading": hit.heading,
        "table_head": hit.table_head,
        "is_cited": cited is not None,
        "cited_start": start,
        "cited_end": end,
    }


def read_cited(passage: StoredPassage) -> tuple[int, int, str]:
    """Where the cited sentences stand, and their words: (start, end, text).

    All of the passage where nothing in it was cited, or where its words are not those that the
    document has at that place.
    """
    start = passage.start if passage.cited_start is None else passage.cited_start
    end = passage.end if passage.cited_end is None else passage.cited_end
    is_verbatim = len(passage.text) == passage.end - passage.start
    text = passage.text[start - passage.start : end - passage.start] if is_verbatim else ""
    if start < passage.start or end > passage.end or not text.strip():
        return passage.start, passage.end, passage.text
    return start, end, text


class StoredRows(Protocol):
    """A row of a retrieval snapshot that may hold table rows."""

    @property
    def text(self) -> str: ...
    @property
    def table_head(self) -> str | None: ...


def read_readable(passage: StoredRows) -> str:
    """The passage as the model read it: table rows under the header of their table."""
    return readable_text(passage.text, passage.table_head)
