from __future__ import annotations

import pytest

from apps.documents.source import Highlight, Rect, Segment, place_rects, split_segments

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
