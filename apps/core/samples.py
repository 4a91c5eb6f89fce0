"""Made-up numbers for the charts of the style guide."""

from __future__ import annotations

from typing import Any


def chart_samples() -> dict[str, Any]:
    """Input for one chart of each kind, with a gap in the line and a failed step."""
    return {
        "trend": [1, 4, 3, 6, 8, 5, 9, 12],
        "bars": [
            {"label": "Handbook", "value": 1214},
            {"label": "Price lists", "value": 61},
            {"label": "Contracts", "value": 702},
        ],
        "labels": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        "values": [12, 31, 28, None, 44, 7, 9],
        "spans": [
            {"name": name, "offset_ms": offset, "duration_ms": duration, "status": status}
            for name, offset, duration, status in (
                ("rewrite", 2, 4, "ok"),
                ("search", 6, 31, "ok"),
                ("generation", 40, 310, "ok"),
                ("checks", 352, 18, "error"),
            )
        ],
    }
