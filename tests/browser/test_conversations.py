"""One's own conversations: found, named, pinned and deleted, at a desk and on a phone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Library
from tests.browser.steps import ask, open_chat
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_list_that_is_kept_in_order(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    titles = page.locator(".conversation-title")
    ask(page, "Hello, can you tell me about the loans of rare books?")
    expect(titles.first).to_have_text("Loans of rare books")
    open_chat(page, library, library.reader)
    ask(page, "How do I renew a library card?")
    expect(titles.first).to_have_text("Renew a library card")
    assert find_axe_faults(page) == []

    row = page.locator(".conversation-row", has_text="Loans of rare books")
    row.hover()
    row.get_by_role("button", name="Rename").click()
    name = page.get_by_label("Name of the conversation")
    expect(name).to_be_focused()
    page.keyboard.type("Rare books")
    page.keyboard.press("Enter")
    row = page.locator(".conversation-row", has_text="Rare books")
    row.hover()
    row.get_by_role("button", name="Pin").click()
    expect(page.get_by_role("region", name="Pinned")).to_contain_text("Rare books")

    page.get_by_label("Search your conversations").fill("rare boo")
    expect(titles).to_have_count(1)
    page.get_by_label("Search your conversations").fill("")
    expect(titles.nth(1)).to_be_visible()

    page.get_by_role("button", name="Choose several").click()
    for title in ("Rare books", "Renew a library card"):
        page.get_by_label(f"Choose “{title}”").check()
    page.locator("[data-delete-selected]").click()
    dialog = page.get_by_role("dialog", name="Delete 2 conversations?")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    # The open one is among them, so that a new one begins.
    page.wait_for_url(re.compile(rf"/assistants/{library.reader}/$"))
    expect(page.locator(".conversation-row", has_text="Rare books")).to_have_count(0)


def test_the_list_on_a_phone_is_whole(phone: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(phone, library, library.reader)
    ask(phone, "What is the fine for a book that was returned a week too late?")
    phone.get_by_role("button", name="Conversations").click()
    panel = phone.get_by_role("navigation", name="Conversations")
    title = panel.get_by_text("Fine for a book that was returned a week too late")
    expect(title).to_be_in_viewport(ratio=1)
    cut = title.evaluate(
        "it => it.scrollHeight > it.clientHeight || it.scrollWidth > it.clientWidth"
    )
    assert not cut
    assert_fits(phone)
    assert find_axe_faults(phone) == []
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
