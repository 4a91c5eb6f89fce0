"""What others see of an answer that draws on an attached file: the answer, and nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from apps.chat.models import Conversation, Message
from apps.datasets.models import Example
from apps.documents.models import Document
from apps.feedback.services import FeedbackFields, give_feedback
from apps.workspaces.models import AuditEvent, ConversationAccess, Workspace
from apps.workspaces.services import Actor
from tests.chat.asking.test_files import (
    BASE,
    HANDBOOK,
    ask_on_page,
    attach_on_page,
    read_now,
)
from tests.factories import make_answering_assistant, make_api

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "pays 420 euros"
SENTENCE = "Only its owner sees that file"


@pytest.fixture(params=[ConversationAccess.UNNAMED, ConversationAccess.NAMED])
def access(request: Any, workspace: Any) -> str:
    Workspace.objects.update(conversation_access=request.param)
    return str(request.param)


def answer_from_file(client: Client, user: Any) -> tuple[Message, Document]:
    """An answer that cites a file which this person attached."""
    assert attach_on_page(client).status_code == 200
    document = Document.objects.get(name="offer.md")
    read_now(document)
    answer = ask_on_page(user, conversation=str(Conversation.objects.get().pk))
    # Whatever the model says: it cites the file, and does not repeat its words.
    number = answer.passages.get(document=document).number
    answer.passages.update(is_cited=False)
    answer.passages.filter(number=number).update(is_cited=True)
    Message.objects.filter(pk=answer.pk).update(content=f"That much [{number}].")
    answer.refresh_from_db()
    return answer, document


@pytest.fixture
def told(workspace: Any, viewer: Any, client_for: Callable[[Any], Client]) -> Any:
    make_answering_assistant(workspace, HANDBOOK)
    return answer_from_file(client_for(viewer), viewer)


def test_colleagues_see_neither_name_nor_id_nor_words(
    access: str, told: Any, workspace: Any, owner: Any, editor: Any, client_for: Any
) -> None:
    answer, document = told
    path = f"/api/v1/workspace/conversations/{answer.conversation_id}/"
    page = f"{BASE}/conversations/{answer.conversation_id}/"
    for user in (editor, owner):
        rest = make_api(workspace, user).get(path)
        shown = client_for(user).get(page)
        assert (rest.status_code, shown.status_code) == (200, 200)
        for body in (rest.content.decode(), shown.content.decode()):
            assert not [w for w in ("offer.md", str(document.pk), SECRET) if w in body]
        message = rest.json()["messages"][-1]
        assert (message["citations"], message["num_withheld"]) == ([], 1)
        soup = BeautifulSoup(shown.content, "html.parser")
        assert "1 source of a file that only its owner sees" in soup.text
        chip = soup.select_one(".answer-text .citation")
        assert chip
        assert chip.name == "span"
        assert chip.text.removeprefix("Source ") in answer.content


def test_whoever_attached_it_sees_it_on_the_same_page(
    told: Any, viewer: Any, client_for: Any
) -> None:
    answer, _ = told
    arguments = f"assistants/desk/chat/{answer.conversation_id}/"
    assert "offer.md" in client_for(viewer).get(f"{BASE}/{arguments}").content.decode()
    Workspace.objects.update(conversation_access=ConversationAccess.NAMED)
    viewer.memberships.update(role="editor")
    page = client_for(viewer).get(f"{BASE}/conversations/{answer.conversation_id}/")
    assert "offer.md" in page.content.decode()
    assert "only its owner sees" not in page.content.decode()


def test_the_audit_log_does_not_tell_who_attached_what(
    told: Any, workspace: Any, viewer: Any, owner: Any, client_for: Any
) -> None:
    answer, document = told
    path = f"{BASE}/conversations/{answer.conversation_id}/files/{document.pk}/remove/"
    assert client_for(viewer).post(path, headers={"HX-Request": "true"}).status_code == 200
    assert not AuditEvent.objects.filter(actor=viewer).exists()
    body = make_api(workspace, owner).get("/api/v1/audit-events/").content.decode()
    assert str(document.pk) not in body
    page = client_for(owner).get(f"{BASE}/settings/audit/").content.decode()
    assert "document.attached" not in page


def test_a_dataset_takes_no_answer_that_draws_on_it(
    access: str, told: Any, workspace: Any, viewer: Any, editor: Any, client_for: Any
) -> None:
    answer, _ = told
    api, client = make_api(workspace, editor), client_for(editor)
    created = api.post_json("/api/v1/datasets/", {"name": "Real questions"})
    dataset = created.json()["id"]
    capture = f"/api/v1/datasets/{dataset}/capture/"
    refused = api.post_json(capture, {"message": str(answer.pk)})
    assert refused.status_code == 409
    assert SENTENCE in refused.content.decode()
    feedback = give_feedback(answer, fields=FeedbackFields("up"), actor=Actor(user=viewer))
    assert api.post_json(capture, {"feedback": str(feedback.pk)}).status_code == 409
    pages = [
        f"{BASE}/evaluate/from-answer/{answer.pk}/",
        f"{BASE}/evaluate/from-feedback/{feedback.pk}/",
    ]
    for path in pages:
        offered = client.get(path).content.decode()
        assert SENTENCE in offered
        assert "Real questions" not in offered
        posted = client.post(path, {"dataset": dataset})
        assert posted.status_code == 422
        assert SENTENCE in posted.content.decode()
    # A later turn would take this one along.
    later = ask_on_page(viewer, conversation=str(answer.conversation_id))
    later.passages.all().delete()
    assert api.post_json(capture, {"message": str(later.pk)}).status_code == 409
    assert not Example.objects.exists()
    # What cites shared documents alone still goes in.
    other = ask_on_page(viewer)
    assert api.post_json(capture, {"message": str(other.pk)}).status_code == 201


def test_the_trace_says_what_it_withholds(
    workspace: Any, stub: Any, viewer: Any, editor: Any, client_for: Any
) -> None:
    make_answering_assistant(workspace, HANDBOOK, stub=stub)
    answer, _ = answer_from_file(client_for(viewer), viewer)
    Workspace.objects.update(conversation_access=ConversationAccess.NAMED)
    path = f"{BASE}/traces/{answer.trace_id}/"
    soup = BeautifulSoup(client_for(editor).get(path).content, "html.parser")
    text = " ".join(soup.text.split())
    number = answer.content[len("That much [") : -len("].")]
    assert "offer.md" not in text
    assert SECRET not in text
    assert text.count("1 passage of a file that only its owner sees") == 2
    assert "earlier turns that were changed since" not in text
    chip = soup.select_one(".answer-text .citation")
    assert chip
    assert chip.text == f"Source {number}"
    # In the prompt each passage keeps the number that it had.
    prompt = "".join(pre.text for pre in soup.select("pre.prompt"))
    assert f'<passage number="{number}" source="attached file">' in prompt
    own = client_for(viewer).get(path).content.decode()
    assert "only its owner sees" not in own
    assert "The messages as the model got them" in own


def test_deleting_says_that_attached_files_go_along(
    told: Any, viewer: Any, client_for: Any
) -> None:
    answer, _ = told
    page = client_for(viewer).get(f"{BASE}/assistants/desk/chat/{answer.conversation_id}/")
    soup = BeautifulSoup(page.content, "html.parser")
    for name in ("delete-conversation", "delete-selected-dialog"):
        dialog = soup.select_one(f"#{name}")
        assert dialog
        assert "files attached to" in " ".join(dialog.text.split())
