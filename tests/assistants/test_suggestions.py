"""Questions found in documents: by rules, tried, kept, changed; and what to ask next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant, SuggestedQuestion
from apps.assistants.suggestions.rules import propose_questions, same_question
from apps.assistants.suggestions.selectors import list_shown
from apps.assistants.suggestions.services import (
    find_questions,
    fingerprint_documents,
    refresh_if_stale,
    store_questions,
)
from apps.core.models import Job, JobKind
from apps.documents.models import Document
from apps.documents.services import delete_document
from apps.workspaces.services import Actor
from tests.factories import add_documents, make_answering_assistant
from workers.pipelines.suggestions import suggest_questions

LEAVE = """# Leave

Employees get 20 days of annual leave. Unused days expire in March.

# Parental leave

Managers get 30 weeks of parental leave. The office asks for a note from the doctor.

# Training

Trainees need 12 hours of safety training. It is given in the first week of the job.
"""
TRAVEL = "# Travel\n\nDrivers receive 28 euros of travel allowance. The trains are preferred.\n"
LONG = "We can tell of all of these in the repair of a document and its comments, as it is given."
ASK = "How many days of annual leave do employees get?"


@pytest.mark.parametrize(
    ("passage", "question"),
    [
        ({"heading": "Where do I park?", "text": "Behind the house."}, "Where do I park?"),
        ({"heading": "A > 2.1 How to reset a password", "text": "You open the page and wait."},
         "How do I reset a password?"),
        ({"heading": "", "text": "Employees get 20 days of annual leave."}, ASK),
        ({"heading": "", "text": "A passkey is a credential that is never shown to anybody."},
         "What is a passkey?"),
        ({"heading": "Parental leave", "text": "Both take parental leave, for up to 14 months."},
         "What is there to know about parental leave?"),
        ({"heading": "Russian Offensive Campaign",
          "text": "The staff of the Russian Offensive Campaign write about the campaign each day."},
         "What is there to know about Russian Offensive Campaign?"),
        ({"heading": "", "text": "Standard Ebooks is a project of all who make Standard Ebooks. It"
          " is no standard for ebooks, but the work of volunteers."}, "What is Standard Ebooks?"),
        ({"heading": "Managing accounts", "text": "You can manage your accounts on the page."},
         "What is there to know about managing accounts?"),
        ({"heading": "Install the Greengrass software",
          "text": "Before that you need to install Greengrass, which is free of charge."},
         "How do I install the Greengrass software?"),
        ({"heading": "", "text": "Der Resturlaub ist der Teil, der nicht genommen wurde."},
         "Was ist Resturlaub?"),
        ({"heading": "", "text": "A loan can be renewed twice, each time for fourteen days."},
         "Can a loan be renewed?"),
        ({"heading": "", "text": "The reading room opens at nine in the morning."},
         "When does the reading room open?"),
        ({"heading": "", "text": "A membership costs twelve euros a year for all of the members."},
         "How much does a membership cost?"),
        ({"heading": "Travel rates", "text": "These are the travel rates of the year, for all.",
          "table_head": "| city | rate |"}, "Which travel rates are listed?"),
    ],
)  # fmt: skip
def test_rules_propose(passage: dict[str, Any], question: str) -> None:
    assert question in propose_questions(**passage)


@pytest.mark.parametrize(
    "passage",
    [
        {"heading": "Introduction", "text": "This is the handbook of the house."},
        {"heading": "2024", "text": "It is a good year for all of us and for them."},
        {"heading": "1" * 5_000 + "a", "text": "11 " * 2_000},
        {"heading": "A very long heading that says nearly everything there is", "text": "x"},
        {"heading": "", "text": ""},
        {"heading": "Utvikling", "text": "Ukjent."},
        {"heading": "Russian Offensive Campaign Assessment, December 13", "text": LONG},
        {"heading": "Document with Comments", "text": LONG},
        {"heading": "in millions of CHF: January–June, 2022", "text": LONG, "table_head": "| a |"},
        {"heading": "In millions of CHF", "text": LONG, "table_head": "| a |"},
        {"heading": "Certified Collision Repair 123 Main Street, Redmond, WA 98052 Phone: (425) 0…",
         "text": LONG, "table_head": "| a |"},
        {"heading": "Collision Repair Main Street", "text": LONG, "table_head": "| a |"},
        {"heading": "INVENTORY RECONCILIATION REPORT", "text": LONG, "table_head": "| a |"},
        {"heading": "See also", "text": LONG},
        {"heading": "Request Parameters", "text": LONG},
        {"heading": "Let’s eat", "text": LONG, "table_head": "| a |"},
        {"heading": "This is kinda backwards, huh?", "text": LONG},
        {"heading": "", "text": "Upon your land it is the rule that both of them can be asked."},
        {"heading": "", "text": "The following is the list of what may be asked for at the desk."},
        {"heading": "", "text": "The standing trustee must be familiar with what is asked for."},
    ],
)  # fmt: skip
def test_rules_leave_out(passage: dict[str, str]) -> None:
    assert propose_questions(**passage) == []


def test_the_same_words_are_the_same_question() -> None:
    assert same_question("What is a  Passkey?", "what is a passkey")
    assert not same_question("What is a passkey?", "What is a password?")


@pytest.fixture
def desk(workspace: Any) -> Any:
    return make_answering_assistant(workspace, {"leave.md": LEAVE, "travel.md": TRAVEL})


def work(assistant: Assistant) -> None:
    """The queued job, run twice as it may be."""
    job = Job.objects.get(kind=JobKind.SUGGEST_QUESTIONS, key=str(assistant.pk))
    Job.objects.filter(pk=job.pk).update(state="running")
    job.refresh_from_db()
    suggest_questions(job)
    suggest_questions(job)
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    assistant.refresh_from_db()


@pytest.mark.django_db(transaction=True)
def test_each_question_that_is_found_is_answered_by_its_document(desk: Any) -> None:
    found = find_questions(desk.current)
    assert ASK in [item.text for item in found]
    documents = [Document.objects.get(pk=item.document_id).name for item in found]
    assert set(documents) == {"leave.md", "travel.md"}
    assert set(documents[:2]) == {"leave.md", "travel.md"}  # of different documents first


@pytest.mark.django_db(transaction=True)
def test_what_the_reader_declines_is_not_suggested(workspace: Any) -> None:
    text = "# Plans for the garden\n\nSee below.\n"
    assert find_questions(make_answering_assistant(workspace, {"g.md": text}).current) == []


@pytest.mark.django_db(transaction=True)
def test_an_empty_conversation_offers_them(
    desk: Any, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    client, path = client_for(viewer), "/w/acme/assistants/desk/examples/"
    waiting = client.get(path).content.decode()
    assert "Looking for questions" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    work(desk)
    shown = client.get(path).content.decode()
    assert f'data-example="{ASK}"' in shown
    assert "hx-trigger" not in shown
    assert ASK in client.get("/w/acme/assistants/desk/").content.decode()
    desk.example_questions = ["Who pays?"]
    desk.save()
    assert list_shown(desk) == ["Who pays?"]


@pytest.mark.django_db(transaction=True)
def test_changed_documents_are_looked_through_again(desk: Any, workspace: Any) -> None:
    assert refresh_if_stale(desk)
    work(desk)
    assert not refresh_if_stale(desk)
    before = fingerprint_documents(desk.current)
    delete_document(Document.objects.get(name="travel.md"), actor=Actor())
    assert fingerprint_documents(desk.current) != before
    assert not any("travel" in text for text in list_shown(desk))
    assert refresh_if_stale(desk)
    add_documents(workspace, {"other.md": LEAVE}, name="Elsewhere")
    work(desk)
    assert not refresh_if_stale(desk)


@pytest.mark.django_db(transaction=True)
def test_people_change_and_hide_them_on_the_recipe(
    desk: Any, editor: Any, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    client, base = client_for(editor), "/w/acme/assistants/desk/suggestions/"
    assert "Looking for questions" in client.get(base).content.decode()
    work(desk)
    [first, second, *_] = list(SuggestedQuestion.objects.all())
    htmx = {"HX-Request": "true"}
    client.post(f"{base}{first.pk}/", {"text": "Reworded?"}, headers=htmx)
    body = client.post(f"{base}{second.pk}/", {"text": "x?", "show": "0"}, headers=htmx)
    assert "Show again" in body.content.decode()
    assert "Reworded?" in list_shown(desk)
    assert "x?" not in list_shown(desk)
    store_questions(desk, found=[], fingerprint="x")
    assert set(SuggestedQuestion.objects.values_list("text", flat=True)) == {"Reworded?", "x?"}
    client.post(f"{base}{second.pk}/", {"text": "", "show": "1"}, headers=htmx)
    assert second.original in list_shown(desk)
    assert client_for(viewer).post(f"{base}{first.pk}/", {"text": "no"}).status_code in (403, 404)
    assert "Looking for" in client.post(f"{base}look/", headers=htmx).content.decode()


@pytest.mark.django_db(transaction=True)
def test_programs_read_change_and_look_again(desk: Any, api: Any) -> None:
    path = f"/api/v1/assistants/{desk.pk}/suggested-questions/"
    assert api.get(path).json() == {"is_looking": True, "questions": []}
    work(desk)
    body = api.get(path).json()
    assert body["is_looking"] is False
    [first, *_] = body["questions"]
    changed = api.patch_json(f"{path}{first['id']}/", {"is_hidden": True, "text": "Other?"})
    assert (changed.json()["is_hidden"], changed.json()["text"]) == (True, "Other?")
    assert api.patch_json(f"{path}{first['id']}/", {"text": "x" * 301}).status_code == 400
    assert api.patch_json(f"{path}{desk.pk}/", {"text": "x"}).status_code == 404
    assert api.post_json(path).status_code == 202
