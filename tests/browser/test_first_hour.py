"""A newcomer's first hour, from an empty workspace to a gate that refuses a worse release.

Every step begins where the first steps lead; addresses are only typed to come back to a page that
the rail names. Both sizes walk the same way.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import DESKTOP, EMAIL, PHONE, Visit
from tests.browser.installation import Installation
from tests.browser.material import NOTES, QUESTION, RENEWAL, handbook_pdf
from tests.browser.steps import open_citation, wait_for_answer
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

READ_MS = 90_000
RUN_MS = 90_000


def check(page: Page) -> None:
    """The page as a whole: nothing sticks out, and axe finds nothing in light or dark."""
    assert_fits(page)
    assert find_axe_faults(page) == []


def go_on(page: Page, step: str) -> Locator:
    """Back to the first steps by the rail, where this one is open."""
    if "/start/" not in page.url:
        page.get_by_role("link", name=re.compile("^First steps")).click()
    control = page.locator(f'[data-step="{step}"].is-next')
    control.wait_for(timeout=READ_MS)
    return control


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_from_nothing_to_a_gate_that_refuses(
    size: tuple[int, int], visit: Visit, installation: Installation, tmp_path: Path
) -> None:
    slug = installation.create_workspace(f"First hour {size[0]}", owner=EMAIL)["slug"]
    page = visit(size=size)
    page.goto(f"/w/{slug}/")
    add_documents(page, tmp_path)
    ask_and_rate(page)
    measure(page)
    set_gate(page)
    be_refused(page)


def add_documents(page: Page, folder: Path) -> None:
    from playwright.sync_api import expect

    check(page)
    go_on(page, "collection").get_by_label("Name").fill("Town library")
    page.get_by_role("button", name="Create collection").click()
    go_on(page, "documents")
    check(page)
    (folder / "handbook.pdf").write_bytes(handbook_pdf())
    (folder / "notes.md").write_text(NOTES)
    page.set_input_files("#upload-files", [folder / "handbook.pdf", folder / "notes.md"])
    assistant = go_on(page, "assistant")
    expect(page.locator("#rail-steps")).to_have_attribute("aria-label", "First steps: 2 of 9 done")
    expect(assistant.get_by_label("Town library")).to_be_checked()
    check(page)
    assistant.get_by_label("Name").fill("Front desk")
    assistant.get_by_role("button", name="Create assistant").click()


def ask_and_rate(page: Page) -> None:
    from playwright.sync_api import expect

    step = go_on(page, "question")
    check(page)
    step.get_by_label("Your question to Front desk").fill(QUESTION)
    step.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url("**/chat/**")
    answer = wait_for_answer(page)
    expect(answer).to_contain_text("renewed twice")
    open_citation(answer)
    page.get_by_role("button", name="Close the source").click()
    step = go_on(page, "rating")
    step.get_by_role("link", name="Open the answer").click()
    answer = wait_for_answer(page)
    answer.get_by_role("button", name="Helpful", exact=True).click()
    expect(answer.get_by_role("button", name="Helpful", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )


def measure(page: Page) -> None:
    from playwright.sync_api import expect

    step = go_on(page, "dataset")
    step.get_by_label("Name").fill("About loans")
    step.get_by_role("button", name="Create dataset").click()
    page.get_by_role("link", name="Write the first one").click()
    page.get_by_label("Question", exact=True).fill(QUESTION)
    page.get_by_label("Expected answer").fill(RENEWAL)
    check(page)
    page.get_by_role("button", name="Save", exact=True).click()
    step = go_on(page, "dataset")
    step.get_by_role("button", name="Freeze version 1").click()
    expect(page.get_by_text("Version 1 holds 1 example").first).to_be_visible()
    go_on(page, "experiment").get_by_role("link", name="New experiment").click()
    run_experiment(page, "First measure")


def run_experiment(page: Page, name: str) -> None:
    from playwright.sync_api import expect

    page.get_by_role("textbox", name=re.compile("^Name")).fill(name)
    check(page)
    page.get_by_role("button", name="Run experiment").click()
    expect(page.locator(".stats .state")).to_have_text("Done", timeout=RUN_MS)
    expect(page.locator("#results")).to_contain_text("token F1")


def set_gate(page: Page) -> None:
    from playwright.sync_api import expect

    go_on(page, "gate").get_by_role("link", name="Add a gate").click()
    page.get_by_label("Metric").select_option("token_f1")
    page.get_by_label("Rule", exact=True).select_option("at_least")
    page.get_by_label("Limit").fill("80")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_text(re.compile(r"token F1.* at least 80\.0 %")).first).to_be_visible()
    expect(page.locator("#rail-steps")).to_have_count(0)
    check(page)


def be_refused(page: Page) -> None:
    """A release without documents answers worse; the gate says so, and promotes nothing."""
    from playwright.sync_api import expect

    page.locator("main").get_by_role("link", name="recipe", exact=True).click()
    page.locator("#card-documents > summary").click()
    page.get_by_label("Town library").uncheck()
    page.get_by_role("button", name="Save as a candidate").click()
    expect(page.get_by_text("Release 2 is kept as a candidate").first).to_be_visible()
    page.get_by_role("navigation", name="Front desk").get_by_role("link", name="Evaluate").click()
    page.get_by_role("link", name="Gates").click()
    page.locator("main").get_by_role("link", name="an experiment").click()
    page.get_by_label("Release 1, answers now").uncheck()
    page.get_by_label(re.compile("^Release 2")).check()
    run_experiment(page, "Without documents")
    gates = page.locator("[aria-labelledby=gates-title]")
    expect(gates.get_by_text("is refused")).to_be_visible()
    check(page)


def close_dialog(page: Page) -> None:
    """With Escape, which the browser itself answers, and not at once."""
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")


def test_the_palette_opens_anything(visit: Visit) -> None:
    """By keyboard at a desk: found as one types, opened by Enter; axe clean while it is open."""
    from playwright.sync_api import expect

    page = visit()
    page.goto("/w/acme/assistants/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Page, assistant, document or action")
    expect(box).to_be_focused()
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    assert find_axe_faults(page) == []
    box.fill("create coll")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="New collection")).to_be_visible()
    close_dialog(page)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    assert find_axe_faults(page) == []
    close_dialog(page)
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/evaluate/")
    page.keyboard.press("?")
    keys.get_by_label("Single keys").uncheck()
    close_dialog(page)
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.keyboard.press("Control+k")
    expect(box).to_be_focused()
    assert page.url.endswith("/evaluate/")


def test_the_palette_opens_by_a_button_on_a_phone(phone: Page) -> None:
    from playwright.sync_api import expect

    phone.goto("/w/acme/documents/")
    phone.get_by_role("button", name="Go to…").tap()
    box = phone.get_by_role("combobox")
    box.fill("members")
    expect(phone.get_by_role("option", name="Members")).to_be_visible()
    assert_fits(phone)
    phone.get_by_role("option", name="Members").tap()
    phone.wait_for_url("**/settings/members/")
