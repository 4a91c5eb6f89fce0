"""The first steps: ticked by what is there, one next, gone when done or put away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant, Release
from apps.assistants.services import create_assistant
from apps.chat.models import Conversation, Message, RetrievedPassage
from apps.datasets.models import Dataset, DatasetVersion
from apps.datasets.services import create_dataset
from apps.documents.models import Collection, Document, DocumentVersion, VersionState
from apps.evaluation.models import Experiment, ExperimentState, GateRule
from apps.feedback.models import Feedback, Rating
from apps.guide.steps import STEPS, find_first_steps, find_open_steps, measure_reading
from apps.workspaces.models import Membership, User, Workspace
from apps.workspaces.services import Actor
from tests.documents.make import make_collection, make_document

pytestmark = pytest.mark.django_db

KEYS = [key for key, _, _ in STEPS]


@pytest.fixture
def browser(client_for: Callable[[User], Client], editor: User) -> Client:
    return client_for(editor)


def done_in(workspace: Workspace) -> list[str]:
    return [step.key for step in find_first_steps(workspace.pk).steps if step.is_done]


def walk(workspace: Workspace, user: User, *, until: str) -> None:
    """Take the steps up to and with this one, by the rows that each leaves."""
    for key in KEYS[: KEYS.index(until) + 1]:
        TAKE[key](workspace, user)


def take_collection(workspace: Workspace, user: User) -> None:
    make_collection(workspace)


def take_documents(workspace: Workspace, user: User) -> None:
    make_document(Collection.objects.get(workspace=workspace))


def take_assistant(workspace: Workspace, user: User) -> None:
    collections = list(Collection.objects.filter(workspace=workspace))
    create_assistant(workspace, name="Desk", collections=collections, actor=Actor(user=user))


def take_question(workspace: Workspace, user: User) -> None:
    assistant = Assistant.objects.get(workspace=workspace)
    conversation = Conversation.objects.create(
        workspace=workspace, assistant=assistant, user=user, title="Leave"
    )
    question = Message.objects.create(
        workspace=workspace, conversation=conversation, author="user", content="How many days?"
    )
    Message.objects.create(
        workspace=workspace, conversation=conversation, author="assistant", question=question,
        content="25 [1].", release=assistant.current,
    )  # fmt: skip


def take_source(workspace: Workspace, user: User) -> None:
    version = DocumentVersion.objects.get(workspace=workspace)
    RetrievedPassage.objects.create(
        workspace=workspace, message=Message.objects.get(workspace=workspace, author="assistant"),
        number=1, document=version.document, version=version, page=1, start=0, end=4, text="25",
        is_cited=True,
    )  # fmt: skip


def take_rating(workspace: Workspace, user: User) -> None:
    answer = Message.objects.get(workspace=workspace, author="assistant")
    assert answer.release is not None
    Feedback.objects.create(
        workspace=workspace, message=answer, release=answer.release, rating=Rating.UP,
        created_by=user,
    )  # fmt: skip


def take_dataset(workspace: Workspace, user: User) -> None:
    from django.utils import timezone

    dataset = create_dataset(workspace, name="Questions", actor=Actor(user=user))
    DatasetVersion.objects.create(
        workspace=workspace, dataset=dataset, number=1, frozen_at=timezone.now()
    )


def take_experiment(workspace: Workspace, user: User) -> None:
    Experiment.objects.create(
        workspace=workspace, assistant=Assistant.objects.get(workspace=workspace), name="First",
        dataset_version=DatasetVersion.objects.get(workspace=workspace, number=1),
        state=ExperimentState.DONE,
    )  # fmt: skip


def take_gate(workspace: Workspace, user: User) -> None:
    GateRule.objects.create(
        workspace=workspace, assistant=Assistant.objects.get(workspace=workspace),
        kind=GateRule.Kind.NOT_WORSE, metric="exact_match", threshold=0,
    )  # fmt: skip


TAKE: dict[str, Callable[[Workspace, User], None]] = {
    "collection": take_collection,
    "documents": take_documents,
    "assistant": take_assistant,
    "question": take_question,
    "source": take_source,
    "rating": take_rating,
    "dataset": take_dataset,
    "experiment": take_experiment,
    "gate": take_gate,
}
CONTROLS = {
    "collection": 'action="/w/acme/start/collection/"',
    "documents": 'for="upload-files"',
    "assistant": 'action="/w/acme/start/assistant/"',
    "question": 'action="/w/acme/assistants/desk/ask/"',
    "source": 'href="/w/acme/assistants/desk/"',
    "rating": "Open the answer",
    "dataset": 'action="/w/acme/start/dataset/"',
    "experiment": 'href="/w/acme/assistants/desk/evaluate/new/"',
    "gate": 'href="/w/acme/assistants/desk/gates/"',
}


def test_each_step_is_ticked_by_its_row_and_has_its_control(
    workspace: Workspace, editor: User, browser: Client
) -> None:
    assert set(TAKE) == set(CONTROLS) == set(KEYS)
    for number, key in enumerate(KEYS):
        page = browser.get("/w/acme/start/").content.decode()
        assert done_in(workspace) == KEYS[:number]
        assert page.count('aria-current="step"') == 1
        assert f'data-step="{key}"\n         aria-current="step"' in page
        assert CONTROLS[key] in page, key
        assert browser.get("/w/acme/").headers["Location"] == "/w/acme/start/"
        TAKE[key](workspace, editor)

    assert find_first_steps(workspace.pk).is_complete
    assert "All steps are done" in browser.get("/w/acme/start/").content.decode()
    assert browser.get("/w/acme/").headers["Location"] == "/w/acme/assistants/"
    assert "rail-steps" not in browser.get("/w/acme/documents/").content.decode()


def test_files_of_a_conversation_and_what_was_deleted_tick_nothing(workspace: Workspace) -> None:
    private = Collection.everything.create(workspace=workspace, name="Files", is_private=True)
    make_document(private)
    assert done_in(workspace) == []
    collection = make_collection(workspace)
    document = make_document(collection)
    assert done_in(workspace) == ["collection", "documents"]
    Document.objects.filter(pk=document.pk).update(deleted_at=document.created_at)
    assert done_in(workspace) == ["collection"]


def test_another_workspace_ticks_nothing_here(
    workspace: Workspace, other_workspace: Workspace, stranger: User
) -> None:
    walk(other_workspace, stranger, until="gate")
    assert done_in(workspace) == []
    assert find_first_steps(workspace.pk).done == 0


def test_a_collection_an_assistant_and_a_dataset_are_made_in_the_list(
    workspace: Workspace, editor: User, browser: Client
) -> None:
    response = browser.post("/w/acme/start/collection/", {"name": "Handbook"})
    assert response.headers["Location"] == "/w/acme/start/"
    collection = Collection.objects.get(workspace=workspace)
    make_document(collection)
    refused = browser.post("/w/acme/start/assistant/", {"name": "Desk"})
    assert (refused.status_code, Assistant.objects.count()) == (422, 0)
    assert b"Choose what it answers from" in refused.content
    browser.post("/w/acme/start/assistant/", {"name": "Desk", "collections": [collection.pk]})
    assert list(Release.objects.get().collections.all()) == [collection]
    for key in ("question", "source", "rating"):
        TAKE[key](workspace, editor)
    browser.post("/w/acme/start/dataset/", {"name": "Questions"})
    assert Dataset.objects.get().name == "Questions"
    assert "Write a question" in browser.get("/w/acme/start/").content.decode()


def test_a_missing_name_is_said_where_it_was_to_be_typed(
    workspace: Workspace, browser: Client
) -> None:
    page = browser.post("/w/acme/start/collection/", {"name": ""})
    assert page.status_code == 422
    assert b'aria-invalid="true"' in page.content


def test_files_in_work_are_counted_and_the_list_asks_again(
    workspace: Workspace, browser: Client
) -> None:
    collection = make_collection(workspace)
    document = Document.objects.create(workspace=workspace, collection=collection, name="a.md")
    version = DocumentVersion.objects.create(
        workspace=workspace, document=document, number=1, filename="a.md",
        state=VersionState.PROCESSING,
    )  # fmt: skip
    assert (reading := measure_reading(workspace.pk)).total == 1
    assert (reading.open, reading.failed, reading.ended) == (1, 0, 0)
    page = browser.get("/w/acme/start/steps/").content.decode()
    assert "every 1s" in page
    assert "0 of 1 file read" in page
    assert 'id="rail-steps" class="rail-steps" hx-swap-oob="true"' in page
    assert "1/9" in page
    DocumentVersion.objects.filter(pk=version.pk).update(state=VersionState.FAILED)
    page = browser.get("/w/acme/start/steps/").content.decode()
    assert "every 1s" not in page
    assert "1 file could not be read" in page


def test_who_puts_them_away_is_not_led_any_more_and_others_are(
    workspace: Workspace, owner: User, editor: User, browser: Client
) -> None:
    assert b"rail-steps" in browser.get("/w/acme/documents/").content
    browser.post("/w/acme/start/dismiss/")
    assert b"rail-steps" not in browser.get("/w/acme/documents/").content
    assert browser.get("/w/acme/").headers["Location"] == "/w/acme/assistants/"
    assert find_open_steps(Membership.objects.get(user=owner)) is not None
    browser.post("/w/acme/start/resume/")
    assert find_open_steps(Membership.objects.get(user=editor)) is not None


def test_viewers_and_demo_workspaces_are_not_led(
    workspace: Workspace, viewer: User, editor: User, client_for: Callable[[User], Client]
) -> None:
    client = client_for(viewer)
    assert client.get("/w/acme/").headers["Location"] == "/w/acme/assistants/"
    assert client.get("/w/acme/start/").status_code == 403
    Workspace.objects.update(is_demo=True)
    assert find_open_steps(Membership.objects.get(user=editor)) is None


def test_rest_tells_the_steps(workspace: Workspace, editor: User, api: Any) -> None:
    walk(workspace, editor, until="documents")
    body = api.get("/api/v1/first-steps/").json()
    assert (body["done"], body["total"]) == (2, len(KEYS))
    assert [step["key"] for step in body["steps"] if step["is_next"]] == ["assistant"]
