"""The product's main job, as people do it: from an empty installation to a thumb down."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import EMAIL, PASSWORD, Account, Library, Visit
from tests.browser.material import (
    QUESTION,
    RENEWAL,
    RENEWAL_LINE,
    RENEWAL_PAGE,
    handbook_pdf,
)
from tests.browser.steps import (
    ask,
    drop_files,
    find_last_answer,
    give_thumb_down,
    open_chat,
    open_citation,
)
from tests.browser.watching import Watch, assert_fits

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_the_first_visitor_becomes_the_owner(account: Account) -> None:
    assert account.first_url.endswith("/setup/")
    assert account.landed_url.endswith("/w/acme/start/")
    assert account.faults == []


def test_signing_in_and_out(visit: Visit, watches: list[Watch]) -> None:
    from playwright.sync_api import expect

    page = visit(signed_in=False)
    watches[0].expect("422")  # the wrong password
    page.goto("/w/acme/documents/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Email address").fill(EMAIL)
    page.get_by_label("Password").fill("not-the-password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile("/w/acme/documents/$"))
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/w/acme/documents/")
    expect(page).to_have_url(re.compile("/login/"))


def test_from_an_empty_workspace_to_feedback(page: Page, tmp_path: Path) -> None:
    upload_handbook(page, tmp_path)
    make_assistant(page)
    answer = ask(page, QUESTION)
    open_citation(answer)
    check_source(page)
    give_thumb_down(page, reason="Incomplete", comment="It does not say who can renew.")
    check_feedback(page)


def upload_handbook(page: Page, folder: Path) -> None:
    from playwright.sync_api import expect

    page.goto("/w/acme/documents/")
    page.get_by_role("button", name="New collection").first.click()
    page.get_by_label("Name").fill("Town library")
    page.get_by_role("button", name="Create collection").click()
    expect(page.get_by_role("heading", name="Town library")).to_be_visible()
    path = folder / "handbook.pdf"
    path.write_bytes(handbook_pdf(num_filler=30))
    drop_files(page, [path])
    row = page.locator("#document-rows tr", has_text="handbook.pdf")
    expect(row.get_by_role("progressbar")).to_be_visible()
    expect(row.locator(".state")).to_have_text("Ready", timeout=90_000)
    expect(row.locator(".doc-fact").first).to_have_text("34 pages")
    assert_fits(page)


def make_assistant(page: Page) -> None:
    page.get_by_role("navigation", name="Workspace").get_by_role("link", name="Assistants").click()
    page.get_by_role("button", name="New assistant").first.click()
    page.get_by_label("Name").fill("Front desk")
    page.get_by_label("Town library").check()
    page.get_by_role("button", name="Create assistant").click()
    page.get_by_label("Your question", exact=True).wait_for()


def check_source(page: Page) -> None:
    """The cited sentence is marked in the page's text and on its image, where it was written."""
    from playwright.sync_api import expect

    shown = page.locator("#source-panel .sheet-page", has=page.locator("rect.highlight"))
    expect(shown).to_have_attribute("id", f"page-{RENEWAL_PAGE}")
    image = shown.locator("svg image")
    assert image.evaluate(
        "async (it) => { const copy = new Image(); copy.src = it.href.baseVal;"
        " await copy.decode(); return copy.naturalWidth }"
    )
    boxes = shown.locator("rect.highlight").evaluate_all(
        "all => all.map(r => ['x', 'y', 'width', 'height'].map(n => +r.getAttribute(n)))"
    )
    # The writer puts its first line at 52 points from the top, at the left at 50, 14 apart.
    baseline = 842 - 790 + 14 * RENEWAL_LINE
    x, y, width, height = boxes[0]
    assert x == pytest.approx(50, abs=3)
    assert y < baseline - 5
    assert baseline - 1 <= y + height < baseline + 9
    assert 250 < width < 450
    marked = shown.locator("mark").all_text_contents()
    assert RENEWAL in " ".join("".join(marked).split())
    expect(shown.locator("[data-highlight]").first).to_be_in_viewport()


def check_feedback(page: Page) -> None:
    from playwright.sync_api import expect

    page.get_by_role("navigation", name="Workspace").get_by_role("link", name="Feedback").click()
    entry = page.locator(".hit", has_text=QUESTION)
    expect(entry).to_contain_text("Incomplete")
    expect(entry).to_contain_text("It does not say who can renew.")
    expect(entry).to_contain_text("Front desk, release 1")
    entry.get_by_role("link", name="How it was made").click()
    expect(page.get_by_role("heading", name="How this answer was made")).to_be_visible()
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    expect(page.locator(".given", has_text="cited").first).to_be_visible()
    assert_fits(page)


def test_the_same_on_a_phone(phone: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(phone, library, library.reader)
    assert_fits(phone)
    answer = ask(phone, QUESTION)
    assert_fits(phone)
    open_citation(answer)
    assert_fits(phone)
    assert is_inside(phone.locator("#source-panel rect.highlight").first)
    phone.get_by_role("button", name="Close the source").tap()
    give_thumb_down(phone, reason="Wrong", comment="Asked on a telephone.")
    assert_fits(phone)
    phone.goto(f"{library.url}feedback/")
    expect(phone.locator(".hit", has_text="Asked on a telephone.")).to_be_visible()


def is_inside(locator: Locator) -> bool:
    """Whether all of it can be seen without scrolling."""
    inside: bool = locator.evaluate(
        "it => { const box = it.getBoundingClientRect();"
        " return box.top >= 0 && box.left >= 0 && box.right <= innerWidth"
        " && box.bottom <= innerHeight }"
    )
    return inside


def test_every_page_fits_a_phone(phone: Page, library: Library) -> None:
    open_chat(phone, library, library.reader)
    ask(phone, QUESTION)
    trace = find_last_answer(phone).get_by_role("link", name="How was this made?")
    phone.goto(str(trace.get_attribute("href")))
    assert_fits(phone)
    for path in library.pages():
        response = phone.goto(path)
        assert response is not None
        assert response.ok, path
        assert_fits(phone)


def test_a_conversation_is_exported_and_deleted(page: Page, library: Library) -> None:
    from playwright.sync_api import expect

    open_chat(page, library, library.reader)
    ask(page, QUESTION)
    page.get_by_label("More about this conversation").click()
    with page.expect_download() as coming:
        page.get_by_role("link", name="Export as Markdown").click()
    text = Path(coming.value.path()).read_text(encoding="utf-8")
    assert QUESTION in text
    assert RENEWAL in text
    address = page.url
    page.get_by_label("More about this conversation").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the conversation").click()
    expect(page.get_by_label("Your question", exact=True)).to_be_visible()
    assert page.url != address
    assert page.request.get(address).status == 404
