"""Collects the spans of one answer in memory; whoever stores the answer stores them with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils import timezone

from apps.core.ids import uuid7


@dataclass(slots=True)
class SpanRecord:
    """One step: its start and length in milliseconds, and attributes worth keeping."""

    name: str
    offset_ms: float
    duration_ms: float = 0.0
    status: str = "ok"
    attributes: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """The trace of one run. Attribute names follow OpenTelemetry's GenAI conventions."""

    def __init__(self, name: str) -> None:
        self.trace_id = uuid7()
        self.name = name
        self.started_at = timezone.now()
        self._start = time.perf_counter()
        self.spans: list[SpanRecord] = []
        self.attributes: dict[str, Any] = {}
        self.first_token_ms: float | None = None

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self._start) * 1000

    @contextmanager
    def span(self, name: str, **attributes: Any) -> Iterator[SpanRecord]:
        """Time a step. An exception marks the step as failed and propagates."""
        record = SpanRecord(name, self.elapsed_ms(), attributes=attributes)
        self.spans.append(record)
        try:
            yield record
        except BaseException as error:
            record.status = "error"
            record.attributes["error.type"] = type(error).__name__
            raise
        finally:
            record.duration_ms = self.elapsed_ms() - record.offset_ms

    def list_spans(self) -> list[dict[str, Any]]:
        """The spans as rows of `traces_span`, without the trace's own columns."""
        return [{"position": n, **asdict(span)} for n, span in enumerate(self.spans)]

    def mark_first_token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms()
