"""Edited passages: found by their new words, never by the old, and kept through another split."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from apps.chunking.models import Chunk, ChunkEdit
from apps.chunking.profiles import create_profile
from apps.chunking.selectors import read_parents
from apps.chunking.services import split_version
from apps.core.embedder import get_embedder
from apps.core.models import Job, JobKind
from apps.documents.models import Collection, Document
from apps.retrieval.indexes.invariants import check_index
from apps.retrieval.indexes.services import ensure_live_index, text_to_embed
from apps.retrieval.models import Embedding, Index
from apps.retrieval.passages.edits import (
    EditError,
    disable_chunk,
    edit_chunk,
    merge_chunk,
    revert_edit,
    split_chunk,
    tag_chunk,
)
from apps.retrieval.passages.refresh import refresh_chunks
from apps.retrieval.passages.selectors import describe_chunks
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.neighbours import read_parents as join_parents
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor
from tests.retrieval.helpers import add_document, add_version, make_collection

pytestmark = pytest.mark.django_db
ACTOR = Actor()


def word(topic: str, number: int) -> str:
    """One word for each number, of which no other is a part."""
    return f"{topic}x{chr(97 + number // 26)}{chr(97 + number % 26)}q"


def paragraph(topic: str) -> str:
    """85 words."""
    facts = (f"{word(topic, n)} holds." for n in range(40))
    return f"The {topic} rule is strict. " + " ".join(facts)


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


@pytest.fixture
def document(collection: Collection) -> Document:
    """Three passages, the second and third beginning with the end of the one before."""
    profile = create_profile(
        collection.workspace, name="Words", splitter="words", params={"size": 80, "overlap": 10}
    )
    Index.objects.create(
        workspace=collection.workspace, collection=collection, profile=profile, state="live",
        embedding_model=get_embedder().name,
    )  # fmt: skip
    return add_document(collection, "rules.txt", "\n\n".join(map(paragraph, ("Travel", "Leave"))))


def passages(document: Document) -> list[Chunk]:
    rows = Chunk.objects.select_related("version__document", "edit")
    live = ensure_live_index(document.collection).profile_id
    return list(rows.filter(version=document.current_id, profile=live).order_by("position"))


def find(collection: Collection, text: str) -> list[Hit]:
    return search(SearchQuery(collection.workspace_id, [collection.pk], text, mode="lexical")).hits


def refresh(document: Document) -> int:
    """What the job does; afterwards every index must be sound."""
    changed = refresh_chunks(document.pk)
    for index in Index.objects.filter(collection=document.collection_id):
        report = check_index(index)
        assert report.is_sound, report
    assert [chunk.position for chunk in passages(document)] == list(range(len(passages(document))))
    return changed


def test_the_document_is_cut_as_the_tests_think(document: Document) -> None:
    chunks = passages(document)

    assert len(chunks) == 3
    assert all(a.end > b.start for a, b in pairwise(chunks))


def test_an_edit_is_found_by_its_words_and_by_its_meaning(
    collection: Collection, document: Document
) -> None:
    chunk = passages(document)[0]

    edit_chunk(chunk, text="Bicycles are welcome in the lift.", actor=ACTOR)
    [job] = Job.objects.filter(kind=JobKind.REINDEX_PASSAGES)
    assert job.payload == {"document_id": str(document.pk)}
    assert find(collection, "bicycles") == []
    refresh(document)

    [hit] = find(collection, "bicycles")
    assert (hit.chunk_id, hit.text) == (chunk.pk, "Bicycles are welcome in the lift.")
    assert (hit.start, hit.end) == (chunk.start, chunk.end)
    assert find(collection, word("Travel", 3)) == []
    vector = np.array(Embedding.objects.get(chunk=chunk.pk).vector)
    expected = get_embedder().encode([text_to_embed("", hit.text)])[0]
    assert np.allclose(vector, expected, atol=1e-3)
    assert passages(document)[0].num_tokens == 6


def test_the_text_that_was_corrected_is_not_found_in_the_overlap_of_a_neighbour(
    collection: Collection, document: Document
) -> None:
    first, second, _ = passages(document)
    overlap = first.text[second.start - first.start :]
    shared = next(part for part in overlap.split() if part.startswith("Travelx"))
    assert len(find(collection, shared)) == 2

    edit_chunk(first, text="Something else.", actor=ACTOR)
    refresh(document)

    assert find(collection, shared) == []
    assert passages(document)[1].start == first.end + 1


def test_doing_it_again_changes_nothing(document: Document) -> None:
    edit_chunk(passages(document)[0], text="New.", actor=ACTOR)
    assert refresh(document) == 3  # one row changed; its neighbour's span is another now
    before = list(Chunk.objects.order_by("pk").values())
    vectors = list(Embedding.objects.order_by("pk").values_list("pk", flat=True))

    assert refresh(document) == 0
    assert list(Chunk.objects.order_by("pk").values()) == before
    assert list(Embedding.objects.order_by("pk").values_list("pk", flat=True)) == vectors


def test_an_edit_is_taken_back(collection: Collection, document: Document) -> None:
    before = [(chunk.start, chunk.end, chunk.text) for chunk in passages(document)]
    edit = edit_chunk(passages(document)[0], text="Something else.", actor=ACTOR)
    refresh(document)

    revert_edit(edit, actor=ACTOR)
    refresh(document)

    assert [(chunk.start, chunk.end, chunk.text) for chunk in passages(document)] == before
    assert find(collection, "else") == []


def test_a_disabled_passage_is_found_by_nobody_at_once(
    collection: Collection, document: Document
) -> None:
    chunk = passages(document)[0]

    edit = disable_chunk(chunk, actor=ACTOR)
    assert find(collection, word("Travel", 0)) == []
    refresh(document)

    assert find(collection, word("Travel", 0)) == []
    assert chunk.text.split()[-1] not in " ".join(chunk.text for chunk in passages(document))
    revert_edit(edit, actor=ACTOR)
    refresh(document)
    assert len(find(collection, word("Travel", 0))) == 1


def test_all_passages_of_a_document_can_be_disabled(
    collection: Collection, document: Document
) -> None:
    while found := passages(document):
        disable_chunk(found[0], actor=ACTOR)
        refresh(document)

    assert find(collection, "rule") == []
    document.refresh_from_db()
    assert document.current is not None
    assert document.current.num_chunks == 0


def test_a_split_and_a_merge_bring_back_the_same_text(document: Document) -> None:
    chunk = passages(document)[0]
    at = chunk.text.index(word("Travel", 5))

    split_chunk(chunk, at=at, actor=ACTOR)
    refresh(document)
    first, second = passages(document)[:2]
    assert first.text == chunk.text[:at].strip()
    assert second.text == chunk.text[at:]

    merge_chunk(first, actor=ACTOR)
    refresh(document)
    assert passages(document)[0].text == chunk.text
    assert ChunkEdit.objects.count() == 1


def test_an_edited_passage_can_be_split_in_its_own_words(
    collection: Collection, document: Document
) -> None:
    edit_chunk(passages(document)[0], text="Owls see at night. Bats hear.", actor=ACTOR)
    refresh(document)

    split_chunk(passages(document)[0], at=19, actor=ACTOR)
    refresh(document)

    assert [chunk.text for chunk in passages(document)[:2]] == ["Owls see at night.", "Bats hear."]
    assert [hit.text for hit in find(collection, "bats")] == ["Bats hear."]


def test_what_cannot_be_done_is_said(document: Document) -> None:
    chunks = passages(document)
    with pytest.raises(EditError, match="must have text"):
        edit_chunk(chunks[0], text=" \n ", actor=ACTOR)
    with pytest.raises(EditError, match="reads 254"):
        edit_chunk(chunks[0], text="word " * 300, actor=ACTOR)
    with pytest.raises(EditError, match="last passage"):
        merge_chunk(chunks[-1], actor=ACTOR)
    with pytest.raises(EditError, match="on both sides"):
        split_chunk(chunks[0], at=0, actor=ACTOR)
    disable_chunk(chunks[1], actor=ACTOR)
    refresh(document)
    with pytest.raises(EditError, match="disabled passage"):
        merge_chunk(passages(document)[0], actor=ACTOR)
    with pytest.raises(EditError, match="a moment ago"):
        edit_chunk(chunks[1], text="Late.", actor=ACTOR)
    assert ChunkEdit.objects.count() == 1


def test_a_passage_that_is_about_to_change_is_not_cut_yet(document: Document) -> None:
    first, second, _ = passages(document)
    edit_chunk(second, text="Something new.", actor=ACTOR)

    for change in (
        lambda: split_chunk(second, at=40, actor=ACTOR),
        lambda: merge_chunk(first, actor=ACTOR),
    ):
        with pytest.raises(EditError, match="Try again in a moment"):
            change()
    edit_chunk(second, text="Something newer.", actor=ACTOR)
    refresh(document)
    assert passages(document)[1].text == "Something newer."


def test_tags_stay_on_what_is_split_and_merged(document: Document) -> None:
    chunk = passages(document)[0]
    tag_chunk(chunk, tags=[" travel ", "policy", "travel"], actor=ACTOR)
    refresh(document)
    assert [chunk.tags for chunk in passages(document)] == [["travel", "policy"], [], []]

    split_chunk(passages(document)[0], at=chunk.text.index(word("Travel", 5)), actor=ACTOR)
    refresh(document)
    assert [chunk.tags for chunk in passages(document)] == [["travel", "policy"]] * 2 + [[], []]

    tag_chunk(passages(document)[2], tags=[], actor=ACTOR)
    assert ChunkEdit.objects.filter(is_fixed=False).count() == 1


def test_changes_survive_another_profile(collection: Collection, document: Document) -> None:
    chunks = passages(document)
    edit_chunk(chunks[0], text="Bicycles are welcome.", actor=ACTOR)
    disable_chunk(chunks[2], actor=ACTOR)
    refresh(document)
    profile = create_profile(
        collection.workspace, name="Fine", splitter="sentences", params={"size": 4}
    )
    version = document.current
    assert version is not None

    split_version(version, profile=profile)

    texts = list(
        Chunk.objects.filter(profile=profile).order_by("position").values_list("text", flat=True)
    )
    assert texts[0] == "Bicycles are welcome."
    assert len(texts) > 3
    assert not any(word("Leave", 39) in text or word("Travel", 1) in text for text in texts)


def test_changes_follow_their_text_into_a_new_version(
    collection: Collection, document: Document
) -> None:
    old = passages(document)
    edit_chunk(old[0], text="Bicycles are welcome.", actor=ACTOR)
    lost = edit_chunk(old[2], text="Gone.", actor=ACTOR)
    refresh(document)
    text = "A new preface. " + old[0].text + " And a new end."

    Job.objects.all().delete()
    add_document(collection, "rules.txt", text)
    # What was changed while the version was on its way has to be put in.
    assert Job.objects.get().kind == JobKind.REINDEX_PASSAGES
    document.refresh_from_db()
    refresh(document)

    assert "Bicycles are welcome." in [chunk.text for chunk in passages(document)]
    assert document.current is not None
    shown = describe_chunks(document.current, start=0, end=len(text))
    assert [change.id for change in shown.lost] == [lost.pk]
    assert find(collection, "gone") == []
    moved = ChunkEdit.objects.exclude(pk=lost.pk).get()
    assert (moved.start, moved.end) == (15, 15 + len(old[0].text))


def test_every_index_that_holds_the_document_changes(
    collection: Collection, document: Document
) -> None:
    from apps.retrieval.indexes.coverage import hold_version
    from apps.retrieval.indexes.services import pending_chunks, store_embeddings

    profile = create_profile(collection.workspace, name="Fine", splitter="sentences", params={})
    beside = Index.objects.create(
        workspace=collection.workspace, collection=collection, profile=profile,
        embedding_model=get_embedder().name, state="building",
    )  # fmt: skip
    version = document.current
    assert version is not None
    split_version(version, profile=profile)
    pending = pending_chunks(beside, version_ids=[version.pk], limit=1000)
    vectors = get_embedder().encode([chunk.text for chunk in pending])
    store_embeddings(beside, [chunk.chunk_id for chunk in pending], vectors)
    assert hold_version(document.pk, version.pk, index=beside)
    chunk = Chunk.objects.select_related("version__document").get(
        profile=ensure_live_index(collection).profile, position=0
    )

    edit_chunk(chunk, text="Bicycles are welcome.", actor=ACTOR)
    refresh(document)

    texts = Chunk.objects.filter(text="Bicycles are welcome.").values_list("profile", flat=True)
    assert len(set(texts)) == 2


def test_a_parent_is_read_with_what_people_wrote(collection: Collection) -> None:
    profile = create_profile(
        collection.workspace, name="Small", splitter="parent_child",
        params={"target": 40, "parent": 200, "parents": "size"},
    )  # fmt: skip
    Index.objects.create(
        workspace=collection.workspace, collection=collection, profile=profile, state="live",
        embedding_model=get_embedder().name,
    )  # fmt: skip
    document = add_document(collection, "p.txt", paragraph("Travel"), paragraph("Leave"))
    first, second = passages(document)[:2]
    text = "\n\n".join([paragraph("Travel"), paragraph("Leave")])
    parent = read_parents([first.pk], workspace_id=collection.workspace_id)[first.pk]
    assert parent.text == text[parent.start : parent.end]
    assert first.parent_end == second.parent_end
    assert parent.end > second.end

    edit_chunk(first, text="Bicycles are welcome.", actor=ACTOR)
    disable_chunk(second, actor=ACTOR)
    refresh(document)

    [read] = read_parents([first.pk], workspace_id=collection.workspace_id).values()
    assert read.text.startswith("Bicycles are welcome. […] ")
    hits = find(collection, "bicycles")
    [whole] = join_parents(hits, workspace_id=collection.workspace_id)
    assert whole.text == read.text
    assert (whole.start, whole.end) == (parent.start, parent.end)
    assert read_parents([first.pk], workspace_id=document.pk) == {}


def test_a_version_that_is_not_current_is_left_alone(collection: Collection) -> None:
    version = add_version(collection, "new.txt", ["Only pages so far."])

    assert refresh_chunks(version.document_id) == 0
