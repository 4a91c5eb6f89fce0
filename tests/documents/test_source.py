from __future__ import annotations

import pytest

from apps.documents.source import (
    Highlight,
    Rect,
    Segment,
    join_wrapped_lines,
    place_rects,
    split_segments,
)

TEXT = "Leave\nYou get 25 days."


def test_text_without_anything_special_is_one_segment() -> None:
    assert split_segments("abc", offset=7, headings=[], highlight=None) == (Segment("abc"),)


def test_headings_and_the_highlight_cut_the_text() -> None:
    segments = split_segments(
        TEXT, offset=100, headings=[(100, 105)], highlight=Highlight(114, 121)
    )

    assert segments == (
        Segment("Leave", is_heading=True),
        Segment("\nYou get "),
        Segment("25 days", is_marked=True, is_first_mark=True),
        Segment("."),
    )


def test_only_the_first_marked_segment_is_the_first() -> None:
    segments = split_segments(TEXT, offset=0, headings=[(0, 5)], highlight=Highlight(2, 10))

    assert [(s.text, s.is_marked, s.is_first_mark) for s in segments] == [
        ("Le", False, False),
        ("ave", True, True),
        ("\nYou ", True, False),
        ("get 25 days.", False, False),
    ]


@pytest.mark.parametrize("edges", [(0, 0), (5, 5), (-10, 400), (3, 9), (21, 22), (30, 40)])
def test_the_pieces_are_the_text_whatever_is_highlighted(edges: tuple[int, int]) -> None:
    segments = split_segments(TEXT, offset=0, headings=[(0, 5)], highlight=Highlight(*edges))

    assert "".join(segment.text for segment in segments) == TEXT


def test_a_line_that_is_highlighted_in_part_is_marked_in_part() -> None:
    # Two lines of 10 characters on a page of 100 x 200 points that starts at offset 50.
    boxes = [[0, 10, 0.1, 0.2, 0.6, 0.25], [11, 21, 0.1, 0.3, 0.6, 0.35]]

    rects = place_rects(boxes, page_start=50, width=100, height=200, highlight=Highlight(54, 66))

    # From character 4 of 10 of the first line, to character 5 of 10 of the second.
    assert rects == (Rect(30.0, 40.0, 30.0, 10.0), Rect(10.0, 60.0, 25.0, 10.0))


def test_boxes_outside_of_the_highlight_are_not_marked() -> None:
    boxes = [[0, 10, 0, 0, 1, 1]]

    assert place_rects(boxes, page_start=0, width=9, height=9, highlight=Highlight(10, 12)) == ()


LONG = "A line of running text that was broken at the edge of a window"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{LONG}\nand goes on here.", f"{LONG} and goes on here."),
        (f"{LONG}\n\nA new paragraph.", f"{LONG}\n\nA new paragraph."),
        (f"{LONG}\n- an item", f"{LONG}\n- an item"),
        (f"{LONG}\n2. the second", f"{LONG}\n2. the second"),
        (f"{LONG}\n    indented = code", f"{LONG}\n    indented = code"),
        (f"{LONG} | a cell\nb | c", f"{LONG} | a cell\nb | c"),
        ("Short\nlines stay", "Short\nlines stay"),
        (f"{LONG}\n{LONG}\nend", f"{LONG} {LONG} end"),
        ("", ""),
    ],
)
def test_lines_of_a_paragraph_are_joined(text: str, shown: str) -> None:
    joined = join_wrapped_lines(text, headings=[])

    assert joined == shown
    assert len(joined) == len(text)


def test_a_heading_keeps_its_line() -> None:
    text = f"{LONG}\nand what follows it"

    assert join_wrapped_lines(text, headings=[(0, len(LONG))]) == text
    assert join_wrapped_lines(text, headings=[(len(LONG) + 1, len(text))]) == text
