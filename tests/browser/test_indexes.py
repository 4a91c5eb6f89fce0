"""Another chunking: tried on a document, built beside the live index, compared, swapped in.

The assistant is asked all the time and never fails.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Library, Visit
from tests.browser.material import QUESTION, RENEWAL, handbook_pdf
from tests.browser.steps import ask
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NAME = "A few sentences"


def make_collection(library: Library) -> tuple[str, str]:
    """A handbook that takes a while to embed, and an assistant for it: (id, slug)."""
    rest = library.rest
    collection = rest.call("POST", "collections/", {"name": "Rebuilt"})["id"]
    content = handbook_pdf(num_filler=30)
    document = rest.upload(collection, name="handbook.pdf", content=content)["id"]
    assert rest.wait_until_ready(document)["state"] == "ready"
    fields = {"name": "Rebuilder", "collections": [collection]}
    return collection, rest.call("POST", "assistants/", fields)["slug"]


def test_a_new_chunking_is_built_compared_and_swapped_while_people_ask(
    visit: Visit, library: Library
) -> None:
    from playwright.sync_api import expect

    collection, assistant = make_collection(library)
    before = read_passage(library, collection)
    chat, page = visit(), visit()
    chat.goto(f"{library.url}assistants/{assistant}/")
    assert_answered(chat)
    keep_setting(page, library, collection)
    page.get_by_role("button", name="Build it beside the live one").click()
    expect(page.get_by_role("progressbar", name="Progress of the index")).to_be_visible()
    while not page.get_by_text("Ready to compare").is_visible():
        assert_answered(chat)
    compare(page)
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_text("Swapped.")).to_be_visible()
    expect(page.locator("#indexes").get_by_role("heading", name=NAME)).to_be_visible()
    assert_answered(chat)
    after = read_passage(library, collection)
    assert after != before
    assert RENEWAL in after
    page.get_by_role("button", name="Roll back").click()
    assert_answered(chat)
    assert read_passage(library, collection) == before


def keep_setting(page: Page, library: Library, collection: str) -> None:
    """Try sentences on the handbook and keep that as a profile; it leads to the form below."""
    from playwright.sync_api import expect

    page.goto(f"{library.url}collections/{collection}/")
    page.get_by_role("navigation", name="Rebuilt").get_by_role("link", name="Chunking").click()
    page.get_by_label("Strategy").select_option("sentences")
    expect(
        page.get_by_text("Passages drawn over the text").or_(page.locator(".cut-text"))
    ).to_be_visible()
    page.get_by_label("Keep as").fill(NAME)
    page.get_by_role("button", name="Build this beside the live index").click()
    expect(page.get_by_label("Chunking")).to_have_text(re.compile(NAME))


def compare(page: Page) -> None:
    from playwright.sync_api import expect

    page.get_by_role("link", name="Compare with the live one").click()
    page.get_by_label("Another question").fill("What does a membership cost?")
    page.get_by_role("button", name="Compare with it").click()
    question = page.locator("summary").filter(has_text="What does a membership cost?")
    expect(question).to_be_visible()
    assert_fits(page)
    assert find_axe_faults(page) == []


def assert_answered(chat: Page) -> None:
    """Ask, and get an answer that cites the handbook."""
    answer = ask(chat, QUESTION)
    assert RENEWAL in answer.inner_text()
    assert answer.locator("[data-citation]").count() > 0


def read_passage(library: Library, collection: str) -> str:
    """The text of the best passage, as every search gives it now."""
    asked = {"collection": collection, "query": QUESTION}
    text: str = library.rest.call("POST", "search/", asked)["hits"][0]["text"]
    return text
