"""Markdown keeps its words: bracket lines, addresses of links, names that look like marks."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.formats.markdown import split_markdown
from parsing.formats.markdown_inline import clean_inline
from tests.parsing.builders import parse_bytes


def read(text: str) -> list[str]:
    return [piece.text for piece in split_markdown(text)]


@pytest.mark.parametrize(
    "line",
    [
        "[E-12]: the pump is dry, fill it first.",
        "[CAUTION]: hot",
        "[^2]: Measured at 20 °C.",
        "[E-12]: timeout",
        "[Q]: what/if",
    ],
)
def test_prose_that_looks_like_a_definition_stays(line: str) -> None:
    assert read(f"Before.\n\n{line}\n\nAfter.") == ["Before.", line, "After."]


def test_definitions_go_and_their_addresses_stand_where_they_are_used() -> None:
    text = (
        "See [the guide][G], [home] and [none][missing].\n\n"
        "[g]: <https://example.org/guide/7> 'Guide'\n[home]: ./index.html\n"
        "[unused]: https://example.org/unused\n"
    )
    assert read(text) == ["See the guide (https://example.org/guide/7), home and [none][missing]."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](https://x.org/b_c_d*e*)", "a (https://x.org/b_c_d*e*)"),
        ("[https://x.org](https://x.org/)", "https://x.org"),
        ("[`run`](https://x.org/run)", "run (https://x.org/run)"),
        ("**[a](https://x.org 'T')**", "a (https://x.org)"),
        ("[![build](b.svg)](https://x.org/ci)", "build (https://x.org/ci)"),
        ("[Ann](mailto:ann@x.org)", "Ann (ann@x.org)"),
        ("[part](#part)", "part"),
        ("<https://x.org/_a_>", "https://x.org/_a_"),
        ("see https://x.org/_a_/b.", "see https://x.org/_a_/b."),
        (
            '<a class="b" href="https://x.org/?a=1&amp;b=2">text</a>',
            "text (https://x.org/?a=1&b=2)",
        ),
        ("__init__.py and 2**10**2", "__init__.py and 2**10**2"),
        ("这是**重点**内容", "这是重点内容"),
        ("set <NAME> to 10<sup>6</sup>", "set <NAME> to 10^6"),
        ("<summary>Sum</summary>Body", "Sum\nBody"),
        (r"\*not\* and `a\*b`", r"*not* and a\*b"),
    ],
)
def test_inline(text: str, expected: str) -> None:
    assert clean_inline(text) == expected


def test_rules_are_no_front_matter(tmp_path: Path) -> None:
    parsed = parse_bytes(b"---\n\nKeep me, I am text.\n\n---\n\nMore.", "a.md", folder=tmp_path)
    assert "Keep me, I am text." in parsed.text
