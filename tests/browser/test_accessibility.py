"""axe finds nothing serious or critical on any main page, in light colours and in dark ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import EMAIL, Account, Library, Visit
from tests.browser.furnishing import furnish
from tests.browser.installation import Installation
from tests.browser.material import QUESTION
from tests.browser.steps import ask, find_last_answer, open_chat, open_citation
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def furnished(installation: Installation, account: Account) -> list[str]:
    """The addresses of pages that have something to show."""
    assert account.faults == []
    return furnish(installation, EMAIL)


def test_set_up_and_sign_in(visit: Visit, account: Account) -> None:
    page = visit(signed_in=False)
    page.goto("/login/")
    assert account.axe_faults + find_axe_faults(page) == []


def test_pages_of_a_workspace(page: Page, library: Library) -> None:
    faults: list[str] = []
    for path in library.pages():
        page.goto(path)
        faults += find_axe_faults(page)
    assert faults == []


def test_pages_with_something_on_them(page: Page, furnished: list[str]) -> None:
    faults: list[str] = []
    for path in furnished:
        response = page.goto(path)
        assert response is not None
        assert response.ok, path
        assert page.locator("h1").count() == 1, path
        faults += find_axe_faults(page)
    assert faults == []


def test_the_same_pages_fit_a_phone(phone: Page, furnished: list[str]) -> None:
    for path in furnished:
        phone.goto(path)
        assert_fits(phone)


def test_a_conversation_and_what_it_leaves(page: Page, library: Library) -> None:
    open_chat(page, library, library.reader)
    answer = ask(page, QUESTION)
    open_citation(answer)
    answer.get_by_role("button", name="Not helpful").click()
    answer.get_by_label("In your words").wait_for()
    faults = find_axe_faults(page)
    answer.get_by_role("button", name="Send").click()
    answer.get_by_text("Noted:").wait_for()
    ask(page, "Which planet has the most moons?")  # the documents do not tell
    faults += find_axe_faults(page)
    trace = find_last_answer(page).get_by_role("link", name="How was this made?")
    trace.click()
    page.get_by_role("heading", name="How this answer was made").wait_for()
    faults += find_axe_faults(page)
    page.goto(f"{library.url}feedback/")
    faults += find_axe_faults(page)
    assert faults == []


def test_dialogs_and_menus(page: Page, library: Library) -> None:
    page.goto(f"{library.url}collections/{library.collection}/")
    page.get_by_role("button", name="Add a web page").click()
    faults = find_axe_faults(page)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("Your account").click()
    faults += find_axe_faults(page)
    assert faults == []


def test_a_phone(phone: Page, library: Library) -> None:
    open_chat(phone, library, library.reader)
    open_citation(ask(phone, QUESTION))
    faults = find_axe_faults(phone)
    phone.goto(f"{library.url}collections/{library.collection}/")
    faults += find_axe_faults(phone)
    assert faults == []


def test_the_table_of_keys_fits_beside_the_list_of_settings(visit: Visit, library: Library) -> None:
    page = visit(size=(1280, 800))
    page.goto(f"{library.url}settings/keys/")
    assert_fits(page)
    widths = page.locator(".keys-table").evaluate(
        "(table) => [table.scrollWidth, table.parentElement.clientWidth]"
    )
    assert widths[0] <= widths[1]
