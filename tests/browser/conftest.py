"""One installation and one Chromium for all journeys; a new browser context for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from inference.stub_server import StubConfig, StubServer, serve_in_thread
from tests.browser.installation import Installation, Rest
from tests.browser.material import NOTES, handbook_pdf
from tests.browser.watching import Watch, assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

# Without the packages of requirements-browser.txt there is nothing to collect.
if find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
]
EMAIL = "ada@example.com"
PASSWORD = "analytical-engine-1843"
DESKTOP = (1280, 800)
PHONE = (390, 844)
WAIT_MS = 15_000
SETTINGS = ("", "profile/", "members/", "keys/", "models/", "embedding-models/", "audit/")


@dataclass(frozen=True, slots=True)
class Account:
    """The owner who was made on the set-up page, and what that page was like."""

    state: Any  # cookies, as Playwright keeps them
    first_url: str
    landed_url: str
    faults: list[str]
    axe_faults: list[str]


@dataclass(frozen=True, slots=True)
class Library:
    """A workspace with a handbook, a second document and two assistants."""

    url: str  # of the workspace, ends with a slash
    rest: Rest
    collection: str
    handbook: str
    reader: str  # slug of the assistant with the built-in reader
    model: str  # slug of the assistant with the stub model
    stub: StubServer

    def pages(self) -> list[str]:
        """Every main page of the workspace, by its path."""
        assistant = f"assistants/{self.reader}/"
        inside = [
            "assistants/",
            assistant,
            f"{assistant}recipe/",
            f"{assistant}conversations/",
            f"{assistant}feedback/",
            f"{assistant}share/",
            f"{assistant}evaluate/",
            f"{assistant}evaluate/new/",
            f"{assistant}gates/",
            f"{assistant}guideline/",
            f"{assistant}models/",
            "evaluate/",
            "documents/",
            f"collections/{self.collection}/",
            f"collections/{self.collection}/indexes/",
            f"collections/{self.collection}/chunking/",
            f"documents/{self.handbook}/",
            "search/",
            "search/?query=How+often+can+a+loan+be+renewed",
            "feedback/",
            "conversations/",
            *[f"settings/{section}" for section in SETTINGS],
        ]
        return ["/status", *[self.url + path for path in inside]]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A new installation that nobody owns yet."""
    running = Installation(tmp_path_factory.mktemp("installation") / "data")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
        shutil.rmtree(running.data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium: the one that CHROMIUM names, else the one on the PATH."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if program is None or shutil.which(program) is None:
        pytest.fail("There is no Chromium here; name one with CHROMIUM=/path/to/it.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield launched
        launched.close()


def open_context(
    browser: Browser,
    installation: Installation,
    *,
    size: tuple[int, int] = DESKTOP,
    state: Any = None,
) -> BrowserContext:
    """A browser of its own, with these cookies; at 390 pixels it is a phone."""
    context = browser.new_context(
        base_url=installation.url,
        viewport={"width": size[0], "height": size[1]},
        has_touch=size == PHONE,
        is_mobile=size == PHONE,
        storage_state=state,
        color_scheme="light",
    )
    context.set_default_timeout(WAIT_MS)
    return context


@pytest.fixture(scope="session")
def account(installation: Installation, browser: Browser) -> Account:
    """Set the installation up as its first visitor does."""
    context = open_context(browser, installation)
    watch = Watch(context)
    page = context.new_page()
    page.goto("/")
    first_url = page.url
    axe_faults = find_axe_faults(page)
    assert_fits(page)
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Email address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Workspace", exact=True).fill("Acme")
    page.get_by_label("Add a demo workspace").check()
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("heading", name="First steps").wait_for()
    made = Account(
        state=context.storage_state(),
        first_url=first_url,
        landed_url=page.url,
        faults=watch.faults,
        axe_faults=axe_faults,
    )
    context.close()
    return made


@pytest.fixture(scope="session")
def stub() -> Iterator[StubServer]:
    """A slow model: sixty tokens in three seconds."""
    words = " ".join(f"word{number}" for number in range(1, 60))
    config = StubConfig(first_token_ms=50, token_ms=50, tokens=60, reply=f"{words} [1].")
    with serve_in_thread(config) as server:
        yield server


@pytest.fixture(scope="session")
def library(account: Account, installation: Installation, stub: StubServer) -> Library:
    """Made by script, beside the workspace that the first journey fills by hand."""
    made = installation.create_workspace("Library", owner=EMAIL)
    rest = Rest(installation.url, made["api_key"])
    collection = rest.call("POST", "collections/", {"name": "Handbook"})["id"]
    documents = [
        rest.upload(collection, name=name, content=content)["id"]
        for name, content in (("handbook.pdf", handbook_pdf()), ("notes.md", NOTES.encode()))
    ]
    states = [rest.wait_until_ready(document)["state"] for document in documents]
    assert states == ["ready", "ready"]
    endpoint = rest.call(
        "POST",
        "endpoints/",
        {"name": "Slow model", "base_url": stub.base_url, "api_key": "", "model": "stub"},
    )["id"]
    assistants = [
        rest.call("POST", "assistants/", {"name": name, "collections": [collection], **fields})
        for name, fields in (("Desk", {}), ("Model", {"endpoint": endpoint}))
    ]
    return Library(
        url=f"/w/{made['slug']}/",
        rest=rest,
        collection=collection,
        handbook=documents[0],
        reader=assistants[0]["slug"],
        model=assistants[1]["slug"],
        stub=stub,
    )


Visit = Callable[..., "Page"]


@pytest.fixture
def watches() -> list[Watch]:
    """Of every browser that the test has opened."""
    return []


@pytest.fixture
def visit(
    installation: Installation, browser: Browser, account: Account, watches: list[Watch]
) -> Iterator[Visit]:
    """Open a page in a browser of its own; in the end none may have complained."""
    contexts: list[BrowserContext] = []

    def open_page(*, size: tuple[int, int] = DESKTOP, signed_in: bool = True) -> Page:
        state = account.state if signed_in else None
        context = open_context(browser, installation, size=size, state=state)
        contexts.append(context)
        watches.append(Watch(context))
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert [fault for watch in watches for fault in watch.faults] == []


@pytest.fixture
def page(visit: Visit) -> Page:
    """A signed-in owner at a desk."""
    return visit()


@pytest.fixture
def phone(visit: Visit) -> Page:
    """The same with a telephone."""
    return visit(size=PHONE)
