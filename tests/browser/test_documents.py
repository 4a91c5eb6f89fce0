"""The table of documents while it works: right at every second, and what people do with many."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.steps import drop_files
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Library, Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

NUMBER = 25
MAX_LOOKS = 400
LONG = "Guideline for the reimbursement of travel expenses of all employees and guests"
LOOK = """() => {
  const section = document.getElementById("documents");
  const count = (name) => {
    const chip = section.querySelector(`[data-state="${name}"]`);
    return chip ? Number(chip.textContent.match(/\\d+$/)[0]) : 0;
  };
  const rows = [...section.querySelectorAll("#document-rows tr[id]")];
  const totals = [...section.querySelectorAll(".doc-totals strong")];
  return {
    documents: totals.length ? Number(totals[0].textContent) : 0,
    passages: totals.length ? Number(totals[1].textContent.replace(",", "")) : 0,
    working: count("working"), ready: count("ready"),
    rows: rows.length,
    rows_working: rows.filter((row) => row.querySelector("progress")).length,
    rows_ready: rows.filter((row) => row.querySelector(".state-good")).length,
    row_passages: rows.map((row) => row.querySelectorAll(".doc-fact")[1].textContent)
      .reduce((sum, text) => sum + (parseInt(text, 10) || 0), 0),
    asks: section.getAttribute("hx-trigger").includes("every 1s"),
  };
}"""


def make_collection(library: Library, name: str) -> str:
    return str(library.rest.call("POST", "collections/", {"name": name})["id"])


def write_files(folder: Path, number: int) -> list[Path]:
    paths = []
    for n in range(number):
        path = folder / f"{LONG} {n:02d}.md"
        parts = (f"# Part {k}\n\nRule {k} of {n} grants {n + k} days.\n\n" for k in range(12))
        path.write_text("".join(parts))
        paths.append(path)
    return paths


def test_the_table_is_right_at_every_second_while_25_files_are_dropped(
    page: Page, library: Library, tmp_path: Path
) -> None:
    collection = make_collection(library, "Dropped")
    page.goto(f"{library.url}collections/{collection}/")
    expect(page.get_by_text("Drop files or folders anywhere on this page")).to_be_visible()
    drop_files(page, write_files(tmp_path, NUMBER))
    before = after = {"ready": 0, "documents": 0}
    seen: set[int] = set()
    for _ in range(MAX_LOOKS):
        shown = page.evaluate(LOOK)
        after = library.rest.call("GET", f"collections/{collection}/documents/")["totals"]
        # The page tells one moment: its rows and its totals are the same.
        assert shown["documents"] == shown["rows"]
        assert shown["working"] == shown["rows_working"]
        assert shown["ready"] == shown["rows_ready"]
        assert shown["passages"] == shown["row_passages"]
        # And that moment is past, but asked for again as long as anything works.
        assert shown["documents"] <= after["documents"]
        assert shown["ready"] <= after["ready"]
        assert shown["asks"] == (shown["working"] > 0)
        assert shown["ready"] >= before["ready"]
        before = shown
        seen.add(shown["ready"])
        if shown["ready"] == NUMBER:
            break
        page.wait_for_timeout(1000)
    assert (before["ready"], after["ready"]) == (NUMBER, NUMBER)
    assert before["passages"] == after["passages"]
    assert len(seen) > 2
    # It does not ask any more, and begins again with the next upload.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not asked
    more = tmp_path / "one more.md"
    more.write_text("# One more\n\nIt was forgotten.\n")
    page.set_input_files("#upload-files", more)
    expect(page.locator('[data-state="ready"]')).to_have_text(f"Ready {NUMBER + 1}", timeout=60_000)
    expect(page.locator("#documents")).not_to_have_attribute("hx-trigger", re.compile("every"))


def test_a_folder_that_is_chosen_becomes_a_tag(
    page: Page, library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "Contracts"
    (folder / "Signed").mkdir(parents=True)
    (folder / "Signed" / "lease.md").write_text("# Lease\n\nThe rent is 900 euros.\n")
    (folder / "draft.md").write_text("# Draft\n\nThe rent is open.\n")
    page.goto(f"{library.url}collections/{make_collection(library, 'Folders')}/")
    page.set_input_files("#upload-folder", folder)
    tags = page.locator(".doc-tags a")
    expect(tags.nth(1)).to_have_text(re.compile(r"contracts\s+2"), timeout=60_000)
    tags.nth(1).click()
    page.locator(".doc-tags a", has_text="signed").click()
    rows = page.locator("#document-rows tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Contracts/Signed/lease.md")
    # Beside the tags there is room for names, and the search follows what is typed.
    page.set_viewport_size({"width": 1280, "height": 800})
    box = page.locator(".doc-title").first.bounding_box()
    assert box is not None
    assert box["width"] >= 260
    page.get_by_role("link", name="Show all").click()
    expect(rows).to_have_count(2)
    page.get_by_role("searchbox", name="Search by name").press_sequentially("dra")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"name=dra"))
    expect(page.locator("#change [name=name]")).to_have_value("dra")
    expect(page.get_by_role("link", name="Show all")).to_be_visible()
    assert_fits(page)


@pytest.fixture(scope="module")
def many(library: Library) -> tuple[str, str]:
    """A collection with long names and tags, and an empty one."""
    collection = make_collection(library, "Many")
    for n in range(4):
        text = f"# Rule {n}\n\nIt grants {n} days.\n"
        made = library.rest.upload(collection, name=f"{LONG} {n}.md", content=text.encode())
        assert library.rest.wait_until_ready(made["id"])["state"] == "ready"
        tags = {"tags": ["hr/leave" if n % 2 else "hr/travel"]}
        library.rest.call("PATCH", f"documents/{made['id']}/", tags)
    return collection, make_collection(library, "Attic")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_rows_have_two_lines_and_names_keep_their_end(
    visit: Visit, library: Library, many: tuple[str, str], size: Any
) -> None:
    page = visit(size=size)
    page.goto(f"{library.url}collections/{many[0]}/")
    for row in page.locator("#document-rows tr").all():
        box = row.bounding_box()
        assert box is not None
        assert box["height"] < 72
        tail = row.locator(".elide-tail")
        expect(tail).to_be_in_viewport()
        assert row.locator(".elide-head").evaluate("head => head.scrollWidth > head.clientWidth")
    assert_fits(page)
    assert find_axe_faults(page) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_is_ticked_is_tagged_and_stays_ticked_while_the_table_is_loaded_again(
    visit: Visit, library: Library, many: tuple[str, str], size: Any
) -> None:
    page = visit(size=size)
    page.goto(f"{library.url}collections/{many[0]}/?tag=hr")
    boxes = page.locator('#document-rows input[name="document"]')
    boxes.nth(0).check()
    boxes.nth(1).check()
    bar = page.locator("[data-selection]")
    expect(bar).to_contain_text("2 selected")
    page.evaluate("htmx.trigger(document.body, 'documents-changed')")
    page.wait_for_timeout(1500)
    expect(boxes.nth(1)).to_be_checked()
    expect(bar).to_contain_text("2 selected")
    assert_fits(page)
    assert find_axe_faults(page) == []
    bar.get_by_role("button", name="Add tag").click()
    dialog = page.locator("#change-dialog")
    expect(dialog).to_contain_text("Add a tag to 2 documents")
    assert find_axe_faults(page) == []
    tag = "phone" if size == PHONE else "desk"
    dialog.get_by_label("Tag").fill(f"Checked/{tag}")
    dialog.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text(f"2 documents were tagged “checked/{tag}”.")).to_be_visible(
        timeout=60_000
    )
    page.locator(".doc-tags a", has_text="checked").click()
    page.locator(".doc-tags a", has_text=tag).click()
    expect(boxes).to_have_count(2)


def test_documents_move_to_another_collection(
    page: Page, library: Library, many: tuple[str, str]
) -> None:
    page.goto(f"{library.url}collections/{many[0]}/?name=2.md")
    page.locator("[data-pick-all]").check()
    bar = page.locator("[data-selection]")
    bar.get_by_role("button", name="Move", exact=True).click()
    dialog = page.locator("#change-dialog")
    expect(dialog).to_contain_text("No assistant answers from “Many”")
    dialog.get_by_label("To the collection").select_option(label="Attic")
    dialog.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("1 document was moved to “Attic”.")).to_be_visible(timeout=60_000)
    rest = library.rest.call("GET", f"collections/{many[1]}/documents/")
    assert [row["name"][-4:] for row in rest["results"]] == ["2.md"]
    assert rest["totals"]["ready"] == 1
