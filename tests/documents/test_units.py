"""Sheets are called sheets, and counted as such, wherever a size is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.documents.models import Document, DocumentVersion, Page
from apps.documents.units import BY_MEDIA_TYPE, count_units, find_unit, name_places
from apps.workspaces.models import User, Workspace
from parsing.sniff import MEDIA_TYPES
from tests.documents.make import make_collection, make_document

XLSX = MEDIA_TYPES["xlsx"]


def test_each_kind_of_file_that_is_named_can_be_read() -> None:
    assert set(BY_MEDIA_TYPE) <= set(MEDIA_TYPES.values())


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [
        ("xlsx", 3, "3 sheets"),
        ("csv", 1, "1 sheet"),
        ("pptx", 1200, "1,200 slides"),
        ("epub", 2, "2 sections"),
        ("mbox", 1, "1 message"),
        ("pdf", 1, "1 page"),
        ("md", 0, "0 pages"),
    ],
)
def test_parts_have_the_word_of_their_kind(kind: str, number: int, words: str) -> None:
    assert find_unit(MEDIA_TYPES[kind]).count(number) == words


def test_a_part_goes_by_its_own_label_if_it_has_one() -> None:
    assert find_unit(XLSX).label(2, "Sheet Prices") == "Sheet Prices"
    assert find_unit(MEDIA_TYPES["pptx"]).label(2) == "Slide 2"


def label(document: Document, *labels: str) -> DocumentVersion:
    version = document.versions.get()
    for number, text in enumerate(labels, 1):
        Page.objects.filter(version=version, number=number).update(label=text)
    DocumentVersion.objects.filter(pk=version.pk).update(pages_done=len(labels))
    version.refresh_from_db()
    return version


@pytest.mark.django_db
def test_a_long_sheet_is_one_sheet_and_an_attachment_is_no_message(workspace: Workspace) -> None:
    collection = make_collection(workspace)
    book = label(
        make_document(collection, "a.xlsx", ["1", "2", "3"], media_type=XLSX),
        "Sheet Prices", "Sheet Prices", "Sheet Rates",
    )  # fmt: skip
    mails = label(
        make_document(
            collection,
            "b.mbox",
            ["Hello\nFirst", "Hello\nSecond", "the rest of it", "A contract"],
            media_type="application/mbox",
        ),
        "Hello", "Hello", "Hello", "Attachment deal.pdf: Page 1",
    )  # fmt: skip
    paper = label(make_document(collection, "c.pdf", ["1", "2"], media_type="application/pdf"))

    assert count_units([book, mails, paper]) == {book.pk: 2, mails.pk: 2, paper.pk: 2}


@pytest.mark.django_db
def test_a_citation_names_the_sheet_the_slide_or_the_message(workspace: Workspace) -> None:
    collection = make_collection(workspace)
    book = label(make_document(collection, "a.xlsx", ["1", "2"], media_type=XLSX), "Sheet Prices")
    mails = label(
        make_document(collection, "b.eml", ["Hi", "Deal"], media_type="message/rfc822"),
        "Hello", "Attachment deal.pdf",
    )  # fmt: skip
    talk = label(make_document(collection, "c.pptx", ["1"], media_type=MEDIA_TYPES["pptx"]))
    paper = label(make_document(collection, "d.md", ["1"]))

    names = name_places(
        [(book.pk, 1), (book.pk, 2), (mails.pk, 1), (mails.pk, 2), (talk.pk, 1), (paper.pk, 1)]
    )

    assert (names[book.pk, 1], names[book.pk, 2]) == ("sheet Prices", "sheet 2")
    assert (names[mails.pk, 1], names[mails.pk, 2]) == (
        "message “Hello”",
        "attachment deal.pdf",
    )
    assert (names[talk.pk, 1], names[paper.pk, 1]) == ("slide 1", "page 1")


@pytest.mark.django_db
def test_table_document_and_rest_say_sheets(
    workspace: Workspace, editor: User, client_for: Callable[[User], Client], api: Any
) -> None:
    collection = make_collection(workspace)
    document = make_document(collection, "a.xlsx", ["1", "2", "3"], media_type=XLSX)
    label(document, "Sheet Prices", "Sheet Prices", "Sheet Rates")
    browser = client_for(editor)

    table = browser.get(f"/w/acme/collections/{collection.pk}/table/").content.decode()
    assert "2 sheets" in table
    page = browser.get(f"/w/acme/documents/{document.pk}/").content.decode()
    assert "2 sheets" in page
    row = api.get(f"/api/v1/documents/{document.pk}/").json()
    assert (row["unit"], row["num_units"], row["pages_total"]) == ("sheet", 2, 3)
