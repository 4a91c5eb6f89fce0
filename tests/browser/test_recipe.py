"""The recipe as a support lead meets it: folded cards, a question to try, the lab's one click."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Library, Visit
from tests.browser.material import QUESTION
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CARDS = ("presentation", "documents", "question", "search", "order", "model", "prompt")


def make_desk(library: Library, name: str) -> str:
    fields = {"name": name, "collections": [library.collection]}
    made: str = library.rest.call("POST", "assistants/", fields)["slug"]
    return made


def open_cards(page: Page) -> None:
    for name in CARDS:
        page.locator(f"#card-{name} > summary").click()
    for more in page.locator(".recipe-card .disclosure > summary").all():
        more.click()


def test_a_recipe_is_changed_tried_and_kept(visit: Visit, library: Library) -> None:
    from playwright.sync_api import expect

    page, slug = visit(), make_desk(library, "Recipe desk")
    recipe = f"{library.url}assistants/{slug}/recipe/"
    page.goto(recipe)
    expect(page.locator("#card-order")).to_contain_text("6 passages to read")
    expect(page.get_by_label("Passages given to the model")).to_be_hidden()
    assert find_axe_faults(page) == []
    page.locator("#card-order > summary").click()
    page.get_by_label("Put the best passages in order (reranking)").select_option("late")
    page.get_by_label("Passages given to the model").fill("3")
    page.get_by_label("Question", exact=True).fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("[data-fact=passages]")).to_have_text(re.compile("^[123]$"))
    expect(page.locator("[data-answer-text]")).not_to_be_empty()
    page.get_by_role("button", name="Save as a candidate").click()
    expect(page.get_by_text("Release 2 is kept as a candidate").first).to_be_visible()
    page.goto(f"{library.url}assistants/{slug}/releases/2/")
    expect(page.get_by_text("Only the retrieval differs.")).to_be_visible()
    expect(page.get_by_text("Compare word by word, built in (late interaction)")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["desk", "phone"])
def test_the_whole_recipe_fits_and_reads_well(
    visit: Visit, library: Library, size: tuple[int, int]
) -> None:
    page, slug = visit(size=size), make_desk(library, f"Recipe at {size[0]}")
    page.goto(f"{library.url}assistants/{slug}/recipe/")
    assert_fits(page)
    open_cards(page)
    assert_fits(page)
    assert find_axe_faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert find_axe_faults(page) == []


def test_the_better_profile_of_the_lab_becomes_a_candidate(visit: Visit, library: Library) -> None:
    from playwright.sync_api import expect

    page, slug = visit(), make_desk(library, "Lab desk")
    page.goto(f"{library.url}evaluate/lab/")
    page.get_by_label("Question", exact=True).fill(QUESTION)
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("Assistant that takes profile B").select_option(slug)
    assert find_axe_faults(page) == []
    page.get_by_role("button", name="Use B in a candidate").click()
    expect(page.get_by_role("heading", name="Release 2", exact=True)).to_be_visible()
    expect(page.get_by_text("Only the retrieval differs.")).to_be_visible()
    assert_fits(page)
