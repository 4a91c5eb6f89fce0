"""Chart geometry, worked out by hand."""

from __future__ import annotations

import pytest

from apps.core import charts


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 0.5, 1]),
        (4, [0, 1, 2, 3, 4]),
        (7, [0, 2, 4, 6, 8]),
        (100, [0, 50, 100]),
        (1840, [0, 500, 1000, 1500, 2000]),
        (0.03, [0, 0.01, 0.02, 0.03]),
    ],
)
def test_ticks_are_round_and_reach_the_top(top: float, ticks: list[float]) -> None:
    assert charts.nice_ticks(top) == pytest.approx(ticks)


def test_sparkline_has_zero_on_the_baseline() -> None:
    line = charts.plot_sparkline([0, 5, 10], width=100, height=20, margin=0)
    assert line.points == "0.0,20.0 50.0,10.0 100.0,0.0"
    assert (line.last_x, line.last_y) == (100.0, 0.0)


@pytest.mark.parametrize(
    ("values", "points"), [([], ""), ([3], "3.0,3.0"), ([0, 0], "3.0,21.0 93.0,21.0")]
)
def test_sparkline_of_little(values: list[float], points: str) -> None:
    assert charts.plot_sparkline(values).points == points


def test_bars_share_a_scale_from_zero() -> None:
    chart = charts.plot_bars(
        [("a", 10), ("b", 5, "/b"), ("c", 0)],
        width=300,
        label_width=100,
        value_width=100,
        row_height=20,
    )
    assert [(bar.length, bar.y, bar.url) for bar in chart.bars] == [
        (100.0, 0, ""),
        (50.0, 20, "/b"),
        (0.0, 40, ""),
    ]
    assert chart.height == 60


def test_line_breaks_at_a_gap() -> None:
    chart = charts.plot_line(["a", "b", "c"], [4, None, 2], width=112, height=132, left=0)
    # 100 units wide between 0 and 112 - 12; 100 units high between 10 and 132 - 22.
    assert chart.segments == ("0.0,10.0", "100.0,60.0")
    assert [tick.at for tick in chart.ticks] == [110.0, 85.0, 60.0, 35.0, 10.0]
    assert (chart.first_label, chart.last_label) == ("a", "c")


def test_line_refuses_uneven_input() -> None:
    with pytest.raises(ValueError, match="2 labels for 1 values"):
        charts.plot_line(["a", "b"], [1])


def test_waterfall_puts_spans_on_one_axis() -> None:
    chart = charts.plot_waterfall(
        [
            charts.SpanInput("all", 0, 100),
            charts.SpanInput("search", 25, 50),
            charts.SpanInput("checks", 99.9, 0.01, ok=False),
        ],
        width=372,
        left=100,
        row_height=20,
    )
    # 200 units (372 - 100 - 72) for 100 ms.
    assert [(bar.x, bar.y, bar.width) for bar in chart.bars] == [
        (100.0, 0.0, 200.0),
        (150.0, 20.0, 100.0),
        (299.8, 40.0, 2.0),
    ]
    assert [bar.css_class for bar in chart.bars] == ["mark", "mark", "fault"]
    assert [(tick.at, tick.label) for tick in chart.ticks] == [
        (100.0, "0 ms"),
        (200.0, "50 ms"),
        (300.0, "100 ms"),
    ]


def test_waterfall_of_nothing() -> None:
    assert charts.plot_waterfall([]).bars == ()


def test_labels_of_a_scatter_keep_clear_of_each_other() -> None:
    """Two points nearly on top of each other, and one that is alone."""
    points = [
        charts.PointInput("Release 1", 100, 40, 30, 50),
        charts.PointInput("Release 2", 110, 40, 30, 50),
        charts.PointInput("Far", 900, 10, 5, 15),
    ]
    first, second, alone = charts.plot_scatter(points).places
    assert abs(first.label_y - second.label_y) >= 20
    assert alone.label_y == alone.y
    # The first label would run through the second point.
    assert abs(first.label_y - second.y) >= 20
