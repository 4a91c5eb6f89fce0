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


def test_table_in_html_keeps_its_cells() -> None:
    table = (
        "<table>\n<tr><th>Region</th><th>City</th></tr>\n"
        '<tr><td rowspan="2">North</td><td>Oslo</td></tr>\n\n<tr><td>Bergen</td></tr>\n</table>'
    )
    assert read(f"Before.\n\n{table}\n\nAfter.") == [
        "Before.",
        "| Region | City |\n| --- | --- |\n| North | Oslo |\n| North | Bergen |",
        "After.",
    ]


def test_table_that_is_never_closed_is_kept_as_text() -> None:
    assert "7 bar" in " ".join(read("<table>\n<tr><td>7 bar</td></tr>\n\nAfter."))


@pytest.mark.parametrize("rule", ["* * *", "- - -", "***", "___", " *  *  *"])
def test_rule_between_blocks_is_no_list(rule: str) -> None:
    texts = read(f"- One\n\n{rule}\n\n    code 7\n\nTwo")
    assert [text.strip() for text in texts] == ["- One", "code 7", "Two"]


def test_underline_is_still_a_heading() -> None:
    pieces = list(split_markdown("Title\n---\n\nText\n\n- - -\n\nMore"))
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("heading", "Title"), ("paragraph", "Text"), ("paragraph", "More"),
    ]  # fmt: skip


def test_text_that_nobody_sees_is_left_out_and_said(tmp_path: Path) -> None:
    data = b'Seen <span style="display:none">HIDDEN</span>here'
    parsed = parse_bytes(data, "a.md", folder=tmp_path)
    assert parsed.text == "Seen here"
    assert parsed.opened.metadata["note"] == "Text that the page does not show was left out."


def test_words_in_place_of_an_address_are_kept() -> None:
    assert read('[c]: <a b> "t"\n\nUse [c] now.') == ['[c]: <a b> "t"', "Use [c] now."]


def test_box_of_a_task_is_no_link(tmp_path: Path) -> None:
    text = "- [x] ship it\n- [ ] pay it, see [x]\n\n[x]: https://example.org/x\n"
    parsed = parse_bytes(text.encode(), "a.md", folder=tmp_path)
    assert parsed.text == "- [x] ship it\n- [ ] pay it, see x (https://example.org/x)"
