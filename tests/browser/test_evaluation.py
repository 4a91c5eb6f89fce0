"""From three chats to a better release: dataset, experiment, comparison, gate, promotion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Library
from tests.browser.material import QUESTION, RENEWAL
from tests.browser.steps import ask, find_last_answer, open_chat
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

QUESTIONS = (
    QUESTION,
    "What does a membership cost a year?",
    "When does the bookbinding workshop take place?",
)
RUN_MS = 60_000


def test_a_better_release_is_found_and_promoted(page: Page, library: Library) -> None:
    slug = library.rest.call(
        "POST", "assistants/", {"name": "Trainee", "collections": [library.collection]}
    )["slug"]
    first_trace = make_dataset_from_chats(page, library, slug)
    check_release(page, first_trace, number=1)
    make_candidates(page, library, slug)
    make_gate(page, library, slug)
    run_experiment(page, library, slug)
    read_comparison(page)
    promote_better(page, library, slug)
    open_chat(page, library, slug)
    assert RENEWAL in " ".join(ask(page, QUESTION).inner_text().split())
    check_release(page, trace_of_last(page), number=2)


def make_dataset_from_chats(page: Page, library: Library, slug: str) -> str:
    """Three conversations, each taken into the dataset; the first one's trace."""
    from playwright.sync_api import expect

    page.goto(f"{library.url}evaluate/datasets/")
    page.get_by_role("button", name="New dataset").first.click()
    page.get_by_label("Name").fill("From chats")
    page.get_by_role("button", name="Create dataset").click()
    traces = []
    for question in QUESTIONS:
        open_chat(page, library, slug)
        answer = ask(page, question)
        expect(answer.locator(".citation").first).to_be_visible()
        traces.append(trace_of_last(page))
        answer.get_by_text("Add to a dataset").click()
        answer.get_by_role("button", name="From chats").click()
        expect(answer.get_by_text("Added to the draft of From chats")).to_be_visible()
    page.goto(f"{library.url}evaluate/datasets/")
    page.get_by_role("link", name="From chats").click()
    for question in QUESTIONS:
        expect(page.get_by_text(question).first).to_be_visible()
    page.get_by_role("button", name="Freeze a version").click()
    page.get_by_role("button", name="Freeze version").click()
    expect(page.get_by_role("heading", name="From chats").first).to_be_visible()
    return traces[0]


def trace_of_last(page: Page) -> str:
    """Where the last answer says how it was made."""
    link = find_last_answer(page).get_by_role("link", name="How was this made?")
    return str(link.get_attribute("href"))


def check_release(page: Page, trace: str, *, number: int) -> None:
    from playwright.sync_api import expect

    page.goto(trace)
    expect(page.get_by_role("link", name=f"release {number}", exact=True)).to_be_visible()


def make_candidates(page: Page, library: Library, slug: str) -> None:
    """Release 2 reads fewer passages, release 3 none at all."""
    from playwright.sync_api import expect

    recipe = f"{library.url}assistants/{slug}/recipe/"
    page.goto(recipe)
    page.locator("#card-order > summary").click()
    page.locator("[name=limit]").fill("4")
    page.get_by_role("button", name="Save as a candidate").click()
    expect(page.get_by_text("Release 2 is kept as a candidate").first).to_be_visible()
    page.goto(recipe)
    page.locator("#card-documents > summary").click()
    page.get_by_label("Handbook").uncheck()
    page.get_by_role("button", name="Save as a candidate").click()
    expect(page.get_by_text("Release 3 is kept as a candidate").first).to_be_visible()


def make_gate(page: Page, library: Library, slug: str) -> None:
    from playwright.sync_api import expect

    page.goto(f"{library.url}assistants/{slug}/gates/")
    page.get_by_label("Metric").select_option("token_f1")
    page.get_by_label("Rule", exact=True).select_option("at_least")
    page.get_by_label("Limit").fill("80")
    page.get_by_role("button", name="Add the rule").click()
    expect(
        page.get_by_text("Same words as expected (token F1) at least 80.0 %").first
    ).to_be_visible()
    assert find_axe_faults(page) == []


def run_experiment(page: Page, library: Library, slug: str) -> None:
    """On the two candidates; the page follows the work until it is done."""
    from playwright.sync_api import expect

    page.goto(f"{library.url}assistants/{slug}/evaluate/")
    page.get_by_role("link", name="New experiment").click()
    page.get_by_label("Name optional").fill("Fewer passages, or none")
    page.get_by_label("Release 1, answers now").uncheck()
    page.get_by_label(re.compile("^Release 2")).check()
    page.get_by_label(re.compile("^Release 3")).check()
    assert_fits(page)
    assert find_axe_faults(page) == []
    page.get_by_role("button", name="Run experiment").click()
    expect(page.locator(".stats .state")).to_have_text("Done", timeout=RUN_MS)
    expect(page.locator("#results")).to_contain_text("Same words as expected (token F1)")
    gates = page.locator("[aria-labelledby=gates-title]")
    expect(gates).to_contain_text("Release 3")
    expect(gates.get_by_text("is refused")).to_be_visible()
    expect(gates.get_by_text("may be promoted")).to_be_visible()
    assert_fits(page)
    assert find_axe_faults(page) == []


def read_comparison(page: Page) -> None:
    from playwright.sync_api import expect

    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_label("compared with").select_option("2")
    page.get_by_label("Candidate").select_option("3")
    expect(page.get_by_role("heading", name="Release 3 is worse than release 2")).to_be_visible()
    expect(page.get_by_text("Better on 0, worse on 3, no difference on 0").first).to_be_visible()
    lost = page.locator(".duel", has_text=QUESTION)
    expect(lost.get_by_text("Worse", exact=True)).to_be_visible()
    expect(lost.locator(".side").first).to_contain_text(RENEWAL)
    expect(lost.locator(".side").last).to_contain_text("could not find this")
    assert_fits(page)
    assert find_axe_faults(page) == []


def promote_better(page: Page, library: Library, slug: str) -> None:
    """Release 3 is refused with the gate's reason; release 2 is not."""
    from playwright.sync_api import expect

    releases = f"{library.url}assistants/{slug}/releases/"
    page.goto(f"{releases}3/")
    expect(page.get_by_text("at least 80.0 % is asked").first).to_be_visible()
    page.get_by_role("button", name="Promote it nevertheless").click()
    expect(page.get_by_text("Release 3 was not promoted").first).to_be_visible()
    page.goto(f"{releases}2/")
    page.get_by_role("button", name="Promote release 2").click()
    expect(page.get_by_text("Release 2 answers from now on").first).to_be_visible()


def test_pages_of_evaluation_fit_a_phone(phone: Page, library: Library) -> None:
    """After the journey there is something on all of them."""
    phone.goto(f"{library.url}evaluate/")
    link = phone.get_by_role("link", name="Fewer passages, or none")
    experiment = str(link.get_attribute("href"))
    assert_fits(phone)
    assistant = f"{library.url}assistants/trainee/"
    for path in (
        experiment, f"{experiment}compare/", f"{experiment}analysis/", f"{experiment}arena/",
        f"{experiment}grade/", f"{assistant}evaluate/", f"{assistant}evaluate/new/",
        f"{assistant}gates/", f"{assistant}guideline/",
    ):  # fmt: skip
        response = phone.goto(path)
        assert response is not None
        assert response.ok, path
        assert_fits(phone)
        assert find_axe_faults(phone) == [], path
