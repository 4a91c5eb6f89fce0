"""Table rows on their way to a model: what is embedded, indexed, reranked, read and cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from apps.assistants.answering.snapshots import read_readable
from apps.chunking.models import Chunk
from apps.chunking.selectors import read_table_heads
from apps.core.embedder import get_embedder
from apps.documents.models import Collection, DocumentVersion, Page
from apps.retrieval.indexes.services import ensure_live_index, pending_chunks, publish_version
from apps.retrieval.models import Embedding, Posting
from apps.retrieval.passages.edits import edit_chunk
from apps.retrieval.passages.refresh import refresh_chunks
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.neighbours import Stretch, grow
from apps.retrieval.search.pipeline import RetrievalRequest, retrieve
from apps.retrieval.search.profiles import DEFAULT_PROFILE
from apps.retrieval.search.rerank import text_to_rerank
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor
from tests.retrieval.helpers import add_version, make_collection, prepare
from tests.retrieval.test_stages import hit

HEADER = "| Zone | Sales | Growth |\n| --- | --- | --- |\n"
ROWS = [f"| Zone{n:02} | {n}000 million | {n}% |" for n in range(80)]
TITLE, CAPTION = "Europe", "Sales by zone, in CHF"
TEXT = f"{TITLE}\n\n{CAPTION}\n\n{HEADER}" + "\n".join(ROWS)

pytestmark = pytest.mark.django_db


def add_table(workspace: Workspace) -> tuple[Collection, DocumentVersion]:
    """A document with one long table under a heading and a caption, published."""
    collection = make_collection(workspace)
    version = add_version(collection, "sales.xlsx", [TEXT])
    start = TEXT.index("|")
    Page.objects.filter(version=version).update(
        blocks=[
            ["heading", 1, 0, len(TITLE)],
            ["paragraph", 0, len(TITLE) + 2, start - 2],
            ["table", 0, start, len(TEXT)],
        ]
    )
    index = prepare(version)
    assert publish_version(version, index=index)
    return collection, version


def later_chunks(version: DocumentVersion) -> Sequence[Chunk]:
    return list(Chunk.objects.filter(version=version, position__gt=0).order_by("position"))


def test_passages_of_rows_keep_offsets_and_have_their_header(workspace: Workspace) -> None:
    _, version = add_table(workspace)

    chunks = list(Chunk.objects.filter(version=version).order_by("position"))

    assert len(chunks) > 2
    assert chunks[0].table_head == ""
    assert all(chunk.text == TEXT[chunk.start : chunk.end] for chunk in chunks)
    assert {chunk.table_head for chunk in chunks[1:]} == {HEADER}
    assert {chunk.heading for chunk in chunks[1:]} == {f"{TITLE} > {CAPTION}"}


def test_vectors_are_made_from_rows_in_words(workspace: Workspace) -> None:
    collection, version = add_table(workspace)
    last = later_chunks(version)[-1]
    number = len(last.text.splitlines())
    words = "\n".join(
        f"Zone Zone{n:02}: Sales {n}000 million; Growth {n}%" for n in range(80 - number, 80)
    )

    expected = get_embedder().encode([f"{TITLE} > {CAPTION}\n{words}"])[0]

    stored = Embedding.objects.get(chunk=last, index=ensure_live_index(collection))
    assert np.allclose(np.asarray(stored.vector, np.float32), expected, atol=1e-3)


def test_terms_of_the_header_count_once(workspace: Workspace) -> None:
    collection, version = add_table(workspace)
    chunk = later_chunks(version)[0]

    counts = dict(
        Posting.objects.filter(chunk=chunk, index=ensure_live_index(collection)).values_list(
            "term", "frequency"
        )
    )

    assert counts["growth"] == 1
    assert counts["million"] == len(chunk.text.splitlines())


def test_a_found_row_is_read_under_its_header_and_cited_in_its_place(workspace: Workspace) -> None:
    collection, _ = add_table(workspace)

    found = retrieve(
        RetrievalRequest(workspace.pk, [collection.pk], "sales of Zone77", DEFAULT_PROFILE)
    ).hits[0]

    assert ROWS[77] in found.text
    assert found.text == TEXT[found.start : found.end]
    assert found.readable == HEADER + found.text
    assert text_to_rerank(found).startswith(f"{TITLE} > {CAPTION}\nZone Zone")
    assert "Zone Zone77: Sales 77000 million; Growth 77%" in text_to_rerank(found)


def test_grown_passages_have_the_header_that_their_first_row_needs(workspace: Workspace) -> None:
    collection, _ = add_table(workspace)
    profile = replace(DEFAULT_PROFILE, neighbours=1, limit=1)

    found = retrieve(
        RetrievalRequest(workspace.pk, [collection.pk], "sales of Zone77", profile)
    ).hits[0]

    assert found.readable == HEADER + TEXT[found.start : found.end]


def test_growing_backwards_takes_the_head_of_the_first_stretch() -> None:
    row = replace(hit(1, text="| b |", start=10), table_head="| N |\n| --- |\n")
    table = Stretch(0, 10, "| N |\n| a|", 1, "")
    prose = Stretch(0, 10, "Only text.", 1, None)

    assert grow(row, [table]).table_head == ""
    assert grow(row, [prose]).table_head == ""
    assert grow(hit(1, text="word", start=10), [prose]).table_head is None


def test_heads_are_read_from_pages_for_any_span(workspace: Workspace) -> None:
    _, version = add_table(workspace)
    at = TEXT.index(ROWS[50])

    heads = read_table_heads([(version.pk, at, len(TEXT)), (version.pk, 0, 6)])

    assert heads == {(version.pk, at, len(TEXT)): HEADER}


def test_an_edited_row_keeps_its_header(workspace: Workspace) -> None:
    _, version = add_table(workspace)
    chunk = later_chunks(version)[1]

    edit_chunk(chunk, text="| Zone99 | 5 million | 1% |", actor=Actor())
    refresh_chunks(version.document_id)

    edited = Chunk.objects.get(version=version, text="| Zone99 | 5 million | 1% |")
    assert edited.table_head == HEADER
    assert (edited.start, edited.end) == (chunk.start, chunk.end)


def test_chunks_without_a_table_head_keep_the_text_of_their_vectors(workspace: Workspace) -> None:
    """Those from before table heads: nothing new is mixed into what they were embedded with."""
    collection, version = add_table(workspace)
    Chunk.objects.filter(version=version).update(table_head=None)
    Embedding.objects.filter(version=version).delete()

    pending = pending_chunks(ensure_live_index(collection), version_ids=[version.pk], limit=1000)

    assert [p.text.split("\n", 1)[1] for p in pending[1:]] == [
        chunk.text for chunk in later_chunks(version)
    ]


def test_a_snapshot_is_read_as_the_model_read_it() -> None:
    row: Hit = replace(hit(1, text="| b |"), table_head="| N |\n| --- |\n")

    assert read_readable(row) == "| N |\n| --- |\n| b |"
