"""What people do on the pages, for the journeys to share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import Library


def drop_files(page: Page, paths: Sequence[Path]) -> None:
    """Drag files from outside over the middle of the page and let go, as a file manager does."""
    assert page.viewport_size is not None
    devtools = page.context.new_cdp_session(page)
    size = page.viewport_size
    files = [str(path) for path in paths]
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": size["width"] / 2,
                "y": size["height"] / 2,
                "data": {"items": [], "files": files, "dragOperationsMask": 1},
            },
        )


def open_chat(page: Page, library: Library, assistant: str) -> None:
    """A new conversation with an assistant."""
    page.goto(f"{library.url}assistants/{assistant}/")


def find_last_answer(page: Page) -> Locator:
    return page.locator("[data-answer]").last


def send_question(page: Page, question: str) -> None:
    """Ask, and return when the answer has begun."""
    before = page.locator("[data-answer]").count()
    page.get_by_label("Your question", exact=True).fill(question)
    page.locator("[data-composer-main]").get_by_role("button", name="Send").click()
    page.locator("[data-answer]").nth(before).wait_for()


def ask(page: Page, question: str) -> Locator:
    """Ask and wait for the whole answer."""
    send_question(page, question)
    return wait_for_answer(page)


def wait_for_answer(page: Page) -> Locator:
    """The last answer, when it has ended."""
    answer = page.locator("[data-answer]:not([data-answer-open])").last
    page.locator("[data-answer-open]").wait_for(state="detached")
    answer.wait_for()
    return answer


def open_citation(answer: Locator) -> None:
    """Click the first citation and wait for its source."""
    answer.locator(".answer-text [data-citation]").first.click()
    answer.page.locator("#source-panel [data-highlight]").first.wait_for()


def give_thumb_down(page: Page, *, reason: str, comment: str) -> None:
    """On the last answer."""
    answer = find_last_answer(page)
    answer.get_by_role("button", name="Not helpful").click()
    answer.get_by_text(reason, exact=True).click()
    answer.get_by_label("In your words").fill(comment)
    answer.get_by_role("button", name="Send").click()
    answer.get_by_text("Noted:").wait_for()
