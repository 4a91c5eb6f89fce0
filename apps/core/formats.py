"""Numbers, sizes and times as people read them. Pure functions, no Django."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

Number = int | float | Decimal

MISSING = "\u2013"


def format_count(value: Number | None) -> str:
    """A whole number with thousands separators: `12,345`."""
    return MISSING if value is None else f"{round(value):,}"


def format_bytes(size: Number | None) -> str:
    """A size in decimal units with the unit written out: `512 B`, `1.4 MB`, `20 MB`."""
    if size is None:
        return MISSING
    number = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 999.5:
            digits = 1 if unit != "B" and abs(number) < 9.95 else 0
            return f"{number:.{digits}f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def format_milliseconds(value: Number | None) -> str:
    """A short time: `0.4 ms`, `85 ms`, `1.2 s`, `3 min 20 s`."""
    if value is None:
        return MISSING
    number = float(value)
    if number < 999.5:
        return f"{number:.1f} ms" if 0 < number < 9.95 else f"{number:.0f} ms"
    return format_seconds(number / 1000)


def format_seconds(value: Number | None) -> str:
    """A time span in its two largest units: `4.2 s`, `48 s`, `3 min 20 s`, `2 h 5 min`."""
    if value is None:
        return MISSING
    number = float(value)
    if number < 9.95:
        return f"{number:.1f} s"
    total = round(number)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for position, (name, length) in enumerate(units):
        if total >= length:
            text = f"{total // length} {name}"
            rest = total % length
            if position + 1 < len(units):
                next_name, next_length = units[position + 1]
                if rest // next_length:
                    text += f" {rest // next_length} {next_name}"
            return text
    return "0 s"


def format_money(dollars: Number | None) -> str:
    """US dollars, with as many digits as it takes to see something: `$1.20`, `$0.0034`, `free`."""
    if dollars is None:
        return MISSING
    value = float(dollars)
    if value == 0:
        return "free"
    if abs(value) >= 0.095:
        return f"${value:,.2f}"
    return "under $0.0001" if abs(value) < 0.00005 else f"${value:.4f}"


def format_relative(moment: datetime, *, now: datetime) -> str:
    """How long ago a moment was, or how far ahead it is; older than a month becomes a date."""
    seconds = (now - moment).total_seconds()
    ahead = seconds < 0
    seconds = abs(seconds)
    if seconds < 45:
        return "in a moment" if ahead else "just now"
    if seconds < 45 * 60:
        text = f"{max(round(seconds / 60), 1)} min"
    elif seconds < 22 * 3600:
        text = f"{max(round(seconds / 3600), 1)} h"
    elif seconds < 30 * 86_400:
        days = max(round(seconds / 86_400), 1)
        text = "1 day" if days == 1 else f"{days} days"
    else:
        return format_day(moment)
    return f"in {text}" if ahead else f"{text} ago"


def format_day(moment: datetime) -> str:
    """A date with its month in letters, because 3/4 means two things: `21 Nov 2026`."""
    return f"{moment.day} {moment:%b %Y}"


def format_exact(moment: datetime) -> str:
    """A moment to the second, in UTC: `21 Nov 2026, 09:05:03 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{format_day(utc)}, {utc:%H:%M:%S} UTC"
