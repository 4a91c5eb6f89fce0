"""Tables in passages: where they are cut, what stands above their rows, and the rows in words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.chunking.splitters import Piece, SplitParams, split_pages
from apps.chunking.strategies import STRATEGIES, ChunkingSource, get_strategy
from apps.chunking.table_rows import (
    describe_rows,
    embedded_text,
    quote_rows,
    readable_text,
    split_cells,
)
from apps.chunking.tables import Tables, find_caption, find_tables
from apps.chunking.units import PageText, join_pages
from tests.chunking.test_splitters import count_tokens, make_markdown, make_pages, texts_of
from tests.chunking.test_strategies import embed

PARAMS = SplitParams(target=60, cap=80, overlap=0, room=140)
HEADER = "| Zone | Sales | Growth |\n| --- | --- | --- |\n"
ZONES = HEADER + "| North | 12,553 | 3.1% |\n| South | 9,000 | 1.0% |"


def tables_of(pages: Sequence[PageText]) -> Tables:
    text = join_pages([page.text for page in pages])
    return find_tables([(page.start, page.blocks) for page in pages], text)


def cut(pages: Sequence[PageText], params: SplitParams = PARAMS) -> list[tuple[Piece, str, str]]:
    """Each piece with its text and its table head, which must be there."""
    pieces = split_pages(pages, params=params, count_tokens=count_tokens)
    tables = tables_of(pages)
    heads = [tables.head_of(piece.start, piece.end) for piece in pieces]
    return [
        (piece, text, head)
        for piece, text, head in zip(pieces, texts_of(pages, pieces), heads, strict=True)
        if head is not None
    ]


def long_table(rows: int) -> str:
    return HEADER + "\n".join(f"| Zone{n} | {n}000 | {n}% |" for n in range(rows))


# Rows in words


def test_each_row_says_its_values_behind_the_names_of_their_columns() -> None:
    assert describe_rows(ZONES, "") == (
        "Zone North: Sales 12,553; Growth 3.1%\nZone South: Sales 9,000; Growth 1.0%"
    )


def test_the_header_may_stand_above_the_passage() -> None:
    assert describe_rows("| South | 9,000 | 1.0% |", HEADER) == (
        "Zone South: Sales 9,000; Growth 1.0%"
    )


def test_empty_cells_and_columns_without_a_name_say_nothing_more() -> None:
    text = "|  | 2024 |  |\n| --- | --- | --- |\n| North |  | good |"

    assert describe_rows(text, "") == "North: good"


def test_pipes_of_the_cells_themselves_are_text() -> None:
    text = HEADER + "| A \\| B | 1 | 2 \\| 3 |"

    assert describe_rows(text, "") == "Zone A | B: Sales 1; Growth 2 | 3"
    assert split_cells("| A \\| B | 1 |") == ["A | B", "1"]


def test_a_table_of_one_column_is_a_list_of_its_values() -> None:
    assert describe_rows("| Colour |\n| --- |\n| red |\n| blue |", "") == (
        "Colour red\nColour blue"
    )


def test_a_table_without_names_still_says_its_values() -> None:
    assert describe_rows("|  |  |\n| --- | --- |\n| North | 12 |", "") == "North: 12"


def test_a_single_row_without_a_header_is_read_as_it_stands() -> None:
    assert describe_rows("| North | 12 |", "") == "North: 12"


def test_two_levels_of_a_header_name_each_column_together() -> None:
    text = (
        "|  | 2024 |  | 2023 |  |\n| --- | --- | --- | --- | --- |\n"
        "|  | Sales | Profit | Sales | Profit |\n| North | 12 | 3 | 11 | 2 |"
    )

    assert describe_rows(text, "") == (
        "North: 2024 Sales 12; 2024 Profit 3; 2023 Sales 11; 2023 Profit 2"
    )


def test_a_label_over_all_columns_and_a_line_of_units_belong_to_each_name() -> None:
    text = (
        "|  |  | Years ended June 30, |\n| --- | --- | --- |\n|  | 2019 | 2018 |\n"
        "|  | (in millions) | (in millions) |\n| Sales | (0.9) | 7 |"
    )

    assert describe_rows(text, "") == (
        "Sales: Years ended June 30, 2019 (in millions) (0.9); "
        "Years ended June 30, 2018 (in millions) 7"
    )


def test_a_row_of_amounts_without_a_label_is_no_header() -> None:
    text = "|  | 2019 | 2018 |\n| --- | --- | --- |\n|  | (0.9) | (0.4) |\n| Sales | 1 | 2 |"

    assert describe_rows(text, "") == "2019 (0.9); 2018 (0.4)\nSales: 2019 1; 2018 2"


def test_rows_below_a_label_row_say_that_label() -> None:
    text = HEADER + "| Assets: |  |  |\n| Cash | 5 | 1% |\n| Debts: |  |  |\n| Loan | 6 | 2% |"

    assert describe_rows(text, "").splitlines() == [
        "Zone Assets",
        "Assets, Zone Cash: Sales 5; Growth 1%",
        "Zone Debts",
        "Debts, Zone Loan: Sales 6; Growth 2%",
    ]


def test_text_around_a_table_stays_as_it_is() -> None:
    assert describe_rows(f"Before | it.\n\n{ZONES}\n\nAfter it.", "") == (
        "Before | it.\n\nZone North: Sales 12,553; Growth 3.1%\n"
        "Zone South: Sales 9,000; Growth 1.0%\n\nAfter it."
    )


def test_a_header_without_rows_still_says_its_names() -> None:
    assert describe_rows(HEADER.rstrip(), "") == "Zone; Sales; Growth"


def test_a_passage_without_a_table_head_is_embedded_as_it_stands() -> None:
    """Passages from before table heads keep the text that their vectors were made from."""
    assert embedded_text(ZONES, None) == ZONES
    assert readable_text("| South | 9,000 |", None) == "| South | 9,000 |"
    assert readable_text("| South | 9,000 |", HEADER) == f"{HEADER}| South | 9,000 |"


def test_a_quoted_row_is_told_with_its_names() -> None:
    text = f"Before.\n\n{ZONES}"
    start = text.index("| South")

    assert quote_rows(text, "", start, len(text)) == "Zone South: Sales 9,000; Growth 1.0%"
    assert quote_rows(text, None, 0, 7) == "Before."


@pytest.mark.parametrize(
    ("above", "unit"),
    [
        ("Price list\n\nin CHF, without VAT\n\n", " (in CHF, without VAT)"),
        ("Sales by zone (in millions of CHF)\n\n", " (in millions of CHF)"),
        ("Umsatz in Mio. EUR\n\n", " (in Mio. EUR)"),
        ("The library opened in May.\n\n", ""),
        ("in USD\n\n| A | B |\n| --- | --- |\n| x | 1 |\n\nOne.\n\nTwo.\n\nThree.\n\n", ""),
    ],
)
def test_a_quoted_row_keeps_the_unit_above_its_table(above: str, unit: str) -> None:
    text = above + ZONES
    start = text.index("| South")
    expected = f"Zone South: Sales 9,000; Growth 1.0%{unit}"
    assert quote_rows(text, "", start, len(text)) == expected


def test_a_row_of_a_cut_table_takes_the_unit_from_its_heading() -> None:
    row = "| South | 9,000 | 1.0% |"
    quoted = quote_rows(row, HEADER, 0, len(row), heading="Sales > by zone, in CHF million")
    assert quoted == "Zone South: Sales 9,000; Growth 1.0% (in CHF million)"


@pytest.mark.parametrize(
    ("above", "caption"),
    [
        ("Sales by zone\n\nin CHF million\n\n", "Sales by zone, in CHF million"),
        ("We sell much. The table shows sales (in millions):\n\n",
         "The table shows sales (in millions)"),
        ("Table 3. Sales by zone.\n\n", "Table 3. Sales by zone"),
        ("A sentence that is no caption.\n\n", ""),
        ("word " * 80, ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_caption_is_what_short_lines_above_a_table_say(above: str, caption: str) -> None:
    assert find_caption(above) == caption


# Cutting


def test_a_long_table_is_cut_between_rows_and_each_passage_has_the_header() -> None:
    table = long_table(30)
    pages = make_markdown(("heading", 1, "Report"), ("table", 0, table))

    parts = cut(pages)

    lines = table.splitlines()
    assert len(parts) > 3
    assert parts[0][2] == ""
    for piece, text, head in parts[1:]:
        assert head == HEADER
        assert set(text.splitlines()) <= set(lines[2:])
        assert readable_text(text, head).startswith("| Zone | Sales | Growth |\n| --- |")
        assert embedded_text(text, head).count("Sales") == len(text.splitlines())
        assert piece.heading == "Report"
    rows = [line for _, text, _ in parts for line in text.splitlines() if line.startswith("| Zone")]
    assert rows == [lines[0], *lines[2:]]


def test_rows_are_measured_by_what_is_embedded_of_them() -> None:
    pages = make_markdown(("table", 0, long_table(30)))

    for piece, text, head in cut(pages):
        embedded = embedded_text(text, head)
        assert count_tokens([embedded])[0] <= PARAMS.cap
        assert piece.num_tokens == count_tokens([embedded])[0]


def test_caption_unit_and_sheet_name_belong_to_every_row() -> None:
    pages = make_markdown(
        ("heading", 1, "Sheet Europe"), ("paragraph", 0, "Sales by zone"),
        ("paragraph", 0, "in CHF million"), ("table", 0, long_table(30)),
    )  # fmt: skip

    (first, text, _), *rest = cut(pages)

    assert text.startswith("Sheet Europe\n\nSales by zone\n\nin CHF million\n\n| Zone")
    assert first.heading == "Sheet Europe"
    assert {piece.heading for piece, _, _ in rest} == {
        "Sheet Europe > Sales by zone, in CHF million"
    }


def test_a_table_goes_on_under_a_repeated_header_with_its_caption_and_section() -> None:
    label = "| Assets: |  |  |\n"
    one = HEADER + label + "\n".join(f"| A{n} | {n} | 1% |" for n in range(12))
    two = HEADER + "\n".join(f"| B{n} | {n} | 1% |" for n in range(3))
    pages = make_markdown(("paragraph", 0, "In tonnes"), ("table", 0, one), ("table", 0, two))

    parts = cut(pages)

    last, text, head = parts[-1]
    assert last.heading == "In tonnes"
    assert head.endswith(label)
    assert "Assets, Zone B2: Sales 2; Growth 1%" in embedded_text(text, head)
    assert not any("Assets, Zone Assets" in embedded_text(text, head) for _, text, head in parts)


def test_offsets_are_those_of_the_stored_text() -> None:
    pages = make_markdown(
        ("paragraph", 0, "In tonnes"), ("table", 0, long_table(20)), ("paragraph", 0, "The end.")
    )
    full = join_pages([page.text for page in pages])

    for piece, text, _ in cut(pages):
        assert full[piece.start : piece.end] == text


def test_a_wide_row_is_cut_between_cells_and_says_its_label_again() -> None:
    names = [f"Column{n}" for n in range(40)]
    header = f"| Zone | {' | '.join(names)} |\n|{' --- |' * 41}\n"
    row = f"| North | {' | '.join(f'value{n}' for n in range(40))} |"
    parts = cut(make_markdown(("table", 0, header + row)))

    told = "; ".join(embedded_text(text, head) for _, text, head in parts)
    assert len(parts) > 1
    assert all(f"Column{n} value{n}" in told for n in range(40))
    for _, text, head in parts[1:]:
        assert embedded_text(text, head).startswith("Zone North: Column")
        assert readable_text(text, head).startswith(header + "| North |  |")
        assert count_tokens([embedded_text(text, head)])[0] <= PARAMS.cap


def test_a_huge_cell_is_cut_between_words_and_says_its_label_again() -> None:
    words = " ".join(f"word{n}" for n in range(300))
    parts = cut(make_markdown(("table", 0, HEADER + f"| North | {words} | 3% |")))

    assert len(parts) > 4
    for _, text, head in parts[2:-1]:
        assert embedded_text(text, head).startswith("Zone North: Sales word")
        assert count_tokens([embedded_text(text, head)])[0] <= PARAMS.cap
    assert embedded_text(*parts[-1][1:]).endswith("; Growth 3%")


def test_a_header_that_is_too_long_to_repeat_is_not_repeated() -> None:
    header = f"| Zone | {' | '.join(['A very long name of a column'] * 90)} |\n|{' --- |' * 91}\n"
    pages = make_markdown(("table", 0, header + f"| North |{' 1 |' * 90}"))

    assert not tables_of(pages)
    assert cut(pages) == []


def test_tables_that_are_written_otherwise_stay_as_they_are() -> None:
    pages = make_markdown(("table", 0, "Item | Price\nthing | 1\nother | 2"))

    assert not tables_of(pages)


def test_prose_has_no_table_head() -> None:
    assert tables_of(make_pages("| no | table |\n| --- | --- |\n| a | b |")).head_of(0, 9) is None


@pytest.mark.parametrize("key", sorted(STRATEGIES))
def test_no_strategy_embeds_more_of_a_table_than_is_read(key: str) -> None:
    pages = make_markdown(
        ("heading", 1, "Report"), ("paragraph", 0, "In tonnes"), ("table", 0, long_table(60))
    )
    strategy = get_strategy(key)
    source = ChunkingSource(pages, count_tokens, 120, embed)
    pieces = strategy.cut(source, strategy.defaults())

    for piece in pieces:
        words = source.tables.text_of(piece.start, piece.end)
        assert sum(count_tokens([words, piece.heading])) <= 120


CELL = st.sampled_from(["", "word", "12", "a \\| b", "(in millions)", "2019", "x " * 60, "Sum:"])


@hypothesis_settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=2, max_size=12))
def test_no_cell_is_lost_whatever_the_table(rows: list[list[str]]) -> None:
    lines = [f"| {' | '.join(cell.strip() for cell in row)} |" for row in rows]
    table = "\n".join([lines[0], "| --- | --- | --- |", *lines[1:]])
    pages = make_markdown(("paragraph", 0, "Unit: kg"), ("table", 0, table))
    pieces = split_pages(pages, params=PARAMS, count_tokens=count_tokens)

    covered = {at for piece in pieces for at in range(piece.start, piece.end)}
    full = join_pages([page.text for page in pages])
    assert not [at for at, sign in enumerate(full) if sign not in " |\n-" and at not in covered]
