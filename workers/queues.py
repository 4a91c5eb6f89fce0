"""The queues. A worker that is started without `--queues` listens to all."""

from __future__ import annotations

from enum import StrEnum


class Queue(StrEnum):
    INGEST = "ingest"
    EMBED = "embed"
    EVALUATION = "evaluation"
    MAINTENANCE = "maintenance"
