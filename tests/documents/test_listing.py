"""The table of a collection: filters, order, tags and totals, on the page and in REST alike."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.documents.listing.tree import build_tree
from apps.documents.models import Collection, Document, DocumentVersion, Page, VersionState
from apps.documents.services import add_upload
from apps.workspaces.models import User, Workspace
from apps.workspaces.services import Actor
from tests.documents.make import make_collection, make_document
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db

PARAMETERS = [
    ("", "d c b a"),
    ("sort=name", "a b c d"),
    ("sort=-name", "d c b a"),
    ("sort=updated", "a b c d"),
    ("sort=-pages", "a c d b"),
    ("sort=-passages", "c a d b"),
    ("sort=state", "b d c a"),
    ("state=ready", "c a"),
    ("state=working", "d"),
    ("state=failed", "b"),
    ("state=to-check", "c"),
    ("name=A.MD", "a"),
    ("tag=hr", "c a"),
    ("tag=hr/leave", "a"),
    ("tag=HR/Leave&state=ready&sort=name", "a"),
    ("tag=h", ""),
]


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    """Four documents, each a minute after the one before."""
    collection = make_collection(workspace)
    make_document(collection, "a.md", ["1", "2", "3"], num_chunks=4)
    make_document(collection, "b.md", [], state=VersionState.FAILED, reason="It is broken.")
    make_document(collection, "c.md", ["1", "2"], num_chunks=9)
    make_document(collection, "d.md", ["1"], state=VersionState.PROCESSING)
    began = timezone.now() - dt.timedelta(hours=1)
    for minute, document in enumerate(Document.objects.order_by("name")):
        DocumentVersion.objects.filter(document=document).update(
            created_at=began + dt.timedelta(minutes=minute)
        )
    Document.objects.filter(name="a.md").update(tags=["hr/leave", "law"])
    Document.objects.filter(name="c.md").update(tags=["hr"])
    Page.objects.filter(version__document__name="c.md", number=1).update(confidence=12.0)
    return collection


@pytest.fixture
def browser(client_for: Callable[[User], Client], editor: User) -> Client:
    return client_for(editor)


def names_on_page(browser: Client, collection: Collection, query: str) -> list[str]:
    page = browser.get(f"/w/acme/collections/{collection.pk}/?{query}").content.decode()
    assert "{{" not in page
    return re.findall(r'aria-label="Select ([^"]+)"', page)[1:]


def names_in_rest(api: Any, collection: Collection, query: str) -> list[str]:
    body = api.get(f"/api/v1/collections/{collection.pk}/documents/?{query}").json()
    assert body["count"] == len(body["results"])
    return [row["name"] for row in body["results"]]


@pytest.mark.parametrize(("query", "expected"), PARAMETERS)
def test_page_and_rest_filter_and_sort_by_the_same_parameters(
    browser: Client, api: Any, collection: Collection, query: str, expected: str
) -> None:
    names = [f"{name}.md" for name in expected.split()]
    assert names_on_page(browser, collection, query) == names
    assert names_in_rest(api, collection, query) == names


def test_documents_are_sorted_by_the_answers_that_cite_them(
    browser: Client, api: Any, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses = {Document.objects.get(name=name).pk: n for name, n in (("a.md", 2), ("b.md", 5))}
    from apps.documents.doors import count_citations

    with count_citations.override(lambda workspace_id, document_ids: uses):
        for query, names in (("sort=-used", "b a d c"), ("sort=used", "d c a b")):
            expected = [f"{name}.md" for name in names.split()]
            assert names_on_page(browser, collection, query) == expected
            assert names_in_rest(api, collection, query) == expected
        rows = api.get(f"/api/v1/collections/{collection.pk}/documents/?sort=name").json()
    assert [row["used"] for row in rows["results"]] == [2, 5, 0, 0]


@pytest.mark.parametrize("query", ["state=nonsense", "sort=size", "to_check=true&state=failed"])
def test_rest_refuses_what_it_does_not_know(api: Any, collection: Collection, query: str) -> None:
    refused = api.get(f"/api/v1/collections/{collection.pk}/documents/?{query}")
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == {query.partition("=")[0]}


def test_an_address_with_nonsense_shows_everything(browser: Client, collection: Collection) -> None:
    query = "state=nonsense&sort=size&page=zebra"
    assert len(names_on_page(browser, collection, query)) == 4


def test_the_totals_are_those_of_the_collection_whatever_is_shown(
    browser: Client, api: Any, collection: Collection
) -> None:
    page = browser.get(f"/w/acme/collections/{collection.pk}/?state=failed").content.decode()
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "4 documents · 13 passages" in words
    assert "All 4 In progress 1 Ready 2 Failed 1 Needs a person 1" in words
    assert "Retry all failed" in words
    body = api.get(f"/api/v1/collections/{collection.pk}/documents/?state=failed").json()
    assert body["totals"] == {
        "documents": 4, "passages": 13, "working": 1, "ready": 2, "failed": 1, "cancelled": 0,
        "to_check": 1,
    }  # fmt: skip


def test_the_next_page_and_the_next_order_keep_the_filter(
    browser: Client, collection: Collection
) -> None:
    for number in range(60):
        make_document(collection, f"more {number}.md", [])
    page = browser.get(f"/w/acme/collections/{collection.pk}/?name=more&sort=name").content.decode()
    assert 'href="?name=more&amp;sort=name&amp;page=2"' in page
    assert 'href="?name=more&amp;sort=-name"' in page
    assert "table/?name=more&amp;sort=name" in page
    second = browser.get(f"/w/acme/collections/{collection.pk}/?name=more&page=2").content.decode()
    assert "table/?name=more&amp;page=2" in second


def test_tags_are_a_tree_of_which_a_branch_opens() -> None:
    tagged = [(["hr", "hr/leave"], 2), (["hr/leave/parents"], 1), (["law"], 3)]
    closed = [(n.path, n.name, n.count) for n in build_tree(tagged)]
    assert closed == [("hr", "hr", 3), ("law", "law", 3)]
    opened = build_tree(tagged, chosen="hr/leave")
    assert [(n.path, n.depth, n.count, n.is_chosen) for n in opened] == [
        ("hr", 0, 3, False),
        ("hr/leave", 1, 3, True),
        ("hr/leave/parents", 2, 1, False),
        ("law", 0, 3, False),
    ]


def test_the_tree_beside_the_table_filters_it(browser: Client, collection: Collection) -> None:
    page = browser.get(f"/w/acme/collections/{collection.pk}/?tag=hr").content.decode()
    tree = page.partition('aria-label="Tags"')[2].partition("</nav>")[0]
    assert re.findall(r'title="([^"]+)"', tree) == ["hr", "hr/leave", "law"]
    assert re.findall(r'<span class="fine">(\d+)</span>', tree) == ["2", "1", "1"]
    assert 'href="?tag=hr%2Fleave"' in tree


def test_a_dropped_folder_becomes_a_tag(browser: Client, collection: Collection, api: Any) -> None:
    for name in ("Team/HR Rules/leave.md", "flat.md", f"{'deep/' * 30}last.md"):
        add_upload(collection, file=[name.encode()], filename=name, actor=Actor())
    tags = dict(Document.objects.filter(created_at__isnull=False).values_list("name", "tags"))
    assert tags["Team/HR Rules/leave.md"] == ["team/hr rules"]
    assert tags["flat.md"] == []
    [deep] = tags[f"{'deep/' * 30}last.md"]
    assert deep == "/".join(["deep"] * 16)
    assert names_on_page(browser, collection, "tag=team") == ["Team/HR Rules/leave.md"]


def test_long_names_keep_their_end_and_are_never_markup(
    browser: Client, collection: Collection
) -> None:
    name = f"{'<b>long</b> ' * 8}report 2026.md"
    make_document(collection, name)
    page = browser.get(f"/w/acme/collections/{collection.pk}/").content.decode()
    assert '<span class="elide-tail">rt 2026.md</span>' in page
    assert "<b>long</b>" not in page


def test_an_empty_collection_shows_the_drop_zone_with_its_buttons(
    client_for: Callable[[User], Client], workspace: Workspace, editor: User, viewer: User
) -> None:
    path = f"/w/acme/collections/{make_collection(workspace).pk}/"
    page = client_for(editor).get(path).content.decode()
    assert "Drop files or folders anywhere on this page" in page
    assert 'for="upload-folder"' in page
    assert "webkitdirectory" in page
    seen = client_for(viewer).get(path).content.decode()
    assert "Editors and owners of this workspace can add documents here." in seen
    assert "Choose files" not in seen


@pytest.mark.django_db(transaction=True)
def test_page_and_rest_agree_after_every_step_of_the_pipeline(
    browser: Client, api: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """25 files at once: rows, totals and both surfaces are looked at whenever a version changes."""
    from apps.retrieval.indexes import publishing
    from workers.pipelines import embed, ingest

    collection = make_collection(workspace)
    looks: list[dict[str, int]] = []

    def look() -> None:
        body = api.get(f"/api/v1/collections/{collection.pk}/documents/?page_size=200").json()
        page = browser.get(f"/w/acme/collections/{collection.pk}/table/").content.decode()
        totals, rows = body["totals"], body["results"]
        assert totals["documents"] == len(rows) == page.count('<tr id="document-')
        assert totals["passages"] == sum(row["num_searchable"] for row in rows)
        assert totals["ready"] == sum(row["state"] == "ready" for row in rows)
        assert totals["working"] == sum(row["state"] in ("queued", "processing") for row in rows)
        assert totals["working"] == page.count('<progress max="100"')
        assert totals["ready"] == page.count("state-good")
        words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
        assert f"{totals['documents']} documents · {totals['passages']} passages" in words
        assert ("every 1s" in page) == (totals["working"] > 0)
        looks.append(totals)

    def looking(module: Any, name: str) -> None:
        real = getattr(module, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            look()
            return result

        monkeypatch.setattr(module, name, wrapped)

    monkeypatch.setattr(publishing, "MAX_CHUNKS", 3)
    looking(ingest, "begin_stage")
    looking(embed.EmbedRun, "_publish_together")
    looking(embed.EmbedRun, "_show_progress")
    for number in range(25):
        text = f"# Rule {number}\n\nRule {number} gives {number} days.\n" * (1 + number % 3)
        add_upload(collection, file=[text.encode()], filename=f"{number}.md", actor=Actor())
    look()
    run_all()
    look()
    assert (looks[0]["working"], looks[-1]["ready"]) == (25, 25)
    assert any(0 < seen["ready"] < 25 for seen in looks)
