"""An answer while it streams: reload, stop, again, in other words, and a model that dies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Library
from tests.browser.material import QUESTION
from tests.browser.steps import ask, find_last_answer, open_chat, send_question, wait_for_answer
from tests.browser.watching import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WHOLE = [f"word{number}" for number in range(1, 60)]


@pytest.fixture(autouse=True)
def chat(page: Page, library: Library) -> Iterator[None]:
    """A new conversation with the slow model."""
    before = library.stub.config
    open_chat(page, library, library.model)
    yield
    library.stub.config = before


def read_words(answer: Locator) -> list[str]:
    """The model's words that the answer shows, without the citation."""
    shown = answer.locator(".answer-text").inner_text().split()
    return [word.strip(".") for word in shown if word.startswith("word")]


def wait_for_word(page: Page, number: int) -> Locator:
    from playwright.sync_api import expect

    answer = find_last_answer(page)
    expect(answer).to_contain_text(f"word{number} ")
    return answer


def test_it_arrives_bit_by_bit_and_ends_whole(page: Page) -> None:
    from playwright.sync_api import expect

    send_question(page, QUESTION)
    answer = wait_for_word(page, 5)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "true")
    some = read_words(answer)
    assert some == WHOLE[: len(some)]
    assert len(some) < len(WHOLE)
    assert read_words(wait_for_answer(page)) == WHOLE
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
    expect(find_last_answer(page).locator(".answer-text [data-citation]")).to_have_count(1)


def test_a_reload_in_the_middle_goes_on_with_the_same_answer(page: Page, library: Library) -> None:
    asked = library.stub.stats.requests
    send_question(page, QUESTION)
    identifier = wait_for_word(page, 10).get_attribute("id")
    page.reload()
    answer = wait_for_word(page, 15)
    assert answer.get_attribute("id") == identifier
    some = read_words(answer)
    assert some == WHOLE[: len(some)]
    assert read_words(wait_for_answer(page)) == WHOLE
    assert page.locator("[data-answer]").count() == 1
    assert library.stub.stats.requests == asked + 1
    page.reload()
    assert read_words(find_last_answer(page)) == WHOLE


def test_a_lost_connection_is_told_and_doubles_nothing(
    page: Page, library: Library, watches: list[Watch]
) -> None:
    from playwright.sync_api import expect

    watches[0].expect("[object Event]")  # what htmx writes of it to the console
    library.stub.config = replace(library.stub.config, token_ms=150)

    def drop_once(route: Route) -> None:
        cut = "event: token\ndata: word1 word2 word3 \n\n"
        route.fulfill(content_type="text/event-stream", body=cut)

    page.route("**/events/", drop_once, times=1)
    send_question(page, QUESTION)
    expect(page.locator("[data-connection]")).to_contain_text("The connection is lost.")
    some = read_words(wait_for_word(page, 10))
    assert some == WHOLE[: len(some)]
    expect(page.locator("[data-connection]")).to_be_hidden()
    assert read_words(wait_for_answer(page)) == WHOLE
    assert page.locator("[data-answer]").count() == 1


def test_stop_keeps_what_has_arrived(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    send_question(page, QUESTION)
    wait_for_word(page, 5)
    page.get_by_role("button", name="Stop the answer").click()
    answer = wait_for_answer(page)
    expect(answer).to_contain_text("Stopped here")
    some = read_words(answer)
    assert 5 <= len(some) < len(WHOLE)
    assert some == WHOLE[: len(some)]
    assert library.stub.stats.open_streams == 0
    page.reload()
    assert read_words(find_last_answer(page)) == some
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_answering_again_replaces_the_answer(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    old = ask(page, QUESTION).get_attribute("id")
    library.stub.config = replace(library.stub.config, reply="Another answer [1].", tokens=3)
    page.get_by_role("button", name="Answer again").click()
    expect(page.locator(".answer-text", has_text="Another answer")).to_be_visible()
    answer = wait_for_answer(page)
    assert answer.get_attribute("id") != old
    assert page.locator("[data-answer]").count() == 1
    page.reload()
    expect(find_last_answer(page)).to_contain_text("Another answer")
    assert page.locator("[data-answer]").count() == 1


def test_an_edited_question_puts_aside_what_follows(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    library.stub.config = replace(library.stub.config, reply="Short [1].", tokens=2)
    ask(page, QUESTION)
    ask(page, "And what does it cost?")
    first = page.locator("[data-turn]").first
    first.locator("[data-question-view]").hover()
    first.get_by_role("button", name="Edit this question").click()
    first.get_by_label("Edit your question").fill("How many maps may be lent?")
    first.get_by_role("button", name="Ask again").click()
    questions = page.locator(".question-text")
    expect(questions).to_have_text(["How many maps may be lent?"])
    expect(wait_for_answer(page)).to_contain_text("Short")
    page.reload()
    expect(questions).to_have_text(["How many maps may be lent?"])


def test_a_model_that_dies_is_admitted_and_can_be_tried_again(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    healthy = library.stub.config
    library.stub.config = replace(healthy, fail="mid_stream", token_ms=10)
    send_question(page, QUESTION)
    answer = wait_for_answer(page)
    expect(answer).to_contain_text("The answer broke off.")
    some = read_words(answer)
    assert some == WHOLE[: len(some)]
    assert 5 < len(some) < len(WHOLE)
    library.stub.config = replace(healthy, token_ms=10)
    answer.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-answer]", has_text="broke off")).to_have_count(0)
    assert read_words(wait_for_answer(page)) == WHOLE
    assert page.locator("[data-answer]").count() == 1


def test_a_model_that_refuses_says_why(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    library.stub.config = replace(library.stub.config, fail="auth")
    answer = ask(page, QUESTION)
    expect(answer).to_contain_text("The answer could not be made.")
    expect(answer.get_by_role("button", name="Try again")).to_be_visible()


def test_the_endpoint_can_be_tested_in_the_settings(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    page.goto(f"{library.url}settings/models/")
    page.get_by_role("button", name="Test Slow model").click()
    expect(page.locator("article", has_text="Slow model").get_by_role("status")).to_be_visible()
