"""A stretch of text that a detector stopped at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``text[start:end]`` is personal data or an attack of this kind."""

    kind: str
    start: int
    end: int


def overlaps(findings: Iterable[Finding], match: re.Match[str]) -> bool:
    """Whether the match shares a character with a finding."""
    return any(one.start < match.end() and match.start() < one.end for one in findings)
