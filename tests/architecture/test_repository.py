"""What must not get into the repository, and what the documents promise about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, relative, tracked_files

MAX_FILE_BYTES = 400_000
RECORDED = {"tests/architecture/contract/openapi.yaml"}
"""Recorded whole, and read as differences."""
MAX_ADR_WORDS = 400
TEXT_SUFFIXES = {
    "", ".cfg", ".css", ".csv", ".html", ".ini", ".js", ".json", ".md", ".py", ".sh", ".svg",
    ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip
# Written with a gap so that this file does not contain them itself.
FORBIDDEN = {
    what: re.compile(pattern.replace("~", ""))
    for what, pattern in {
        "a package registry": r"py~pi\.org|python~hosted|npm~js\.|deb\.~debian",
        "a content delivery network": r"jsdel~ivr|unp~kg\.com|cdn~js\.|google~apis\.com",
        "a path of one machine": r"/wo~rk/|/ho~me/[a-z]+/|/ro~ot/",
        "unfinished work": r"\bTO~DO\b|\bFIX~ME\b|\bX~XX\b",
    }.items()
}
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)[^)]*\)")
ADR_PARTS = ("Context", "Decision", "Consequences", "Alternatives")


def text_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix in TEXT_SUFFIXES]


def forbidden_lines(text: str) -> list[tuple[int, str]]:
    """Line numbers and what is wrong with them."""
    return [
        (number, what)
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]


def test_the_files_are_found() -> None:
    names = {relative(path) for path in tracked_files()}
    assert {"manage.py", "Makefile", ".ci/run", "requirements.txt"} <= names


def test_nothing_forbidden_is_in_a_file() -> None:
    found = [
        f"{relative(path)}:{number}: {what}"
        for path in text_files()
        for number, what in forbidden_lines(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found


def test_no_file_is_large() -> None:
    large = {
        relative(path): path.stat().st_size
        for path in tracked_files()
        if path.stat().st_size > MAX_FILE_BYTES and relative(path) not in RECORDED
    }
    assert not large


def test_requirements_are_pinned_exactly() -> None:
    found = [
        f"{path.name}: {line}"
        for path in sorted(ROOT.glob("requirements*.txt"))
        for line in path.read_text().splitlines()
        if line.strip() and not line.startswith(("#", "-r "))
        if not re.match(
            r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[A-Za-z0-9.+!]+(; [^#]+)?(\s+#.*)?$", line
        )
    ]
    assert not found


def test_links_between_documents_lead_somewhere() -> None:
    documents = [path for path in tracked_files() if path.suffix == ".md"]
    found = [
        f"{relative(path)}: {target}"
        for path in documents
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not found


NAMED_FILE = re.compile(r"`((?:apps|config|inference|measures|parsing|tests|workers)/[\w/.-]+)`")
MOST_STEPS = 8


def test_the_ways_lead_through_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = NAMED_FILE.findall(text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []
    for way in re.findall(r"^## An? \w+'s way\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL):
        steps = re.findall(r"^\| (\d)\. .+\| `([^`]+)` \|$", way, re.MULTILINE)
        assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
        assert 5 < len({file for _, file in steps}) <= MOST_STEPS


def adr_files() -> list[Path]:
    return sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", adr_files(), ids=lambda path: path.stem)
def test_a_decision_record_is_short_and_whole(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.split()) <= MAX_ADR_WORDS
    headings = re.findall(r"^## (\w+)", text, re.MULTILINE)
    assert headings == list(ADR_PARTS)


def test_decision_records_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in adr_files()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


@pytest.mark.parametrize(
    "line",
    [
        "pip install --index-url https://py" + "pi.org/simple",
        '<script src="https://unp' + 'kg.com/htmx"></script>',
        "see /wo" + "rk/main/README",
        "# TO" + "DO: finish",
    ],
)
def test_a_planted_line_is_found(line: str) -> None:
    assert forbidden_lines(f"fine\n{line}")[0][0] == 2
