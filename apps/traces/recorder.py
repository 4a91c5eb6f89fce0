"""Collects the spans of one answer in memory and writes them at its end, in two statements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.core.ids import uuid7
from apps.traces.models import Span, Trace


@dataclass(slots=True)
class SpanRecord:
    """A step: milliseconds from the trace's start, its length, and what is worth knowing."""

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
        """Time a step. An exception marks it as failed and goes on its way."""
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

    def mark_first_token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms()


@dataclass(frozen=True, slots=True)
class TraceSubject:
    """Whose trace it is and with which recipe."""

    workspace_id: UUID
    subject_type: str
    subject_id: UUID
    release_id: UUID | None


def save_trace(
    recorder: Recorder, *, subject: TraceSubject, status: str, usage: tuple[int, int], cost: Any
) -> None:
    """Write the trace and its spans; `usage` is (input tokens, output tokens)."""
    Trace.objects.create(
        id=recorder.trace_id,
        workspace_id=subject.workspace_id,
        name=recorder.name,
        subject_type=subject.subject_type,
        subject_id=subject.subject_id,
        release_id=subject.release_id,
        status=status,
        started_at=recorder.started_at,
        duration_ms=recorder.elapsed_ms(),
        first_token_ms=recorder.first_token_ms,
        input_tokens=usage[0],
        output_tokens=usage[1],
        cost=cost,
        attributes=recorder.attributes,
    )
    Span.objects.bulk_create(
        Span(
            workspace_id=subject.workspace_id,
            trace_id=recorder.trace_id,
            position=position,
            name=span.name,
            offset_ms=span.offset_ms,
            duration_ms=span.duration_ms,
            status=span.status,
            attributes=span.attributes,
        )
        for position, span in enumerate(recorder.spans)
    )
