"""Dates, times and durations as a spreadsheet shows them, dates in ISO order."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LEAP_BUG = 60
_MAX_SERIAL = 2_958_466


def format_date(value: float, tokens: Sequence[tuple[str, str]], *, is_1904: bool = False) -> str:
    """A date or time as the tokens of its format show it; empty for what is no date.

    `value` counts days; each token is its kind and its text.
    """
    letters = "".join(
        "n" if kind == "elapsed" else part.lower() if kind == "date" else " "
        for kind, part in tokens
    )
    decimals = sum(1 for kind, _ in tokens if kind == "digit")
    has_seconds = "s" in letters
    elapsed = next((part for kind, part in tokens if kind == "elapsed"), "")
    if elapsed:
        return format_elapsed(value, elapsed, seconds=has_seconds, decimals=decimals)
    if not 0 <= value < _MAX_SERIAL:
        return ""
    has_time = "h" in letters or has_seconds
    step = Decimal(1).scaleb(-decimals)
    clock = Decimal(f"{value % 1:.12f}") * 86400
    clock = clock.quantize(step if has_seconds else Decimal(1), rounding=ROUND_HALF_UP)
    day = int(value) + (1 if clock >= 86400 and has_time else 0)
    clock %= 86400
    time = _format_clock(clock, seconds=has_seconds, hours="h" in letters)
    shows_date = any(letter in letters for letter in "yd") or (not has_time and "m" in letters)
    if not shows_date:
        return time
    if not has_time:
        return _format_day(day, letters, is_1904=is_1904)
    date = _format_day(day, "ymd", is_1904=is_1904)
    return f"{date} {time}" if clock else date


def format_elapsed(value: float, unit: str, *, seconds: bool, decimals: int = 0) -> str:
    """A duration given in days, as 36:00 hours; `unit` (h, m or s) is what is counted on."""
    step = Decimal(1).scaleb(-decimals) if seconds or unit == "s" else Decimal(1)
    total = (Decimal(f"{abs(value):.12f}") * 86400).quantize(step, rounding=ROUND_HALF_UP)
    sign = "-" if value < 0 and total else ""
    if unit == "s":
        return f"{sign}{total}"
    minutes, rest = divmod(total, 60)
    tail = f":{int(rest):02d}" + (f"{rest % 1:f}"[1:] if decimals else "") if seconds else ""
    if unit == "m":
        return f"{sign}{int(minutes):02d}{tail}"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{int(hours)}:{int(minutes):02d}{tail}"


def _format_clock(clock: Decimal, *, seconds: bool, hours: bool) -> str:
    """Hours are left out only where the format has none and there are none."""
    minutes, rest = divmod(clock, 60)
    past, minutes = divmod(minutes, 60)
    text = f"{int(past):02d}:" if hours or past else ""
    text += f"{int(minutes):02d}"
    return text + f":{int(rest):02d}" + f"{rest % 1:f}"[1:] if seconds else text


def _format_day(day: int, letters: str, *, is_1904: bool) -> str:
    if not is_1904 and day == _LEAP_BUG:
        return "1900-02-29"  # a day that never was, as Excel shows it
    if is_1904:
        date = datetime.date(1904, 1, 1) + datetime.timedelta(days=day)
    else:
        date = datetime.date(1899, 12, 30) + datetime.timedelta(days=day + (day < _LEAP_BUG))
    if "d" in re.sub("d{3,}", " ", letters):
        return date.isoformat()
    if "ddd" in letters:
        if "y" in letters or "m" in letters:
            return date.isoformat()
        return _DAYS[date.weekday()] if "dddd" in letters else _DAYS[date.weekday()][:3]
    if "m" not in letters:
        return str(date.year)
    month = _MONTHS[date.month - 1] if "mmmm" in letters else _MONTHS[date.month - 1][:3]
    if "y" not in letters:
        return month if "mmm" in letters else f"{date.month:02d}"
    return f"{month} {date.year}" if "mmm" in letters else f"{date.year}-{date.month:02d}"
