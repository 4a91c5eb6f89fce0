"""Rectangles around areas of a map, and where they are after a turn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from parsing.ocr.shapes import Floats, Rectangle, find_rectangles


def find(chances: Floats, *, growth: float = 0.0, least_score: float = 0.5) -> list[Rectangle]:
    return find_rectangles(chances, threshold=0.3, least_score=least_score, growth=growth)


def empty_map() -> Floats:
    return np.zeros((60, 100), dtype=np.float32)


def test_area_becomes_a_rectangle_that_grows_by_area_over_outline() -> None:
    chances = empty_map()
    chances[10:20, 20:60] = 1
    # Areas first spread by a point to the right and below: 41 by 11 points from (20, 10).
    assert find(chances) == [Rectangle(40.5, 15.5, 41, 11, 0.0)]
    (grown,) = find(chances, growth=1.6)
    by = 1.6 * 41 * 11 / (2 * (41 + 11))
    assert grown.width == pytest.approx(41 + 2 * by)
    assert grown.height == pytest.approx(11 + 2 * by)


def test_score_is_the_mean_over_the_rectangle() -> None:
    chances = empty_map()
    chances[10:20, 20:60] = 0.6
    score = 0.6 * 400 / (41 * 11)
    assert len(find(chances, least_score=score - 0.01)) == 1
    assert find(chances, least_score=score + 0.01) == []


def test_areas_that_touch_at_a_corner_are_one_and_others_are_not() -> None:
    chances = empty_map()
    chances[10:14, 10:20] = 1
    chances[15:19, 21:30] = 1  # spread to row 14 and column 20, the first touches this corner
    assert len(find(chances, least_score=0.1)) == 1
    chances[15:19, 21:30] = 0
    chances[16:20, 22:30] = 1
    assert len(find(chances, least_score=0.1)) == 2


def test_areas_that_join_further_down_are_one() -> None:
    chances = empty_map()
    chances[5:30, 10:14] = chances[5:30, 50:54] = chances[26:30, 10:54] = 1
    (found,) = find(chances, least_score=0.1)
    assert (found.width, found.height) == (45, 26)


def test_leaning_bar_is_enclosed_along_its_lean() -> None:
    chances = empty_map()
    for x in range(10, 90):
        y = 10 + round((x - 10) / 4)
        chances[y : y + 6, x] = 1
    (found,) = find(chances)
    assert found.angle == pytest.approx(math.atan(1 / 4), abs=0.03)
    assert found.width == pytest.approx(80 * math.hypot(1, 1 / 4), abs=4)
    assert found.height < 10


def test_specks_and_nothing_at_all() -> None:
    assert find(empty_map()) == []
    chances = empty_map()
    chances[5, 5] = 1
    assert find(chances, least_score=0.0) == []


@pytest.mark.parametrize(
    ("turn", "x", "y", "width", "height"),
    [(0, 10, 20, 8, 4), (90, 180, 10, 4, 8), (180, 90, 180, 8, 4), (270, 20, 90, 4, 8)],
)
def test_turning_an_image_of_100_by_200(
    turn: int, x: float, y: float, width: float, height: float
) -> None:
    turned = Rectangle(10, 20, 8, 4, 0.1).turn(turn, (100, 200))
    assert turned == Rectangle(x, y, width, height, 0.1)


def test_box_around_a_leaning_rectangle() -> None:
    box = Rectangle(50, 100, 40, 30, math.atan(3 / 4)).as_box((100, 200))
    # 40 * 0.8 + 30 * 0.6 = 50 wide, 40 * 0.6 + 30 * 0.8 = 48 high.
    assert box == pytest.approx((0.25, 0.38, 0.75, 0.62))
