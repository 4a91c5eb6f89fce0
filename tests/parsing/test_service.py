"""The real fork server: streaming, kills, limits, several threads, pictures of pages."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

from parsing.service import ParserService
from parsing.types import Limits, Opened, ParsedPage, ParseError
from tests.parsing.builders import build_pdf, text_at
from tests.parsing.pictures import as_pdf, as_png, draw_paragraph


@pytest.fixture(scope="module")
def service() -> Iterator[ParserService]:
    found = ParserService()
    yield found
    found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def long_pdf(folder: Path) -> Path:
    """More pages than fit the buffers between child and reader."""
    path = folder / "long.pdf"
    lines = "".join(text_at(50, 780 - 12 * n, f"Line {n} of the page") for n in range(60))
    path.write_bytes(build_pdf([lines] * 150))
    return path


def children_of(service: ParserService) -> list[int]:
    server = service._server
    assert server is not None
    path = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def wait_until_childless(service: ParserService) -> bool:
    for _ in range(200):
        if not children_of(service):
            return True
        time.sleep(0.02)
    return False


def read_text(service: ParserService, path: Path) -> str:
    items = list(service.parse(path, filename=path.name))
    return "\n\n".join(item.text for item in items if isinstance(item, ParsedPage))


def is_page(item: Opened | ParsedPage) -> TypeGuard[ParsedPage]:
    return isinstance(item, ParsedPage)


def assert_usable(service: ParserService, folder: Path) -> None:
    path = folder / "fine.md"
    path.write_text("# Fine\n\nStill here.\n")
    assert read_text(service, path) == "Fine\n\nStill here."


def test_pages_arrive_one_by_one(service: ParserService, long_pdf: Path) -> None:
    items = service.parse(long_pdf, filename="long.pdf")
    opened = next(items)
    assert isinstance(opened, Opened)
    assert opened.pages_total == 150
    page = next(items)
    assert isinstance(page, ParsedPage)
    assert page.boxes[0].x0 > 0
    assert [item.number for item in items if isinstance(item, ParsedPage)] == list(range(2, 151))


def test_first_page(service: ParserService, long_pdf: Path) -> None:
    items = list(service.parse(long_pdf, filename="long.pdf", first_page=149))
    assert [item.number for item in items if isinstance(item, ParsedPage)] == [149, 150]


def test_error_of_the_child_arrives_as_it_is(service: ParserService, folder: Path) -> None:
    path = folder / "empty.txt"
    path.write_bytes(b"")
    with pytest.raises(ParseError) as caught:
        list(service.parse(path, filename="empty.txt"))
    assert caught.value.code == "empty"


def test_abandoned_parse_is_killed(service: ParserService, long_pdf: Path, folder: Path) -> None:
    items = service.parse(long_pdf, filename="long.pdf")
    next(items)
    assert children_of(service)
    del items
    assert wait_until_childless(service)
    assert_usable(service, folder)


def test_cancel(service: ParserService, long_pdf: Path) -> None:
    wanted = threading.Event()
    items = service.parse(long_pdf, filename="long.pdf", cancelled=wanted.is_set)
    next(items)
    wanted.set()
    with pytest.raises(ParseError) as caught:
        list(items)
    assert caught.value.code == "cancelled"
    assert wait_until_childless(service)


def test_page_that_kills_its_child_is_noted(service: ParserService, long_pdf: Path) -> None:
    items = service.parse(long_pdf, filename="long.pdf")
    next(items)
    for pid in children_of(service):
        os.kill(pid, signal.SIGSEGV)
    pages = [item for item in items if isinstance(item, ParsedPage)]
    assert [page.number for page in pages] == list(range(1, 151))
    lost = [page for page in pages if page.note]
    assert len(lost) == 1
    assert lost[0].text == ""
    assert "could not be read" in lost[0].note


def test_child_that_dies_early_is_an_error(service: ParserService, folder: Path) -> None:
    path = folder / "slow.md"
    path.write_text("word *word* `word` [x](y)\n\n" * 400_000)
    killed: list[int] = []

    def kill() -> bool:
        if not killed:
            killed.extend(children_of(service))
            for pid in killed:
                os.kill(pid, signal.SIGSEGV)
        return False

    with pytest.raises(ParseError) as caught:
        list(service.parse(path, filename="slow.md", cancelled=kill))
    assert caught.value.code == "crashed"
    assert killed
    assert_usable(service, folder)


def test_time_limit(service: ParserService, folder: Path) -> None:
    path = folder / "endless.md"
    path.write_text("word *word* `word` [x](y)\n\n" * 400_000)
    with pytest.raises(ParseError) as caught:
        list(service.parse(path, filename="endless.md", limits=Limits(page_seconds=0.2)))
    assert caught.value.code == "timeout"
    assert wait_until_childless(service)
    assert_usable(service, folder)


def test_memory_limit(service: ParserService, folder: Path) -> None:
    path = folder / "large.csv"
    path.write_text("a,b,c,d\n" * 2_000_000)
    with pytest.raises(ParseError) as caught:
        list(service.parse(path, filename="large.csv", limits=Limits(memory_mb=64)))
    assert caught.value.code == "memory"
    assert "64 MB" in caught.value.reason
    assert_usable(service, folder)


def test_server_that_was_killed_is_started_again(service: ParserService, folder: Path) -> None:
    assert_usable(service, folder)
    assert service._server is not None
    before = service._server.pid
    os.kill(before, signal.SIGKILL)
    assert_usable(service, folder)
    assert service._server.pid != before


def test_an_idle_server_is_stopped_and_a_busy_one_is_not(
    service: ParserService, long_pdf: Path, folder: Path
) -> None:
    pages = service.parse(long_pdf, filename="long.pdf")
    next(pages)
    assert not service.release_idle(seconds=0)
    assert len(list(pages)) == 150
    assert not service.release_idle(seconds=60)

    assert service.release_idle(seconds=0)

    assert service._server is None
    assert not service.release_idle(seconds=0)
    assert_usable(service, folder)


def test_scans_are_recognised_in_the_child_and_one_at_a_time(
    service: ParserService, folder: Path
) -> None:
    """Within the limits of any document, and the turn comes back after each page."""
    page = draw_paragraph("The committee met on 14 March.", "It approved the budget.")
    names = [f"scan{number}.pdf" for number in range(3)]
    for name in names:
        (folder / name).write_bytes(as_pdf(page, page))
    texts: list[str] = []

    def work(name: str) -> None:
        texts.append(read_text(service, folder / name))

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = "The committee met on 14 March. It approved the budget."
    assert texts == [f"{expected}\n\n{expected}"] * 3
    assert service._turns.acquire(blocking=False)
    service._turns.release()


def test_confidence_comes_out_of_the_child(service: ParserService, folder: Path) -> None:
    path = folder / "sure.png"
    path.write_bytes(as_png(draw_paragraph("The committee met on 14 March.")))
    (page,) = (item for item in service.parse(path, filename=path.name) if is_page(item))
    assert page.confidence is not None
    assert 90 < page.confidence <= 100
    path = folder / "text.md"
    path.write_text("Text")
    (page,) = (item for item in service.parse(path, filename=path.name) if is_page(item))
    assert page.confidence is None


def test_scan_that_needs_more_memory_says_so(service: ParserService, folder: Path) -> None:
    path = folder / "scan.png"
    path.write_bytes(as_png(draw_paragraph("The committee met on 14 March.")))
    with pytest.raises(ParseError) as caught:
        list(service.parse(path, filename=path.name, limits=Limits(memory_mb=200)))
    assert "needs more memory than a document may use" in caught.value.reason
    assert service._turns.acquire(blocking=False)
    service._turns.release()
    assert_usable(service, folder)


def test_abandoned_scan_gives_its_turn_back(service: ParserService, folder: Path) -> None:
    path = folder / "long-scan.pdf"
    path.write_bytes(as_pdf(*[draw_paragraph("The committee met on 14 March.")] * 3))
    items = service.parse(path, filename=path.name)
    assert isinstance(next(items), Opened)
    assert isinstance(items, Generator)
    items.close()
    assert service._turns.acquire(blocking=False)
    service._turns.release()


def test_many_threads(service: ParserService, long_pdf: Path, folder: Path) -> None:
    path = folder / "thread.txt"
    path.write_text("Some text")
    results: list[str] = []

    def work() -> None:
        for _ in range(5):
            results.append(read_text(service, path))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["Some text"] * 30


def test_child_cannot_reach_the_network_or_write(service: ParserService, folder: Path) -> None:
    assert_usable(service, folder)
    assert service._server is not None
    interfaces = Path(f"/proc/{service._server.pid}/net/dev").read_text().splitlines()[2:]
    own = Path("/proc/self/net/dev").read_text().splitlines()[2:]
    names = {line.split(":")[0].strip() for line in interfaces}
    assert names <= {"lo"} or len(interfaces) < len(own)


def test_page_as_a_picture(service: ParserService, long_pdf: Path, folder: Path) -> None:
    data = service.render_page(long_pdf, page=2, width_px=300)
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == 300
    with pytest.raises(ParseError):
        service.render_page(long_pdf, page=151, width_px=300)
    text = folder / "x.txt"
    text.write_text("x")
    with pytest.raises(ParseError) as caught:
        service.render_page(text, page=1, width_px=300)
    assert caught.value.code == "unsupported"


def test_secrets_are_not_handed_down(
    service: ParserService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    service.close()
    assert_usable(service, folder)
    assert service._server is not None
    environment = Path(f"/proc/{service._server.pid}/environ").read_bytes()
    assert b"secret" not in environment


def test_plain_texts_are_read_in_one_child_and_others_left_out(
    service: ParserService, tmp_path: Path
) -> None:
    contents = {
        "one.md": b"# One\n\nFirst *words*.\n",
        "page.txt": b"<!doctype html><html><p>A page.</p></html>",
        "report.txt": build_pdf([text_at(50, 700, "A report")]),
        "two.txt": "Zwei Wörter".encode("cp1252"),
        "nothing.txt": b"\n\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = [(tmp_path / name, name) for name in contents]
    found = service.parse_plain(files)
    assert [items is not None for items in found] == [True, False, False, True, False]
    assert found[0] == list(service.parse(tmp_path / "one.md", filename="one.md"))
    assert found[3] == list(service.parse(tmp_path / "two.txt", filename="two.txt"))
    assert service.parse_plain([*files, (tmp_path / "gone.md", "gone.md")]) == [None] * 6


def test_plain_texts_that_take_too_long_are_left_to_themselves(
    service: ParserService, folder: Path
) -> None:
    fine, slow = folder / "short.md", folder / "slow.md"
    fine.write_text("# Fine\n\nStill here.\n")
    slow.write_text("word\n\n" * 1_000_000)  # some ten seconds
    tight = Limits(seconds=1, page_seconds=1)
    found = service.parse_plain([(fine, "short.md"), (slow, "slow.md")], limits=tight)
    assert [items is not None for items in found] == [True, False]
    assert wait_until_childless(service)
    assert_usable(service, folder)
