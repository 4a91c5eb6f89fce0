"""One document in the browser: its source, its page images, its file, its versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.documents.models import Collection, Document, Page, VersionState
from apps.documents.page_images import remove_page_images
from apps.documents.storage import blob_root, locate_blob
from apps.workspaces.models import User, Workspace
from tests.documents.make import add_version, make_collection, make_document
from tests.pdf import write_pdf

pytestmark = pytest.mark.django_db

PAGES = ["Leave is 25 days.", "Travel by train."]  # 0-17 and 19-35 of the full text


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


@pytest.fixture
def document(collection: Collection) -> Document:
    return make_document(collection, "rules.md", PAGES)


@pytest.fixture
def browser(client_for: Callable[[User], Client], viewer: User) -> Client:
    return client_for(viewer)


def url_of(document: Document, rest: str = "") -> str:
    return f"/w/acme/documents/{document.pk}/{rest}"


def marks_in(response: Any) -> list[str]:
    return re.findall(r"<mark[^>]*>(.*?)</mark\s*>", response.content.decode(), re.DOTALL)


def test_a_document_shows_its_pages_and_passages(browser: Client, document: Document) -> None:
    page = browser.get(url_of(document)).content.decode()

    for text in (*PAGES, "Page 1", "Page 2", "2 passages"):
        assert text in page
    assert "?version=1&amp;start=19&amp;end=35#highlight" in page


def test_the_address_highlights_characters(browser: Client, document: Document) -> None:
    response = browser.get(url_of(document, "?start=9&end=16"))

    assert marks_in(response) == ["25 days"]
    assert response.content.decode().count('id="highlight"') == 1


def test_a_passage_is_highlighted_by_its_id(browser: Client, document: Document) -> None:
    chunk = document.versions.get().chunks.get(position=1)

    assert marks_in(browser.get(url_of(document, f"?passage={chunk.pk}"))) == [PAGES[1]]
    assert marks_in(browser.get(url_of(document, "?passage=999999999"))) == []


def test_a_highlight_may_cross_pages(browser: Client, document: Document) -> None:
    response = browser.get(url_of(document, "?start=9&end=25"))

    assert marks_in(response) == ["25 days.", "Travel"]
    assert response.content.decode().count('id="highlight"') == 1


@pytest.mark.parametrize(
    "query", ["start=x&end=y", "start=9", "start=16&end=9", "start=-1&end=3", "end=99999999999999"]
)
def test_what_makes_no_sense_highlights_nothing(
    browser: Client, document: Document, query: str
) -> None:
    response = browser.get(url_of(document, f"?{query}"))

    assert response.status_code == 200
    assert marks_in(response) == []


def test_a_long_document_opens_at_its_passage(browser: Client, collection: Collection) -> None:
    text = "".join(f"line {n:06}\n" for n in range(40_000))  # 12 characters a line
    document = make_document(collection, "log.txt", [text])

    response = browser.get(url_of(document, f"?start={12 * 30_000}&end={12 * 30_000 + 11}"))

    assert marks_in(response) == ["line 030000"]
    assert len(response.content) < 200_000
    assert "Part 10 of 12" in response.content.decode()


def test_pages_are_read_with_few_queries(
    browser: Client, collection: Collection, django_assert_max_num_queries: Any
) -> None:
    document = make_document(collection, "deck.md", [f"slide {n}" for n in range(45)])
    browser.get("/w/acme/settings/")

    with django_assert_max_num_queries(14):
        page = browser.get(url_of(document, "?page=2")).content.decode()
    assert "slide 20" in page
    assert "slide 19" not in page


def test_an_old_version_can_still_be_read_and_says_so(browser: Client, document: Document) -> None:
    add_version(document, ["Leave is 28 days."])

    assert "28 days" in browser.get(url_of(document)).content.decode()
    old = browser.get(url_of(document, "?version=1")).content.decode()
    assert "25 days" in old
    assert "no longer searched" in old
    by_id = browser.get(url_of(document, f"?version={document.versions.get(number=1).pk}"))
    assert "25 days" in by_id.content.decode()
    for wrong in ("9", "nonsense", "0190aaaa-0000-7000-8000-000000000000"):
        assert browser.get(url_of(document, f"?version={wrong}")).status_code == 404


def test_the_fragment_beside_the_chat_has_the_page_and_its_neighbours(
    browser: Client, collection: Collection
) -> None:
    document = make_document(collection, "deck.md", [f"slide {n}." for n in range(9)])
    # Each page has 8 characters and two between: page 5 starts at 40.
    response = browser.get(url_of(document, "source/?version=1&start=40&end=48"))

    assert marks_in(response) == ["slide 4."]
    page = response.content.decode()
    assert re.findall(r"slide \d", page) == ["slide 3", "slide 4", "slide 5"]
    assert "<html" not in page
    assert "data-source-close" in page


def test_what_changed_between_versions(browser: Client, document: Document) -> None:
    assert browser.get(url_of(document, "diff/")).status_code == 404
    add_version(document, ["Leave is 28 days.", PAGES[1]])

    page = browser.get(url_of(document, "diff/?to=2")).content.decode()

    assert "<del>25</del><ins>28</ins>" in page
    assert "1 word added, 1 removed" in page


def test_the_file_is_downloaded_and_never_opened_in_place(
    browser: Client, document: Document
) -> None:
    blob = f"{document.workspace_id}/ab/abcd"
    locate_blob(blob).parent.mkdir(parents=True)
    locate_blob(blob).write_bytes(b"<script>alert(1)</script>")
    document.versions.update(blob=blob, filename="team/<rules>.html")

    response = browser.get(url_of(document, "download/"))

    with pytest.warns(Warning, match="asynchronous iterators"):
        assert b"".join(response) == b"<script>alert(1)</script>"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "team" not in response.headers["Content-Disposition"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "script-src" not in response.headers["Content-Security-Policy"]


def make_pdf(collection: Collection) -> Document:
    document = make_document(
        collection, "rules.pdf", PAGES, media_type="application/pdf",
        blob=f"{collection.workspace_id}/ab/abcd",
    )  # fmt: skip
    path = locate_blob(document.versions.get().blob)
    path.parent.mkdir(parents=True)
    path.write_bytes(write_pdf(PAGES))
    Page.objects.update(width=600, height=800, boxes=[[0, 10, 0.1, 0.2, 0.6, 0.25]])
    return document


def test_a_page_is_drawn_once_and_kept_with_its_version(
    browser: Client, collection: Collection
) -> None:
    document = make_pdf(collection)
    version = document.versions.get()
    address = url_of(document, f"pages/2.png?version={version.pk}")

    drawn = browser.get(address)

    assert drawn.content.startswith(b"\x89PNG")
    assert "immutable" in drawn.headers["Cache-Control"]
    assert "private" in drawn.headers["Cache-Control"]
    folder = blob_root() / str(collection.workspace_id) / "pages" / str(version.pk)
    assert [path.name for path in folder.iterdir()] == ["2.png"]
    locate_blob(version.blob).unlink()
    assert browser.get(address).content == drawn.content
    assert browser.get(url_of(document, "pages/3.png")).status_code == 404
    remove_page_images(collection.workspace_id, version.pk)
    assert not folder.exists()


def test_the_highlight_lies_on_the_page_s_image(browser: Client, collection: Collection) -> None:
    document = make_pdf(collection)

    page = browser.get(url_of(document, "?start=0&end=5")).content.decode()

    assert '<image href="' in page
    rect = re.search(r'<rect class="highlight"[^>]*>', page)
    assert rect is not None
    for attribute in ('id="highlight"', 'x="60.0"', 'y="160.0"', 'width="150.0"', 'height="40.0"'):
        assert attribute in rect.group()


def test_a_document_that_is_not_ready_says_how_far_it_is(
    browser: Client, collection: Collection
) -> None:
    document = make_document(
        collection, "x.pdf", [], state=VersionState.FAILED, reason="This file is encrypted."
    )

    assert "This file is encrypted." in browser.get(url_of(document)).content.decode()
