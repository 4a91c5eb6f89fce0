"""Formats: the numbers are worked out by hand, above all at the edges between units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.core import formats

NOW = datetime(2026, 11, 21, 9, 5, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\u2013"), (0, "0"), (999, "999"), (1000, "1,000"), (1234567.6, "1,234,568")],
)
def test_count(value: float | None, text: str) -> None:
    assert formats.format_count(value) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (999, "999 B"),
        (999.4, "999 B"),
        (999.5, "1.0 kB"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_400_000, "1.4 MB"),
        (20_000_000, "20 MB"),
        (3_000_000_000_000, "3.0 TB"),
    ],
)
def test_bytes(size: float, text: str) -> None:
    assert formats.format_bytes(size) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 ms"),
        (0.42, "0.4 ms"),
        (9.96, "10 ms"),
        (85.2, "85 ms"),
        (999.6, "1.0 s"),
        (1240, "1.2 s"),
        (48_000, "48 s"),
        (200_000, "3 min 20 s"),
    ],
)
def test_milliseconds(value: float, text: str) -> None:
    assert formats.format_milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86_400 * 3 + 4 * 3600, "3 d 4 h"),
        (86_400 + 59, "1 d"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert formats.format_seconds(value) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "free"),
        (Decimal("0.00041"), "$0.0004"),
        (0.00001, "under $0.0001"),
        (0.034, "$0.0340"),
        (1.2, "$1.20"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money(dollars: float | Decimal, text: str) -> None:
    assert formats.format_money(dollars) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=50), "1 min ago"),
        (timedelta(minutes=44), "44 min ago"),
        (timedelta(minutes=50), "1 h ago"),
        (timedelta(hours=21), "21 h ago"),
        (timedelta(hours=23), "1 day ago"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=40), "12 Oct 2026"),
        (timedelta(minutes=-10), "in 10 min"),
        (timedelta(seconds=-1), "in a moment"),
    ],
)
def test_relative_time(delta: timedelta, text: str) -> None:
    assert formats.format_relative(NOW - delta, now=NOW) == text


def test_exact_time_is_in_utc() -> None:
    moment = NOW.astimezone(tz=datetime.strptime("+0200", "%z").tzinfo)
    assert formats.format_exact(moment) == "21 Nov 2026, 09:05:03 UTC"
