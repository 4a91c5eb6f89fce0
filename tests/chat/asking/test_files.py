"""Files attached to one conversation: found there, nowhere else, and gone with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.chat.asking import files as attached
from apps.chat.asking.files import list_files, remove_orphaned_files
from apps.chat.conversations.services import delete_conversations
from apps.chat.models import Conversation, Message
from apps.chunking.models import Chunk
from apps.chunking.services import default_profile, split_version
from apps.core.embedder import get_embedder
from apps.core.models import Job, JobKind
from apps.documents.models import Collection, Document, DocumentVersion, Page
from apps.documents.selectors import list_collections
from apps.documents.storage import locate_blob
from apps.retrieval.indexes.services import (
    ensure_live_index,
    pending_chunks,
    publish_version,
    store_embeddings,
)
from apps.traces.models import Trace
from apps.workspaces.models import AuditEvent, ConversationAccess, Workspace
from apps.workspaces.services import create_workspace
from tests.chat.asking.test_scopes import post
from tests.chat.helpers import ask, run, settle
from tests.factories import make_answering_assistant, make_api, make_user
from workers.pipelines.purge import purge_document

pytestmark = pytest.mark.django_db(transaction=True)

HANDBOOK = {"leave.md": "# Leave\n\nEmployees get 20 days of annual leave.\n"}
NOTES = "# Offer\n\nThe zebra project pays 420 euros a day.\n"
QUESTION = "How much does the zebra project pay a day?"
BASE = "/w/acme"


@pytest.fixture
def desk(workspace: Any) -> Any:
    return make_answering_assistant(workspace, HANDBOOK)


def attach_on_page(client: Client, *, conversation: str = "", name: str = "offer.md") -> Any:
    file = SimpleUploadedFile(name, NOTES.encode())
    return client.post(
        f"{BASE}/assistants/desk/files/",
        {"file": file, "conversation": conversation},
        headers={"HX-Request": "true"},
    )


def read_now(document: Document) -> None:
    """What the workers do with an upload, inline."""
    version = DocumentVersion.objects.get(document=document)
    text = locate_blob(version.blob).read_text()
    Page.objects.create(
        workspace=version.workspace, version=version, number=1, text=text, start=0, end=len(text)
    )
    DocumentVersion.objects.filter(pk=version.pk).update(state="processing")
    version.refresh_from_db()
    split_version(version, profile=default_profile(version.workspace))
    index = ensure_live_index(Collection.everything.get(pk=document.collection_id))
    pending = pending_chunks(index, version_ids=[version.pk], limit=1000)
    vectors = get_embedder().encode([chunk.text for chunk in pending])
    store_embeddings(index, [chunk.chunk_id for chunk in pending], vectors)
    assert publish_version(version, index=index)


@pytest.fixture
def offer(desk: Any, owner: Any, client_for: Callable[[Any], Client]) -> Document:
    """A file that the owner attached to a conversation, and that is searchable."""
    response = attach_on_page(client_for(owner))
    assert response.status_code == 200
    document = Document.objects.get(name="offer.md")
    read_now(document)
    return document


def ask_on_page(user: Any, *, conversation: str = "") -> Message:
    async def go() -> None:
        data = {"question": QUESTION, "conversation": conversation}
        await post(user, "/assistants/desk/ask/", data)
        await settle()

    run(go)
    return Message.objects.filter(author="assistant").latest("created_at")


def test_a_file_begins_a_conversation_and_shows_how_far_it_is(
    desk: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    response = attach_on_page(client)
    conversation = Conversation.objects.get()
    body = response.content.decode()
    assert response["HX-Push-Url"] == f"{BASE}/assistants/desk/chat/{conversation.pk}/"
    assert f'value="{conversation.pk}" hx-swap-oob="true"' in body
    assert "offer.md" in body
    assert 'hx-trigger="every 1s"' in body
    # It stands inside the question's form, whose answers go somewhere else.
    assert 'hx-target="this"' in body
    assert "Attached files" in body
    version = DocumentVersion.objects.get(document__name="offer.md")
    assert Job.objects.filter(kind=JobKind.PARSE_VERSION, key=str(version.pk)).exists()
    DocumentVersion.objects.filter(pk=version.pk).update(state="failed", reason="It is broken.")
    shown = client.get(f"{BASE}/conversations/{conversation.pk}/files/").content.decode()
    assert "It is broken." in shown
    assert "every 1s" not in shown


def test_only_its_conversation_finds_it(offer: Document, owner: Any) -> None:
    conversation = Conversation.objects.get()
    answer = ask_on_page(owner, conversation=str(conversation.pk))
    assert "420 euros" in answer.content
    assert Conversation.objects.get().title == QUESTION.rstrip("?")
    elsewhere = ask_on_page(owner)
    assert elsewhere.conversation_id != conversation.pk
    assert elsewhere.is_declined
    assert "zebra" not in "".join(elsewhere.passages.values_list("text", flat=True))


def test_the_owner_opens_the_source_and_a_colleague_does_not(
    offer: Document, owner: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    paths = [
        f"{BASE}/documents/{offer.pk}/",
        f"{BASE}/documents/{offer.pk}/source/",
        f"{BASE}/documents/{offer.pk}/download/",
    ]
    assert [client_for(owner).get(path).status_code for path in paths] == [200] * 3
    assert [client_for(editor).get(path).status_code for path in paths] == [404] * 3


def test_no_list_search_or_rest_address_shows_it(
    offer: Document, workspace: Any, owner: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    assert [c.name for c in list_collections(workspace)] == ["Handbook"]
    colleague, api = client_for(editor), make_api(workspace, editor)
    chunk = Chunk.objects.get(version__document=offer)
    private = offer.collection_id
    closed = [
        f"/api/v1/documents/{offer.pk}/",
        f"/api/v1/documents/{offer.pk}/text/",
        f"/api/v1/documents/{offer.pk}/file/",
        f"/api/v1/documents/{offer.pk}/versions/",
        f"/api/v1/collections/{private}/",
        f"/api/v1/collections/{private}/documents/",
        f"/api/v1/passages/{chunk.pk}/",
        f"/api/v1/conversations/{Conversation.objects.get().pk}/files/",
    ]
    assert [api.get(path).status_code for path in closed] == [404] * len(closed)
    named = api.post_json("/api/v1/search/", {"query": QUESTION, "collections": [str(private)]})
    assert named.status_code == 404
    found = colleague.get(f"{BASE}/search/", {"q": "420 euros"}).content.decode()
    assert "pays 420 euros" not in found
    for path in ("/documents/", "/assistants/", "/assistants/new/create/", "/search/",
                 "/assistants/desk/recipe/", "/settings/audit/", "/evaluate/lab/"):  # fmt: skip
        body = colleague.get(BASE + path).content.decode()
        assert "offer.md" not in body, path
        assert str(private) not in body, path
    release = {"collections": [str(private)], "name": "Spy"}
    assert api.post_json("/api/v1/assistants/", release).status_code == 404
    assert ask(api, "desk", QUESTION, scope={"document": str(offer.pk)}).status == 400
    assert not AuditEvent.objects.filter(detail__name="offer.md").exists()


def test_a_colleagues_trace_of_the_answer_leaves_its_words_out(
    offer: Document, owner: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    answer = ask_on_page(owner, conversation=str(Conversation.objects.get().pk))
    path = f"{BASE}/traces/{Trace.objects.get(subject_id=answer.pk).pk}/"
    assert "offer.md" in client_for(owner).get(path).content.decode()
    assert client_for(editor).get(path).status_code == 404
    Workspace.objects.update(conversation_access=ConversationAccess.NAMED)
    response = client_for(editor).get(path)
    assert response.status_code == 200
    assert "offer.md" not in response.content.decode()


def test_another_member_and_another_workspace_reach_neither_list_nor_removal(
    offer: Document, owner: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    conversation = Conversation.objects.get()
    stranger = make_user("x@other.example")
    create_workspace("Other", owner=stranger)
    for user in (editor, stranger):
        client = client_for(user)
        files = f"{BASE}/conversations/{conversation.pk}/files/"
        assert client.get(files).status_code == 404
        assert client.post(f"{files}{offer.pk}/remove/").status_code == 404
        assert attach_on_page(client, conversation=str(conversation.pk)).status_code == 404
    assert len(list_files(conversation)) == 1


def test_deleting_the_conversation_removes_rows_and_bytes(offer: Document) -> None:
    conversation = Conversation.objects.get()
    blob: Path = locate_blob(DocumentVersion.objects.get(document=offer).blob)
    assert blob.is_file()
    delete_conversations(conversation.workspace_id, [conversation.pk])
    job = Job.objects.get(kind=JobKind.PURGE_DOCUMENT, key=str(offer.pk))
    Job.objects.filter(pk=job.pk).update(state="running")
    job.refresh_from_db()
    for _ in range(2):
        purge_document(job)
    assert not blob.exists()
    assert not Document.objects.filter(pk=offer.pk).exists()
    assert not Collection.everything.filter(is_private=True).exists()
    assert not Chunk.objects.filter(text__contains="zebra").exists()


def test_removing_a_file_withdraws_what_quotes_it(
    offer: Document, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    conversation = Conversation.objects.get()
    ask_on_page(owner, conversation=str(conversation.pk))
    path = f"{BASE}/conversations/{conversation.pk}/files/{offer.pk}/remove/"
    client = client_for(owner)
    body = client.post(path, headers={"HX-Request": "true"}).content.decode()
    assert "offer.md" not in body
    job = Job.objects.get(kind=JobKind.PURGE_DOCUMENT, key=str(offer.pk))
    Job.objects.filter(pk=job.pk).update(state="running")
    job.refresh_from_db()
    purge_document(job)
    assert Message.objects.get(author="assistant").state == "withdrawn"


def test_files_of_a_person_who_is_deleted_go_too(offer: Document, owner: Any) -> None:
    Conversation.objects.all().delete()
    assert remove_orphaned_files() == 0
    long_ago = timezone.now() - dt.timedelta(hours=1)
    Collection.everything.filter(is_private=True).update(created_at=long_ago)
    assert (remove_orphaned_files(), remove_orphaned_files()) == (1, 0)
    assert Job.objects.filter(kind=JobKind.PURGE_DOCUMENT, key=str(offer.pk)).exists()


def test_limits_are_those_of_uploads_and_a_number_of_files(
    desk: Any, owner: Any, settings: Any, monkeypatch: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    settings.MAX_UPLOAD_BYTES = 1_048_576
    file = SimpleUploadedFile("big.md", b"x" * 1_048_577)
    path = f"{BASE}/assistants/desk/files/"
    too_big = client.post(path, {"file": file}, headers={"HX-Request": "true"})
    assert "“big.md” has more than 1 MB, the most that is taken." in too_big.content.decode()
    assert client.post(path, {}).status_code == 422
    monkeypatch.setattr(attached, "MAX_FILES", 1)
    conversation = str(Conversation.objects.get().pk)
    attach_on_page(client, conversation=conversation)
    full = attach_on_page(client, conversation=conversation, name="more.md").content.decode()
    assert "more.md" not in full
    assert "Remove one first." in full


def test_programs_attach_files_to_their_own_conversations(
    desk: Any, workspace: Any, owner: Any, api: Any
) -> None:
    created = api.post_json("/api/v1/conversations/", {"assistant": "desk"})
    assert created.status_code == 201
    pk = created.json()["id"]
    path = f"/api/v1/conversations/{pk}/files/"
    added = api.post(path, {"file": SimpleUploadedFile("offer.md", NOTES.encode())})
    assert (added.status_code, added.json()["name"]) == (201, "offer.md")
    read_now(Document.objects.get(name="offer.md"))
    [listed] = api.get(path).json()
    assert (listed["state"], listed["progress"]) == ("ready", 1.0)
    body = ask(api, "desk", QUESTION, conversation=pk).body
    assert {c["document_name"] for c in body["citations"]} == {"offer.md"}
    assert ask(api, "desk", QUESTION).body["declined"]
    other = make_api(workspace, owner)
    assert other.get(path).status_code == 404
    assert other.delete(f"{path}{listed['id']}/").status_code == 404
    assert ask(other, "desk", QUESTION, conversation=pk).status == 404
    assert api.get(f"{path}{listed['id']}/").json()["name"] == "offer.md"
    assert api.delete(f"{path}{listed['id']}/").status_code == 204
    assert api.get(path).json() == []
    assert api.post_json("/api/v1/conversations/", {"assistant": "nobody"}).status_code == 404
