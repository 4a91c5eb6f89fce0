"""What is kept of a passage that an answer had. Of an edited one, characters do not count."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import uuid4

import pytest

from apps.assistants.answering.citations import Span
from apps.assistants.answering.outcome import CitedPassage
from apps.assistants.answering.snapshots import read_cited, snapshot
from apps.retrieval.search.engine import Hit


def make_hit(text: str, start: int, end: int) -> Hit:
    return Hit(
        chunk_id=1, document_id=uuid4(), document_name="leave.md", version_id=uuid4(), page=1,
        start=start, end=end, text=text, heading="", score=1.0, lexical_score=None,
        lexical_rank=None, matched_terms=(), similarity=None, vector_rank=None,
    )  # fmt: skip


def test_words_of_a_passage_are_placed_in_its_document() -> None:
    kept = snapshot(CitedPassage(1, make_hit("x" * 400, 1000, 1400), Span(300, 350, 1.0)))
    assert (kept["cited_start"], kept["cited_end"], kept["is_cited"]) == (1300, 1350, True)


def test_an_edited_passage_is_cited_as_the_stretch_that_it_replaces() -> None:
    """400 characters stand for 50: its character 300 is none of the document's."""
    kept = snapshot(CitedPassage(1, make_hit("x" * 400, 1000, 1050), Span(300, 350, 1.0)))
    assert (kept["cited_start"], kept["cited_end"]) == (1000, 1050)


def test_a_passage_that_was_not_cited_says_so() -> None:
    kept = snapshot(CitedPassage(1, make_hit("x" * 400, 1000, 1400), None))
    assert (kept["cited_start"], kept["cited_end"], kept["is_cited"]) == (None, None, False)


TEXT = "Dogs may come. Cats may not."


@pytest.mark.parametrize(
    ("start", "end", "cited", "read"),
    [
        (100, 128, (115, 128), (115, 128, "Cats may not.")),
        (100, 128, (None, None), (100, 128, TEXT)),
        (100, 110, (100, 110), (100, 110, TEXT)),  # edited: it stands for ten characters
        (100, 110, (115, 128), (100, 110, TEXT)),  # kept before edited passages were told apart
        (100, 128, (90, 104), (100, 128, TEXT)),
    ],
)
def test_the_cited_words_are_read_back(
    start: int, end: int, cited: tuple[int | None, int | None], read: tuple[int, int, str]
) -> None:
    row = SimpleNamespace(text=TEXT, start=start, end=end, cited_start=cited[0], cited_end=cited[1])
    assert read_cited(row) == read
