"""Writes of traces: the one place that knows how a recorder becomes rows.

A trace usually belongs to something that is stored with it. Where that is one statement already,
`compose_insert` gives the part of it that writes the trace; else `store` is a statement of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.core.statements import open_raw_cursor, to_json
from apps.traces.recorder import Recorder


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as it is stored: what its recorder noted, and how it ended.

    `subject_type` and `subject_id` name what the run made, such as a message. `duration_ms` counts
    from the start of the recorder; `cost` is in US dollars. `workspace_id` and `release_id` may be
    left out where the statement takes them from the subject's own row.
    """

    recorder: Recorder
    subject_type: str
    subject_id: UUID | None
    status: str
    duration_ms: float
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    workspace_id: UUID | None = None
    release_id: UUID | None = None

    def as_record(self) -> dict[str, Any]:
        """The row for the JSON that `compose_insert` reads; costs are text, to stay exact."""
        recorder = self.recorder
        return {
            "id": recorder.trace_id,
            "workspace_id": self.workspace_id,
            "name": recorder.name,
            "subject_type": self.subject_type,
            "subject_id": self.subject_id,
            "release_id": self.release_id,
            "status": self.status,
            "started_at": recorder.started_at,
            "duration_ms": self.duration_ms,
            "first_token_ms": recorder.first_token_ms,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost": str(self.cost),
            "attributes": recorder.attributes,
            "spans": recorder.list_spans(),
        }


def compose_insert(parameter: int, *, subject: str = "") -> str:
    """Common table expressions that write runs: `run`, `trace` and `trace_span`.

    They read `RunRow.as_record` dicts from the JSON array in parameter `$parameter`. With
    `subject`, the name of an expression before them with the columns `id`, `workspace_id` and
    `release_id`, only runs whose subject is in it are written, with its workspace and release.
    """
    owner = subject or "run"
    source = f"run JOIN {subject} ON {subject}.id = run.subject_id" if subject else "run"
    return f"""
run AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(${parameter}::jsonb) AS run (
        id uuid, workspace_id uuid, name text, subject_type text, subject_id uuid, release_id uuid,
        status text, started_at timestamptz, duration_ms float8, first_token_ms float8,
        input_tokens int4, output_tokens int4, cost numeric, attributes jsonb, spans jsonb)
), trace AS (
    INSERT INTO traces_trace
        (id, workspace_id, name, subject_type, subject_id, release_id, status, started_at,
         duration_ms, first_token_ms, input_tokens, output_tokens, cost, attributes)
    SELECT run.id, {owner}.workspace_id, run.name, run.subject_type, run.subject_id,
           {owner}.release_id, run.status, run.started_at, run.duration_ms, run.first_token_ms,
           run.input_tokens, run.output_tokens, run.cost, run.attributes
    FROM {source}
), trace_span AS (
    INSERT INTO traces_span
        (workspace_id, trace_id, position, name, offset_ms, duration_ms, status, attributes)
    SELECT {owner}.workspace_id, run.id, span.position, span.name, span.offset_ms,
           span.duration_ms, span.status, span.attributes
    FROM {source}, jsonb_to_recordset(run.spans) AS span (
        position int2, name text, offset_ms float8, duration_ms float8, status text,
        attributes jsonb)
)"""  # noqa: S608  (ours)


STORE = f"WITH {compose_insert(1)} SELECT count(*) FROM run"  # noqa: S608  (ours)


def store(runs: Iterable[RunRow]) -> None:
    """Store runs with their spans, in one statement inside the caller's transaction.

    Raises ValueError for a run that does not say which workspace it belongs to.
    """
    rows = list(runs)
    if not rows:
        return
    if any(row.workspace_id is None for row in rows):
        raise ValueError("a trace belongs to a workspace")
    with open_raw_cursor() as cursor:
        cursor.execute(STORE, [to_json([row.as_record() for row in rows])])


__all__ = ["RunRow", "compose_insert", "store"]
