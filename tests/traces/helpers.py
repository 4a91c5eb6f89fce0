"""Runs with known spans, and rows of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from apps.core.ids import uuid7
from apps.traces.models import Trace
from apps.traces.recorder import Recorder, SpanRecord
from apps.traces.services import RunRow, store
from apps.workspaces.models import Workspace


def make_recorder() -> Recorder:
    """Two steps of 2 and 5 ms; the first token came after 4 ms."""
    recorder = Recorder("answer")
    recorder.spans = [
        SpanRecord("search", 0.5, 2.0, attributes={"hits": 3, "terms": ["leave", "days"]}),
        SpanRecord("generation", 2.5, 5.0, "error", {"error.type": "ModelError"}),
    ]
    recorder.attributes = {"query": "How many days?"}
    recorder.first_token_ms = 4.0
    return recorder


def make_run(workspace: Workspace, **values: Any) -> RunRow:
    fields: dict[str, Any] = {
        "subject_type": "message", "subject_id": uuid7(), "release_id": uuid7(), "status": "ok",
        "duration_ms": 7.5, "input_tokens": 120, "output_tokens": 30,
        "cost": Decimal("0.00012345"), "workspace_id": workspace.pk,
    }  # fmt: skip
    return RunRow(values.pop("recorder", None) or make_recorder(), **{**fields, **values})


def store_run(workspace: Workspace, **values: Any) -> Trace:
    run = make_run(workspace, **values)
    store([run])
    return Trace.objects.get(pk=run.recorder.trace_id)
