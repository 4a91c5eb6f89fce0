"""The search page. What a search finds is tested with the search itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.documents.models import Collection
from apps.retrieval.search.highlights import mark_terms
from apps.workspaces.models import User, Workspace
from inference.errors import ModelFilesError
from tests.workers.helpers import make_collection, run_all, upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client_for: Callable[[User], Client], viewer: User) -> Client:
    return client_for(viewer)


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    collection = make_collection(workspace)
    upload(collection, b"# Leave\n\nEmployees get 25 days of paid leave.\n", "leave.md")
    upload(collection, b"# Travel\n\nTrains are preferred to planes.\n", "travel.md")
    run_all()
    return collection


def titles_in(response: Any) -> list[str]:
    return re.findall(r'class="row-link" href="[^"]+">([^<]+)<', response.content.decode())


def test_an_empty_workspace_says_what_comes_first(browser: Client) -> None:
    assert "Nothing to search yet" in browser.get("/w/acme/search/").content.decode()


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
def test_hits_come_with_their_reasons_and_lead_to_the_passage(
    browser: Client, collection: Collection, mode: str
) -> None:
    response = browser.get(f"/w/acme/search/?query=paid+leave&mode={mode}")

    page = response.content.decode()
    assert titles_in(response)[0] == "leave.md"
    assert bool(re.search(r"<mark[^>]*>leave</mark\s*>", page)) == (mode != "vector")
    assert ("similarity" in page) == (mode != "lexical")
    link = re.search(r'class="row-link" href="([^"]+)"', page)
    assert link is not None
    source = browser.get(link.group(1).replace("&amp;", "&").split("#")[0]).content.decode()
    assert "25 days of paid leave" in source
    assert "data-highlight" in source


def test_a_collection_narrows_the_search(
    browser: Client, collection: Collection, workspace: Workspace
) -> None:
    other = make_collection(workspace, "Empty")

    assert titles_in(browser.get(f"/w/acme/search/?query=leave&collection={collection.pk}"))
    nothing = browser.get(f"/w/acme/search/?query=leave&collection={other.pk}")
    assert titles_in(nothing) == []
    assert "Nothing found" in nothing.content.decode()
    # A collection that is not known, like one of another workspace, narrows nothing.
    assert titles_in(browser.get("/w/acme/search/?query=leave&collection=nonsense&mode=odd"))


def test_other_workspaces_are_not_searched(
    client_for: Callable[[User], Client],
    collection: Collection,
    stranger: User,
    other_workspace: Workspace,
) -> None:
    theirs = client_for(stranger)

    assert titles_in(theirs.get("/w/umbrella/search/?query=leave")) == []
    crossed = theirs.get(f"/w/umbrella/search/?query=leave&collection={collection.pk}")
    assert titles_in(crossed) == []
    assert theirs.get("/w/acme/search/?query=leave").status_code == 404


def test_without_the_model_the_search_goes_by_words_and_says_so(
    browser: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Any:
        raise ModelFilesError("not there")

    monkeypatch.setattr("apps.retrieval.search.query.get_embedder", refuse)
    response = browser.get("/w/acme/search/?query=leave")

    assert titles_in(response) == ["leave.md"]
    assert "search by words only" in response.content.decode()


@pytest.mark.parametrize("query", ["%00", "%", "'; DROP TABLE x; --", "a" * 5000, "\U0001f600"])
def test_any_question_is_answered(browser: Client, collection: Collection, query: str) -> None:
    assert browser.get("/w/acme/search/", {"query": query}).status_code == 200


@pytest.mark.parametrize(
    ("text", "terms", "marked"),
    [
        ("Notices of leave.", {"notic"}, ["Notices"]),
        ("state-of-the-art art", {"art"}, ["state-of-the-art", "art"]),
        ("nothing here", {"leav"}, []),
        ("Leave, leave", {"leav"}, ["Leave", "leave"]),
    ],
)
def test_words_are_marked_by_their_stem(text: str, terms: set[str], marked: list[str]) -> None:
    pieces = mark_terms(text, terms=terms)

    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, is_match in pieces if is_match] == marked
