"""Without a mouse: everything is reached with Tab, and one always sees where one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Library
from tests.browser.material import QUESTION
from tests.browser.steps import find_last_answer, open_chat, wait_for_answer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MOST_TABS = 80
# An outline, a ring of shadow or a border in another colour than without the focus; a field may
# show it on the box that it stands in.
SHOWS_FOCUS = """
() => {
  const element = document.activeElement;
  if (!element || element === document.body) return false;
  const boxes = [element, element.parentElement, element.parentElement?.parentElement];
  const look = () => boxes.filter(Boolean).map((it) => {
    const style = getComputedStyle(it);
    return [style.outlineStyle === "none" ? "" : style.outlineWidth + style.outlineColor,
            style.boxShadow, style.borderColor, style.backgroundColor].join("|");
  }).join("\\n");
  const place = element.getBoundingClientRect();
  if (!place.width || !place.height) return false;
  const focused = look();
  element.blur();
  const plain = look();
  element.focus({ preventScroll: true, focusVisible: true });
  return focused !== plain;
}
"""


def test_asking_citing_and_judging(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    expect(page.get_by_label("Your question", exact=True)).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    answer = wait_for_answer(page)
    expect(page.get_by_label("Your question", exact=True)).to_be_focused()

    press_until(page, ".answer-text [data-citation]", back=True)
    page.keyboard.press("Enter")
    expect(page.locator("[data-source-heading]")).to_be_focused()
    expect(page.locator("#source-panel [data-highlight]").first).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#source-panel > *")).to_have_count(0)
    expect(answer.locator(".answer-text [data-citation]").first).to_be_focused()

    press_until(page, "[name=rating][value=down]")
    page.keyboard.press("Enter")
    reason = answer.get_by_label("Wrong", exact=True)
    expect(reason).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    press_until(page, "[name=comment]")
    page.keyboard.type("Typed without a mouse.")
    page.keyboard.press("Enter")
    expect(answer).to_contain_text("Noted: not in the documents")


def test_the_keys_of_the_question_box(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    page.keyboard.type("What does a membership cost")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("for a year?")
    expect(page.get_by_label("Your question", exact=True)).to_have_value(
        "What does a membership cost\nfor a year?"
    )
    page.keyboard.press("Enter")
    expect(wait_for_answer(page)).to_contain_text("twelve euros")

    page.keyboard.press("ArrowUp")
    edited = page.get_by_label("Edit your question")
    expect(edited).to_be_focused()
    page.keyboard.press("Escape")
    expect(edited).to_be_hidden()
    expect(page.get_by_label("Your question", exact=True)).to_be_focused()

    page.keyboard.press("ArrowUp")
    page.keyboard.press("Control+a")
    page.keyboard.type("When is the reading room open?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-question-view]")).to_have_text(["When is the reading room open?"])
    expect(wait_for_answer(page)).to_contain_text("nine in the morning")


def test_escape_stops_the_answer(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.model)
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(find_last_answer(page)).to_contain_text("word5")
    page.keyboard.press("Escape")
    expect(wait_for_answer(page)).to_contain_text("Stopped here")


def test_the_focus_is_seen_everywhere(page: Page, library: Library) -> None:
    paths = [
        f"{library.url}assistants/",
        f"{library.url}assistants/{library.reader}/",
        f"{library.url}collections/{library.collection}/",
        f"{library.url}settings/members/",
    ]
    for path in paths:
        page.goto(path)
        assert find_unseen_focus(page) == []


def find_unseen_focus(page: Page) -> list[str]:
    """Walk over the whole page with Tab; what takes the focus without showing it."""
    page.evaluate("document.activeElement.blur()")
    unseen: list[str] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            return unseen
        if not page.evaluate(SHOWS_FOCUS):
            unseen.append(str(page.evaluate("document.activeElement.outerHTML.slice(0, 200)")))
    return unseen


def press_until(page: Page, selector: str, *, back: bool = False) -> None:
    """Press Tab (or Shift+Tab) until the focus is on such an element, and see that it shows."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.evaluate("it => document.activeElement.matches(it)", selector):
            assert page.evaluate(SHOWS_FOCUS)
            return
    pytest.fail(f"{selector} cannot be reached with Tab")
