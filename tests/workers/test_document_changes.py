"""Changes of many documents, from the request on page or REST to what the worker leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.chunking.models import Chunk, ChunkingProfile
from apps.core.embedder import list_embedders
from apps.core.models import Job, JobKind, JobState
from apps.documents.bulk.changes import record_progress
from apps.documents.models import Collection, Document, DocumentVersion, VersionState
from apps.retrieval.indexes.builds import start_build
from apps.retrieval.indexes.invariants import check_index
from apps.retrieval.indexes.services import ensure_live_index
from apps.retrieval.models import Embedding, Index, IndexedVersion, Posting
from apps.retrieval.passages.edits import tag_chunk
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.models import AuditEvent, User, Workspace
from apps.workspaces.services import Actor
from tests.factories import make_api
from tests.workers.helpers import make_collection, run_all, upload
from workers.pipelines import document_changes
from workers.runner import drain

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/api/v1/collections"
TEXTS = {
    "leave.md": b"# Leave\n\nEmployees get 25 days of leave.\n",
    "travel.md": b"# Travel\n\nTrains are preferred to planes.\n",
    "phones.md": b"# Phones\n\nA phone is replaced after three years.\n",
}


@pytest.fixture
def handbook(collection: Collection) -> Collection:
    for name, text in TEXTS.items():
        upload(collection, text, name)
    run_all()
    return collection


@pytest.fixture
def archive(workspace: Workspace) -> Collection:
    return make_collection(workspace, "Archive")


@pytest.fixture
def browser(client_for: Callable[[User], Client], editor: User) -> Client:
    return client_for(editor)


def document(name: str) -> Document:
    return Document.objects.get(name=name, deleted_at=None)


def change(api: Any, collection: Collection, **body: Any) -> Any:
    return api.post_json(f"{ROOT}/{collection.pk}/changes/", body)


def outcome(api: Any, collection: Collection, response: Any) -> dict[str, Any]:
    assert response.status_code == 202, response.content
    run_all()
    path = f"{ROOT}/{collection.pk}/changes/{response.json()['id']}/"
    body: dict[str, Any] = api.get(path).json()
    return body


def found_in(collection: Collection, text: str) -> set[str]:
    names: set[str] = set()
    for mode in ("lexical", "vector"):
        query = SearchQuery(collection.workspace_id, [collection.pk], text, 8, mode)
        names |= {hit.document_name for hit in search(query).hits}
    return names


def assert_sound(*collections: Collection) -> None:
    for index in Index.objects.filter(collection__in=collections):
        report = check_index(index)
        assert report.is_sound, report


# Which documents


def test_a_dry_run_counts_and_changes_nothing(api: Any, handbook: Collection) -> None:
    for body, count in (
        ({"filter": {}}, 3),
        ({"filter": {"name": "e", "state": "ready"}}, 3),
        ({"filter": {"name": "leave"}}, 1),
        ({"ids": [str(document("leave.md").pk), str(document("travel.md").pk)]}, 2),
    ):
        answer = change(api, handbook, action="delete", dry_run=True, **body)
        assert (answer.status_code, answer.json()) == (200, {"count": count, "dry_run": True})
    assert change(api, handbook, action="retry", dry_run=True, filter={}).json()["count"] == 0
    assert not Job.objects.filter(kind=JobKind.CHANGE_DOCUMENTS).exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"action": "delete"}, {"non_field_errors"}),
        ({"action": "delete", "filter": {}, "ids": [Document().pk]}, {"non_field_errors"}),
        ({"action": "burn", "filter": {}}, {"action"}),
        ({"action": "add_tag", "filter": {}}, {"tag"}),
        ({"action": "add_tag", "filter": {}, "tag": " / "}, {"tag"}),
        ({"action": "delete", "filter": {}, "tag": "hr"}, {"tag"}),
        ({"action": "move", "filter": {}}, {"target"}),
        ({"action": "delete", "filter": {"state": "odd"}}, {"filter"}),
        ({"action": "delete", "filter": {"colour": "red"}}, {"filter"}),
        ({"action": "delete", "filter": {}, "force": True}, {"force"}),
        ({"action": "delete", "ids": []}, {"ids"}),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    api: Any, handbook: Collection, body: dict[str, Any], fields: set[str]
) -> None:
    refused = change(api, handbook, **{k: [str(i) for i in v] if k == "ids" else v
                                       for k, v in body.items()})  # fmt: skip
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == fields
    assert Document.objects.filter(deleted_at=None).count() == 3


def test_nothing_selected_is_said(api: Any, browser: Client, handbook: Collection) -> None:
    assert change(api, handbook, action="delete", filter={"name": "zebra"}).status_code == 409
    path = f"/w/acme/collections/{handbook.pk}/change/"
    page = browser.post(path, {"action": "delete", "document": ["nonsense"]}, follow=True)
    assert "no document was selected" in page.content.decode()


def test_both_collections_must_be_the_keys_own(
    api: Any, handbook: Collection, other_workspace: Workspace, browser: Client
) -> None:
    theirs = make_collection(other_workspace, "Theirs")
    stolen = upload(theirs).document
    assert change(api, theirs, action="delete", filter={}).status_code == 404
    moved = change(api, handbook, action="move", filter={}, target=str(theirs.pk))
    assert moved.status_code == 404
    assert change(api, handbook, action="delete", ids=[str(stolen.pk)]).status_code == 409
    path = f"/w/acme/collections/{handbook.pk}/change/"
    refused = browser.post(path, {"action": "move", "scope": "all", "target": str(theirs.pk)})
    assert refused.status_code == 422
    assert not Job.objects.filter(kind=JobKind.CHANGE_DOCUMENTS).exists()


def test_a_key_that_may_only_read_changes_nothing(
    workspace: Workspace, owner: User, handbook: Collection
) -> None:
    reader = make_api(workspace, owner, ["read"])
    assert change(reader, handbook, action="delete", filter={}).status_code == 403


# What is done


def test_documents_are_deleted_from_the_page_with_one_question(
    browser: Client, handbook: Collection
) -> None:
    path = f"/w/acme/collections/{handbook.pk}/change/"
    chosen = [str(document(name).pk) for name in ("leave.md", "travel.md")]
    question = browser.get(path, {"action": "delete", "document": chosen})
    assert "Delete 2 documents?" in question.content.decode()
    assert Document.objects.filter(deleted_at=None).count() == 3

    answer = browser.post(path, {"action": "delete", "document": chosen})
    assert answer.headers["Location"] == f"/w/acme/collections/{handbook.pk}/"
    working = browser.get(f"/w/acme/collections/{handbook.pk}/table/").content.decode()
    assert "Deleting 2 documents: 0 of 2" in working
    assert "every 1s" in working
    run_all()
    done = browser.get(f"/w/acme/collections/{handbook.pk}/table/").content.decode()
    assert "2 documents were deleted." in done
    assert "every 1s" not in done
    assert list(Document.objects.values_list("name", flat=True)) == ["phones.md"]
    assert_sound(handbook)
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions)[-3:] == ["documents.change_started", *["document.deleted"] * 2]
    assert AuditEvent.objects.filter(action="document.deleted", actor__isnull=True).count() == 0


def test_all_that_match_are_changed_not_only_those_on_the_page(
    browser: Client, handbook: Collection
) -> None:
    path = f"/w/acme/collections/{handbook.pk}/change/"
    values = {"action": "add_tag", "scope": "all", "name": "e", "tag": "Old / Rules"}
    browser.post(path, values)
    run_all()
    assert set(Document.objects.values_list("name", flat=True)) == set(TEXTS)
    assert [d.tags for d in Document.objects.all()] == [["old/rules"]] * 3
    browser.post(path, values | {"action": "remove_tag", "in-tag": "old", "name": "leave"})
    run_all()
    assert document("leave.md").tags == []
    assert document("travel.md").tags == ["old/rules"]


def test_all_that_failed_are_tried_again(api: Any, browser: Client, handbook: Collection) -> None:
    for name in ("leave.md", "travel.md"):
        DocumentVersion.objects.filter(document__name=name).update(
            state=VersionState.FAILED, reason="It broke off."
        )
    page = browser.get(f"/w/acme/collections/{handbook.pk}/").content.decode()
    assert "Retry all failed" in page
    body = outcome(api, handbook, change(api, handbook, action="retry", filter={"state": "failed"}))
    assert (body["state"], body["total"], body["changed"]) == ("succeeded", 2, 2)
    assert set(DocumentVersion.objects.values_list("state", flat=True)) == {"ready"}
    assert (
        "Retry all failed"
        not in browser.get(f"/w/acme/collections/{handbook.pk}/").content.decode()
    )


def test_a_worker_that_takes_over_goes_on_after_the_last_document(
    api: Any, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    real = record_progress

    def killed(job: Job, *, done: int, left_out: Any) -> None:
        if done == 2:
            raise Killed
        real(job, done=done, left_out=left_out)

    response = change(api, handbook, action="delete", filter={})
    monkeypatch.setattr(document_changes, "record_progress", killed)
    with pytest.raises(Killed):
        drain(JobKind.CHANGE_DOCUMENTS)
    monkeypatch.setattr(document_changes, "record_progress", real)
    job = Job.objects.get(kind=JobKind.CHANGE_DOCUMENTS)
    assert (job.done, Document.objects.filter(deleted_at=None).count()) == (1, 1)
    Job.objects.filter(state=JobState.RUNNING).update(state=JobState.QUEUED)
    body = outcome(api, handbook, response)
    assert (body["done"], body["changed"], body["left_out"]) == (3, 3, [])
    assert not Document.objects.exists()


# Moving


def test_a_moved_document_is_found_there_and_nowhere_else(
    api: Any, handbook: Collection, archive: Collection
) -> None:
    leave = document("leave.md")
    chunks = set(Chunk.objects.filter(version=leave.current_id).values_list("pk", flat=True))
    version_id = leave.current_id
    body = outcome(
        api, handbook,
        change(api, handbook, action="move", ids=[str(leave.pk)], target=str(archive.pk)),
    )  # fmt: skip
    assert (body["changed"], body["left_out"]) == (1, [])
    leave.refresh_from_db()
    assert (leave.collection_id, leave.current_id) == (archive.pk, version_id)
    # Both collections cut and embed alike: the passages are the very same, and so are citations.
    kept = Chunk.objects.filter(version=version_id).values_list("pk", flat=True)
    assert set(kept) == chunks
    assert found_in(archive, "days of leave") == {"leave.md"}
    assert "leave.md" not in found_in(handbook, "days of leave")
    old = ensure_live_index(handbook)
    assert not Embedding.objects.filter(index=old, version=version_id).exists()
    assert not Posting.objects.filter(index=old, chunk__version=version_id).exists()
    assert_sound(handbook, archive)
    event = AuditEvent.objects.get(action="document.moved")
    assert event.detail == {"name": "leave.md", "from": "Handbook", "to": "Archive"}
    assert event.api_key is not None


def test_a_move_to_a_collection_that_cuts_otherwise_cuts_anew(
    api: Any, handbook: Collection, archive: Collection, workspace: Workspace
) -> None:
    sentences = ChunkingProfile.objects.create(
        workspace=workspace, name="Sentences", splitter="sentences",
        params={"size": 1, "overlap": 0, "headings": True},
    )  # fmt: skip
    index = ensure_live_index(archive)
    Index.objects.filter(pk=index.pk).update(profile=sentences)
    leave = document("leave.md")
    tag_chunk(Chunk.objects.get(version=leave.current_id), tags=["vacation"], actor=Actor())
    run_all()
    change(api, handbook, action="move", ids=[str(leave.pk)], target=str(archive.pk))
    run_all()
    leave.refresh_from_db()
    assert leave.current is not None
    assert leave.current.state == VersionState.READY
    profiles = Chunk.objects.filter(version=leave.current).values_list("profile_id", flat=True)
    assert set(profiles) == {sentences.pk}
    tags = Chunk.objects.filter(version=leave.current).values_list("tags", flat=True)
    assert ["vacation"] in list(tags)
    assert found_in(archive, "days of leave") == {"leave.md"}
    assert_sound(handbook, archive)


def test_a_move_leaves_nothing_in_an_index_that_is_being_built(
    api: Any, handbook: Collection, archive: Collection
) -> None:
    live = ensure_live_index(handbook)
    model = list_embedders(handbook.workspace_id)[0]
    built = start_build(handbook, profile=live.profile, model=model, actor=Actor())
    run_all()
    leave = document("leave.md")
    assert IndexedVersion.objects.filter(index=built, version=leave.current_id).exists()
    change(api, handbook, action="move", ids=[str(leave.pk)], target=str(archive.pk))
    run_all()
    assert not IndexedVersion.objects.filter(index=built, version=leave.current_id).exists()
    assert not Embedding.objects.filter(index=built, version=leave.current_id).exists()
    assert_sound(handbook, archive)


def test_what_must_stay_stays_and_says_why(
    api: Any, browser: Client, handbook: Collection, archive: Collection
) -> None:
    upload(archive, b"# Other\n\nSomething else.\n", "leave.md")
    upload(archive, TEXTS["travel.md"], "trains.md")
    run_all()
    DocumentVersion.objects.filter(document__name="phones.md").update(state=VersionState.PROCESSING)
    body = outcome(
        api, handbook, change(api, handbook, action="move", filter={}, target=str(archive.pk))
    )
    assert body["changed"] == 0
    reasons = {row["reason"]: row["count"] for row in body["left_out"]}
    assert reasons == {"name_taken": 1, "known": 1, "busy": 1}
    assert handbook.documents.count() == 3
    page = browser.get(f"/w/acme/collections/{handbook.pk}/table/").content.decode()
    assert "1 left: the name is taken in the other collection." in page
    same = change(api, handbook, action="move", filter={}, target=str(handbook.pk))
    assert same.status_code == 400


def test_the_question_before_a_move_names_who_loses_the_documents(
    browser: Client, handbook: Collection, archive: Collection
) -> None:
    from apps.documents.doors import name_assistants

    path = f"/w/acme/collections/{handbook.pk}/change/?action=move&scope=all"
    with name_assistants.override(lambda workspace_id: {handbook.pk: ["Desk"]}):
        text = " ".join(browser.get(path).content.decode().split())
    assert "Move 3 documents" in text
    assert "Desk answers from “Handbook” and will no longer find them" in text
    assert ">Archive</option>" in text
    assert ">Handbook</option>" not in text
