"""Cleaning of text, and pages made of blocks."""

from __future__ import annotations

from parsing.boxed import find_compounds, joins_hyphenated
from parsing.text import (
    MAX_BLOCK_CHARS,
    PageBuilder,
    Piece,
    clean_text,
    format_table,
    paginate,
)


def test_what_a_database_refuses_is_dropped() -> None:
    assert clean_text("a\x00b\ud800c\ufeffd\x07e") == "ab\ufffdcde"


def test_line_ends_and_ligatures_are_unified() -> None:
    assert clean_text("e\ufb03cient\r\nn\u00ado\rw\u00a0x") == "efficient\nno\nw x"


def test_builder_keeps_offsets() -> None:
    builder = PageBuilder()
    builder.add("heading", " Title ", level=2)
    builder.add("paragraph", "  ")
    builder.add("list", "- a")
    builder.add("list", "  - b")
    builder.add("code", "  x = 1\n")
    page = builder.build(3, label="L")
    assert page.text == "Title\n\n- a\n  - b\n\n  x = 1"
    found = [(block.kind, block.level, page.text[block.start : block.end]) for block in page.blocks]
    assert found == [("heading", 2, "Title"), ("list", 0, "- a\n  - b"), ("code", 0, "  x = 1")]
    assert (page.number, page.label) == (3, "L")


def test_pages_end_at_breaks_and_when_full() -> None:
    pieces = [
        Piece("paragraph", "a" * 60),
        Piece("paragraph", "b" * 60),
        Piece("paragraph", "c", page_break=True),
    ]
    pages = paginate(pieces, page_chars=100)
    assert [page.text[0] for page in pages] == ["a", "b", "c"]
    assert [page.number for page in pages] == [1, 2, 3]


def test_late_heading_starts_the_next_page() -> None:
    pieces = [Piece("paragraph", "a" * 84), Piece("heading", "Head", level=1)]
    assert [page.text[:4] for page in paginate(pieces, page_chars=100)] == ["aaaa", "Head"]


def test_endless_block_is_cut_at_spaces() -> None:
    pages = paginate([Piece("paragraph", "word " * 20_000)])
    assert all(len(page.text) <= MAX_BLOCK_CHARS for page in pages)
    assert sum(page.text.count("word") for page in pages) == 20_000


def test_table_header_is_repeated() -> None:
    rows = [["Name", "Value"], ["a|b", "1"], ["c", "2"], ["", ""], ["d", "3"]]
    tables = [piece.text for piece in format_table(rows, repeat_every=2)]
    assert tables == [
        "| Name | Value |\n| --- | --- |\n| a\\|b | 1 |\n| c | 2 |",
        "| Name | Value |\n| --- | --- |\n| d | 3 |",
    ]


def test_hyphens_at_line_ends() -> None:
    compounds = find_compounds(["a self-locking nut"])
    assert joins_hyphenated("adip-", "iscing elit", compounds=frozenset())
    assert not joins_hyphenated("a self-", "locking nut", compounds=compounds)
    assert not joins_hyphenated("Jean-", "Paul", compounds=frozenset())
    assert not joins_hyphenated("pages 3-", "5", compounds=frozenset())
