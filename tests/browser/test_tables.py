"""A table of a document is a table wherever its text is shown, and cited cells are marked in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.steps import ask, open_chat, open_citation
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Library, Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PRICES = """# Ferry fares

The harbour office sets these fares every spring, and they hold until the last boat of autumn.

| Crossing | Passengers | Bicycles | Motorcycles | Cars up to five metres | Remarks |
| --- | --- | --- | --- | --- | --- |
| Sandwick to Lerwick | 12 euros | 3 euros | 9 euros | 31 euros | Every hour \\| daily |
| Burravoe to Toft | 18 euros | 5 euros | 14 euros | 47 euros | Not on Sundays |
| Laxo to Symbister | 7 euros | 2 euros | 6 euros | 22 euros | |

Tickets are sold at the pier and on board.
"""
QUESTION = "What do motorcycles cost from Burravoe to Toft?"


@pytest.fixture(scope="module")
def fares(library: Library) -> tuple[str, str]:
    """A document with a table, and an assistant that answers from nothing else."""
    collection = library.rest.call("POST", "collections/", {"name": "Ferries"})["id"]
    document = library.rest.upload(collection, name="fares.md", content=PRICES.encode())
    assert library.rest.wait_until_ready(document["id"])["state"] == "ready"
    assistant = library.rest.call(
        "POST", "assistants/", {"name": "Pier", "collections": [collection]}
    )
    return document["id"], assistant["slug"]


def place_of(library: Library, document: str, words: str) -> str:
    """The query that highlights these words of the document."""
    passages = library.rest.call("GET", f"documents/{document}/passages/")["results"]
    for passage in passages:
        if words in passage["text"]:
            start = passage["start"] + passage["text"].index(words)
            return f"start={start}&end={start + len(words)}"
    raise AssertionError(words)


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("SHOTS")
    if folder:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            width = page.viewport_size["width"] if page.viewport_size else 0
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_cited_cell_is_marked_in_its_table(
    visit: Visit, library: Library, fares: tuple[str, str], size: Any
) -> None:
    document, _ = fares
    page = visit(size=size)
    page.goto(f"{library.url}documents/{document}/?{place_of(library, document, '14 euros')}")
    table = page.locator(".page-text table")
    expect(table.locator("th[scope=col]")).to_have_count(6)
    expect(table.locator("td.is-marked")).to_have_text(["14 euros"])
    expect(table).to_contain_text("Every hour | daily")
    assert_fits(page)
    box = page.locator(".page-text .table-scroll")
    expect(box).to_have_attribute("tabindex", "0")
    if size == PHONE:
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert find_axe_faults(page) == []
    shoot(page, "document")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_answer_leads_to_the_cited_row(
    visit: Visit, library: Library, fares: tuple[str, str], size: Any
) -> None:
    page = visit(size=size)
    open_chat(page, library, fares[1])
    answer = ask(page, QUESTION)
    answer.locator("summary", has_text="source").first.click()
    expect(answer.locator(".sources table th").first).to_have_text("Crossing")
    assert_fits(page)
    shoot(page, "answer")
    open_citation(answer)
    panel = page.locator("#source-panel")
    expect(panel.locator("table .is-marked", has_text="Burravoe to Toft").first).to_be_visible()
    expect(panel.locator("#highlight")).to_have_count(1)
    assert_fits(page)
    assert find_axe_faults(page) == []
    shoot(page, "panel")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_preview_and_a_search_show_tables(
    visit: Visit, library: Library, fares: tuple[str, str], size: Any
) -> None:
    page = visit(size=size)
    page.goto(f"{library.url}search/?query=Burravoe+motorcycles&mode=lexical")
    expect(page.locator(".hit table mark", has_text="Burravoe").first).to_be_visible()
    assert_fits(page)
    assert find_axe_faults(page) == []
    shoot(page, "search")
    collection = library.rest.call("GET", f"documents/{fares[0]}/")["collection"]
    page.goto(f"{library.url}collections/{collection}/chunking/")
    expect(page.locator(".cut-text table th").first).to_contain_text("Crossing")
    expect(page.locator(".cut-text .cut-number").first).to_be_visible()
    assert_fits(page)
    assert find_axe_faults(page) == []
    page.locator(".cut-text").scroll_into_view_if_needed()
    shoot(page, "preview")
