"""Beside the question box: what is asked within, attached files, what to ask next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import PHONE, Library, Visit
from tests.browser.material import QUESTION
from tests.browser.steps import ask, drop_files, open_chat, open_citation, wait_for_answer
from tests.browser.watching import Watch, assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

OFFER = "# Offer\n\nThe zebra project pays 420 euros a day. It begins in May.\n"
SHOWN_MS = 60_000


@pytest.fixture
def offer(tmp_path: Path) -> Path:
    path = tmp_path / "offer.md"
    path.write_text(OFFER)
    return path


def choose_document(page: Page, words: str, name: str) -> None:
    page.locator("#scope > summary").click()
    page.get_by_label("Find one document").fill(words)
    page.get_by_role("radio", name=name).check()
    page.keyboard.press("Escape")


def test_one_document_is_asked_and_then_all(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    label = page.locator("[data-scope-label]")
    expect(label).to_have_text("all documents")
    choose_document(page, "NOTES", "notes.md")
    expect(label).to_have_text("notes.md")
    answer = ask(page, QUESTION)
    expect(answer).to_contain_text("only that was searched")
    answer.get_by_role("button", name="Ask in all documents").click()
    answer = wait_for_answer(page)
    expect(answer.locator(".answer-text [data-citation]").first).to_be_visible()
    expect(label).to_have_text("all documents")


def test_a_collection_ends_the_choice_of_a_document(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    choose_document(page, "notes", "notes.md")
    page.locator("#scope > summary").click()
    page.get_by_role("checkbox", name="Handbook").check()
    expect(page.locator("[data-scope-label]")).to_have_text("Handbook")
    page.get_by_role("checkbox", name="All documents").check()
    expect(page.locator("[data-scope-label]")).to_have_text("all documents")
    expect(page.get_by_role("checkbox", name="Handbook")).not_to_be_checked()


@pytest.mark.parametrize("how", ["button", "drop"])
def test_an_attached_file_is_read_and_asked(
    page: Page, library: Library, offer: Path, how: str
) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    if how == "drop":
        drop_files(page, [offer])
    else:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Attach a file").click()
        chooser.value.set_files(offer)
    file = page.locator(".attached-file")
    expect(file).to_contain_text("offer.md")
    expect(file).to_contain_text("ready", timeout=SHOWN_MS)
    answer = ask(page, "How much does the zebra project pay a day?")
    expect(answer).to_contain_text("420 euros")
    open_citation(answer)
    expect(page.locator("#source-panel")).to_contain_text("zebra project")
    page.reload()
    expect(page.locator(".attached-file")).to_contain_text("offer.md")
    page.get_by_role("button", name="Remove offer.md").click()
    expect(page.locator(".attached-file")).to_have_count(0)


def test_questions_are_offered_before_and_after(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    example = page.locator("#examples [data-example]").first
    expect(example).to_be_visible(timeout=SHOWN_MS)
    example.click()
    answer = wait_for_answer(page)
    expect(answer.locator(".answer-text [data-citation]").first).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, (1280, 800)])
def test_the_control_fits_and_can_be_read(
    visit: Visit, library: Library, size: tuple[int, int]
) -> None:
    page = visit(size=size)
    open_chat(page, library, library.reader)
    page.locator("#scope > summary").click()
    page.get_by_label("Find one document").fill("n")
    page.get_by_role("radio").first.wait_for()
    assert_fits(page)
    assert find_axe_faults(page) == []


def test_a_question_that_is_too_long_stays_in_its_box(
    page: Page, library: Library, watches: list[Watch]
) -> None:
    """It is refused as an error, and what was chosen to ask within no longer covers the page."""
    from playwright.sync_api import expect

    watches[0].expect("422")
    open_chat(page, library, library.reader)
    box, question = page.get_by_label("Your question"), "x" * 32_001
    page.locator("#scope > summary").click()
    box.fill(question)
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("32,001 characters")
    expect(box).to_have_value(question)
    expect(page.locator("#turns")).to_be_empty()
    expect(page.locator("#scope")).not_to_have_attribute("open", "")
