"""Collections and their documents in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.documents.models import Collection, Document, DocumentVersion, Page, VersionState
from apps.workspaces.models import User, Workspace
from tests.documents.make import add_version, make_collection, make_document

pytestmark = pytest.mark.django_db

MISSING = "0190aaaa-0000-7000-8000-000000000000"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def cast(owner: User, editor: User, viewer: User, stranger: User) -> dict[str, User]:
    return {"owner": owner, "editor": editor, "viewer": viewer, "stranger": stranger}


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


@pytest.fixture
def document(collection: Collection) -> Document:
    return make_document(collection)


@pytest.fixture
def browser(client_for: Callable[[User], Client], editor: User) -> Client:
    """An editor's."""
    return client_for(editor)


def url_of(collection: Collection, rest: str = "") -> str:
    return f"/w/acme/collections/{collection.pk}/{rest}"


ACCESS = [
    ("get", "documents/", "200 200 200 404"),
    ("post", "documents/", "422 422 403 404"),
    ("get", "collections/{c}/", "200 200 200 404"),
    ("get", "collections/{c}/table/", "200 200 200 404"),
    ("get", "collections/{c}/change/?action=delete&document={d}", "200 200 403 404"),
    ("post", "collections/{c}/change/", "302 302 403 404"),
    ("post", "collections/{c}/edit/", "422 422 403 404"),
    ("post", "collections/{c}/fetch/", "422 422 403 404"),
    ("post", "collections/{c}/upload/", "422 422 403 404"),
    ("get", "documents/{d}/", "200 200 200 404"),
    ("get", "documents/{d}/source/", "200 200 200 404"),
    ("get", "documents/{d}/download/", "404 404 404 404"),
    ("get", "documents/{d}/diff/", "404 404 404 404"),
    ("get", "documents/{d}/pages/1.png", "404 404 404 404"),
    ("post", "documents/{d}/retry/", "302 302 403 404"),
    ("post", "documents/{d}/cancel/", "302 302 403 404"),
    ("post", "documents/{d}/delete/", "302 404 403 404"),
    ("post", "collections/{c}/delete/", "302 404 403 404"),
    ("get", "collections/{c}/delete/", "405 405 405 405"),
    ("get", f"collections/{MISSING}/", "404 404 404 404"),
    ("get", f"documents/{MISSING}/", "404 404 404 404"),
    ("post", f"documents/{MISSING}/delete/", "404 404 403 404"),
]


@pytest.mark.parametrize(("method", "path", "expected"), ACCESS)
def test_who_may_do_what(
    client_for: Callable[[User], Client],
    cast: dict[str, User],
    collection: Collection,
    document: Document,
    method: str,
    path: str,
    expected: str,
) -> None:
    address = "/w/acme/" + path.format(c=collection.pk, d=document.pk)

    codes = [getattr(client_for(user), method)(address).status_code for user in cast.values()]

    assert codes == [int(code) for code in expected.split()]


def test_another_workspace_s_rows_are_not_here_either(
    client_for: Callable[[User], Client], owner: User, other_workspace: Workspace
) -> None:
    theirs = make_document(make_collection(other_workspace), "secret.md")
    mine = client_for(owner)

    for path in ("", "source/", "download/", "diff/", "pages/1.png"):
        assert mine.get(f"/w/acme/documents/{theirs.pk}/{path}").status_code == 404
    for path in ("retry/", "cancel/", "delete/"):
        assert mine.post(f"/w/acme/documents/{theirs.pk}/{path}").status_code == 404
    assert mine.get(f"/w/acme/collections/{theirs.collection_id}/").status_code == 404
    theirs.refresh_from_db()
    assert theirs.deleted_at is None


def test_an_empty_workspace_shows_the_next_step(browser: Client) -> None:
    assert "No documents yet" in browser.get("/w/acme/documents/").content.decode()


def test_a_collection_is_made_renamed_and_deleted(browser: Client) -> None:
    made = browser.post("/w/acme/documents/", {"name": "Contracts", "description": "Signed"})
    collection = Collection.objects.get()
    assert made.headers["Location"] == url_of(collection)

    twice = browser.post("/w/acme/documents/", {"name": "Contracts"})
    assert twice.status_code == 422
    assert "of this name already" in twice.content.decode()

    browser.post(url_of(collection, "edit/"), {"edit-name": "Treaties", "edit-description": ""})
    collection.refresh_from_db()
    assert (collection.name, collection.description) == ("Treaties", "")

    browser.post(url_of(collection, "delete/"))
    browser.get("/w/acme/documents/")  # shows the message, which names it
    assert "Treaties" not in browser.get("/w/acme/documents/").content.decode()
    assert browser.get(url_of(collection)).status_code == 404


def test_a_collection_cannot_take_another_s_name(
    browser: Client, collection: Collection, workspace: Workspace
) -> None:
    other = make_collection(workspace, "Other")

    refused = browser.post(url_of(other, "edit/"), {"edit-name": "Handbook"})

    assert refused.status_code == 422
    assert "<h1>Other</h1>" in refused.content.decode()


def test_cards_count_what_is_in_a_collection(browser: Client, collection: Collection) -> None:
    make_document(collection, "a.md", ["one", "two"])
    make_document(collection, "b.md", [], state=VersionState.FAILED, reason="It is broken.")
    make_document(collection, "c.md", [], state=VersionState.QUEUED)

    page = browser.get("/w/acme/documents/").content.decode()

    assert "3 documents · 2 passages" in page
    assert "1 failed" in page
    assert "1 in progress" in page


def upload(browser: Client, collection: Collection, name: str, content: bytes, **extra: str) -> Any:
    return browser.post(
        url_of(collection, "upload/"),
        {"file": SimpleUploadedFile(name, content), **extra},
        headers={"Accept": "application/json"},
    )


def test_a_file_is_uploaded(browser: Client, collection: Collection) -> None:
    response = upload(browser, collection, "leave.md", b"# Leave\n", path="team/leave.md")

    assert response.status_code == 201
    document = Document.objects.get()
    assert document.name == "team/leave.md"
    assert document.tags == ["team"]
    assert response.json() == {
        "id": str(document.pk),
        "name": "team/leave.md",
        "state": "queued",
        "outcome": "created",
    }


def test_a_name_of_any_length_is_taken(browser: Client, collection: Collection) -> None:
    name = "x" * 240 + ".md"

    assert (
        upload(browser, collection, name, b"# Leave\n", path=f"{'y/' * 2000}{name}").status_code
        == 201
    )
    assert len(Document.objects.get().name) <= 400


def test_the_same_bytes_are_recognised(browser: Client, collection: Collection) -> None:
    upload(browser, collection, "leave.md", b"# Leave\n")

    again = upload(browser, collection, "copy.md", b"# Leave\n")

    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate")
    assert Document.objects.count() == 1


def test_a_file_that_is_too_large_is_refused_with_the_limit(
    browser: Client, collection: Collection, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 2 * 1024 * 1024

    response = upload(browser, collection, "big.txt", b"x" * (2 * 1024 * 1024 + 1))

    assert response.status_code == 413
    assert "more than 2 MB" in response.json()["detail"]
    assert not Document.objects.exists()


def test_an_upload_works_without_scripts(browser: Client, collection: Collection) -> None:
    file = SimpleUploadedFile("leave.md", b"# Leave\n")
    response = browser.post(url_of(collection, "upload/"), {"file": file}, follow=True)

    assert response.redirect_chain == [(url_of(collection), 302)]
    assert "leave.md” was uploaded" in response.content.decode()
    assert browser.post(url_of(collection, "upload/"), {}).status_code == 422


def test_a_web_page_is_queued(browser: Client, collection: Collection) -> None:
    refused = browser.post(url_of(collection, "fetch/"), {"url": "ftp://example.com/x"})
    assert refused.status_code == 422
    assert "begin with http" in refused.content.decode()

    browser.post(url_of(collection, "fetch/"), {"url": "https://example.com/leave"})

    document = Document.objects.get()
    assert document.source_url == "https://example.com/leave"
    assert "example.com/leave" in browser.get(url_of(collection)).content.decode()


def names_in(response: Any) -> list[str]:
    return re.findall(r'aria-label="Delete ([^"]+)"', response.content.decode())


def test_the_table_filters_by_name_and_state(browser: Client, collection: Collection) -> None:
    make_document(collection, "leave.md")
    make_document(collection, "travel.md", [], state=VersionState.FAILED, reason="It is broken.")

    both = browser.get(url_of(collection))
    assert names_in(both) == ["travel.md", "leave.md"]
    assert "It is broken." in both.content.decode()
    assert names_in(browser.get(url_of(collection, "?name=LEAV"))) == ["leave.md"]
    assert names_in(browser.get(url_of(collection, "?state=failed"))) == ["travel.md"]
    assert names_in(browser.get(url_of(collection, "?state=nonsense"))) == names_in(both)
    nothing = browser.get(url_of(collection, "?name=zebra"))
    assert "No document matches" in nothing.content.decode()


def test_documents_with_pages_that_need_a_person_are_marked_and_filtered(
    browser: Client, collection: Collection
) -> None:
    scan = make_document(collection, "scan.pdf", ["Clear", "Blurred", ""])
    Page.objects.filter(version__document=scan, number=1).update(confidence=80.0)
    Page.objects.filter(version__document=scan, number=2).update(confidence=79.9)
    Page.objects.filter(version__document=scan, number=3).update(note="It is a picture.")
    fine = make_document(collection, "fine.pdf", ["Text", ""])
    Page.objects.filter(version__document=fine, number=1).update(note="May contain errors.")

    both = browser.get(url_of(collection))
    assert names_in(both) == ["fine.pdf", "scan.pdf"]
    assert both.content.decode().count("2 pages to check") == 1
    assert "Needs a person 1" in both.content.decode()
    assert names_in(browser.get(url_of(collection, "?state=to-check"))) == ["scan.pdf"]

    # What counts is the version that was uploaded last.
    add_version(scan, ["Clear", "Clear again"])
    assert names_in(browser.get(url_of(collection, "?state=to-check"))) == []
    assert "Needs a person" not in browser.get(url_of(collection)).content.decode()


def test_the_pages_that_need_a_person_say_so(browser: Client, collection: Collection) -> None:
    document = make_document(collection, "scan.pdf", ["Clear", "Blurred", ""])
    pages = Page.objects.filter(version__document=document)
    pages.filter(number=1).update(confidence=95.0, note="Read by text recognition, 95 % sure.")
    pages.filter(number=2).update(confidence=42.0, note="Read by text recognition, 42 % sure.")
    pages.filter(number=3).update(note="This page is a scan and has no text layer.")

    text = browser.get(f"/w/acme/documents/{document.pk}/").content.decode()

    assert "2 pages of this document need a person" in text
    assert "failed or is unsure: 2, 3." in text
    assert text.count("This page needs a person.") == 2
    assert "Read by text recognition, 95 % sure.</p>" in text
    assert "Read by text recognition, 42 % sure. This page needs a person." in text


def test_a_page_of_the_table_costs_the_same_however_long_it_is(
    browser: Client, collection: Collection, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        make_document(collection, f"{number}.md", [])
    browser.get("/w/acme/settings/")

    with django_assert_max_num_queries(14):
        first = browser.get(url_of(collection))
    assert len(names_in(first)) == 50
    assert len(names_in(browser.get(url_of(collection, "?page=2")))) == 10
    with django_assert_max_num_queries(9):
        browser.get("/w/acme/documents/")


def test_the_table_asks_on_while_something_changes_and_tells_its_totals(
    browser: Client, collection: Collection
) -> None:
    make_document(
        collection,
        "long.pdf",
        [],
        state=VersionState.PROCESSING,
        stage="reading",
        pages_done=3,
        pages_total=12,
    )
    make_document(collection, "other.md")

    working = browser.get(url_of(collection, "table/")).content.decode()
    assert "Reading, 3 of 12" in working
    assert "every 1s" in working
    assert "In progress 1" in working
    assert "Ready 1" in working
    assert "<html" not in working

    # Also where the row that changes is not among those that are shown.
    assert "every 1s" in browser.get(url_of(collection, "table/?state=ready")).content.decode()
    DocumentVersion.objects.update(state=VersionState.READY)
    done = browser.get(url_of(collection, "table/")).content.decode()
    assert "every 1s" not in done
    assert "documents-changed from:body" in done
    assert "Ready 2" in done


def test_a_failed_row_is_tried_again(browser: Client, collection: Collection) -> None:
    document = make_document(collection, "x.md", [], state=VersionState.FAILED, blob="x/y")

    response = browser.post(f"/w/acme/documents/{document.pk}/retry/", headers=HTMX)

    assert response.headers["HX-Trigger"] == "documents-changed"
    assert document.versions.get().state == VersionState.QUEUED


def test_a_waiting_row_is_cancelled(browser: Client, collection: Collection) -> None:
    document = make_document(collection, "x.md", [], state=VersionState.QUEUED)

    browser.post(f"/w/acme/documents/{document.pk}/cancel/", headers=HTMX)

    assert document.versions.get().state == VersionState.CANCELLED


def test_a_deleted_document_is_gone_at_once(browser: Client, document: Document) -> None:
    response = browser.post(f"/w/acme/documents/{document.pk}/delete/")

    assert response.headers["Location"] == url_of(document.collection)
    assert browser.get(f"/w/acme/documents/{document.pk}/").status_code == 404
    assert names_in(browser.get(url_of(document.collection))) == []


def test_names_are_never_markup(browser: Client, collection: Collection) -> None:
    document = make_document(collection, "<script>x</script>.md", ["<img src=x onerror=y>"])

    for address in (
        url_of(collection),
        f"/w/acme/documents/{document.pk}/",
        f"/w/acme/documents/{document.pk}/source/?start=0&end=4",
    ):
        page = browser.get(address).content.decode()
        assert "<script>x" not in page
        assert "<img src=x" not in page


def test_the_numbers_of_a_collection_open_their_lists(
    browser: Client, collection: Collection
) -> None:
    make_document(collection, "a.md", state=VersionState.FAILED)
    make_document(collection, "b.md", state=VersionState.PROCESSING)

    text = browser.get("/w/acme/documents/").content.decode()

    assert f'href="{url_of(collection)}?state=failed"' in text
    assert f'href="{url_of(collection)}?state=working"' in text
    assert names_in(browser.get(url_of(collection, "?state=failed"))) == ["a.md"]
