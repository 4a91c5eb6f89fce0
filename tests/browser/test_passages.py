"""Edit a passage and see the edit cited; try a chunking and keep it for an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.browser.steps import ask, open_chat, open_citation
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Library, Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NEW = "The bookbinding workshop takes place in the orangery and costs forty euros."


@pytest.fixture(scope="module")
def notes(library: Library) -> str:
    """A document of this test's own: what it changes, others do not see."""
    text = (
        "# Workshops\n\nThe bookbinding workshop takes place in the mill and costs fifteen euros."
    )
    made = library.rest.upload(library.collection, name="orangery.md", content=text.encode())
    assert library.rest.wait_until_ready(made["id"])["state"] == "ready"
    document: str = made["id"]
    return document


def test_an_edited_passage_is_what_an_answer_cites(
    page: Page, library: Library, notes: str
) -> None:
    page.goto(f"{library.url}documents/{notes}/")
    page.get_by_role("link", name="Change passage 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What it says").fill(NEW)
    dialog.get_by_label("Tags").fill("workshops")
    assert find_axe_faults(page) == []
    dialog.get_by_role("button", name="Save").click()
    item = page.locator(".passage-item")
    expect(item).to_contain_text("edited")
    expect(item).to_contain_text("workshops")
    expect(page.locator("#passages")).not_to_contain_text("being made searchable")

    open_chat(page, library, library.reader)
    answer = ask(page, "Where does the bookbinding workshop in the orangery take place?")

    expect(answer).to_contain_text("orangery and costs forty euros")
    open_citation(answer)
    panel = page.locator("#source-panel")
    expect(panel).to_contain_text("This passage was edited.")
    expect(panel.locator("[data-highlight]").first).to_be_visible()
    expect(panel.locator(".page-text")).to_contain_text("in the mill and costs fifteen euros")


def test_a_disabled_passage_stays_out_until_it_is_enabled(
    page: Page, library: Library, notes: str
) -> None:
    page.goto(f"{library.url}documents/{notes}/")
    page.get_by_role("link", name="Change passage 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.locator(".passage-item.is-disabled")).to_be_visible()
    page.goto(f"{library.url}search/?query=bookbinding+orangery&mode=lexical")
    expect(page.locator(".hits")).not_to_contain_text("orangery")

    page.goto(f"{library.url}documents/{notes}/")
    page.get_by_role("button", name="Enable").click()
    expect(page.locator(".passage-item.is-editable")).to_be_visible()


def test_two_chunkings_are_tried_side_by_side_and_one_is_kept(
    visit: Visit, library: Library
) -> None:
    page = visit()
    page.goto(f"{library.url}collections/{library.collection}/")
    page.get_by_role("link", name="Chunking").click()
    page.get_by_label("Document", exact=True).select_option(label="handbook.pdf")
    page.get_by_label("Strategy").select_option(label="Sentences")
    expect(page.locator(".cut-number").first).to_be_visible()
    page.get_by_role("button", name="Compare with a second setting").click()
    expect(page.locator(".cut-text")).to_have_count(2)
    page.locator("#b-strategy").select_option(label="Small to search, large to read")
    expect(page.locator(".cut-parent").first).to_be_visible()
    assert find_axe_faults(page) == []
    assert_fits(page)
    keep = page.locator("form", has=page.locator("#a-name"))
    keep.get_by_label("Keep as").fill("By sentences")
    keep.get_by_role("button", name="Build this beside the live index").click()

    expect(page.get_by_label("Chunking")).to_have_value(
        page.get_by_label("Chunking")
        .locator("option", has_text="By sentences")
        .get_attribute("value")
        or ""
    )
    phone = visit(size=PHONE)
    phone.goto(f"{library.url}collections/{library.collection}/chunking/?b-strategy=words")
    assert_fits(phone)
