"""Favours newer documents: a share of the score that decays with age. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.retrieval.search.fusion import mix
from apps.retrieval.search.hits import Hit

SECONDS_A_DAY = 86_400


def freshness(when: datetime, *, now: datetime, half_life_days: float) -> float:
    """1 for the present and the future, 1/2 after one half-life, 1/4 after two."""
    age = max(0.0, (now - when).total_seconds() / SECONDS_A_DAY)
    return float(0.5 ** (age / half_life_days))


def prefer_recent(
    hits: Sequence[Hit],
    dates: Sequence[datetime],
    *,
    now: datetime,
    share: float,
    half_life_days: float,
) -> list[Hit]:
    """Hits by relevance (1 - share) and freshness (share)."""
    fresh = [freshness(date, now=now, half_life_days=half_life_days) for date in dates]
    return mix(hits, fresh, share=share)
