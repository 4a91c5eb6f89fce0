"""The queues. A worker that is given none listens to all of them."""

from __future__ import annotations

from enum import StrEnum


class Queue(StrEnum):
    INGEST = "ingest"
    EMBED = "embed"
    EVALUATION = "evaluation"
    MAINTENANCE = "maintenance"
