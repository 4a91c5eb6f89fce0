"""From recorders to rows: every column, in one statement, and nothing that Postgres cannot hold."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core.statements import open_raw_cursor, to_json
from apps.traces.models import Span, Trace
from apps.traces.recorder import Recorder
from apps.traces.services import compose_insert, store
from apps.workspaces.models import Workspace
from tests.traces.helpers import make_recorder, make_run, store_run

pytestmark = pytest.mark.django_db


def test_every_column_of_a_trace_and_its_spans(workspace: Workspace) -> None:
    run = make_run(workspace)

    store([run])

    trace = Trace.objects.get()
    assert trace.pk == run.recorder.trace_id
    assert trace.workspace_id == workspace.pk
    assert (trace.name, trace.status) == ("answer", "ok")
    assert (trace.subject_type, trace.subject_id) == ("message", run.subject_id)
    assert trace.release_id == run.release_id
    assert trace.started_at == run.recorder.started_at
    assert (trace.duration_ms, trace.first_token_ms) == (7.5, 4.0)
    assert (trace.input_tokens, trace.output_tokens) == (120, 30)
    assert trace.cost == Decimal("0.00012345")
    assert trace.attributes == {"query": "How many days?"}
    assert list(
        trace.spans.order_by("position").values_list(
            "position", "name", "offset_ms", "duration_ms", "status", "attributes", "workspace"
        )
    ) == [
        (0, "search", 0.5, 2.0, "ok", {"hits": 3, "terms": ["leave", "days"]}, workspace.pk),
        (1, "generation", 2.5, 5.0, "error", {"error.type": "ModelError"}, workspace.pk),
    ]


def test_many_runs_keep_apart(workspace: Workspace, other_workspace: Workspace) -> None:
    empty = Recorder("agent")
    ours, theirs = make_run(workspace), make_run(other_workspace, recorder=empty, subject_id=None)

    store([ours, theirs])

    assert Trace.objects.get(workspace=workspace).spans.count() == 2
    agent = Trace.objects.get(workspace=other_workspace)
    assert (agent.name, agent.subject_id, agent.first_token_ms) == ("agent", None, None)
    assert agent.spans.count() == 0
    assert not Span.objects.filter(workspace=other_workspace).exists()


def test_nothing_to_store_asks_nothing(workspace: Workspace) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        store([])

    assert not queries.captured_queries
    assert not Trace.objects.exists()


def test_a_trace_without_a_workspace_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="belongs to a workspace"):
        store([make_run(workspace), make_run(workspace, workspace_id=None)])

    assert not Trace.objects.exists()


def test_it_belongs_to_the_transaction_of_its_caller(workspace: Workspace) -> None:
    with transaction.atomic():
        store([make_run(workspace)])
        assert Span.objects.count() == 2
        transaction.set_rollback(True)

    assert not Trace.objects.exists()
    assert not Span.objects.exists()


def test_what_postgres_cannot_hold_is_left_out_or_replaced(workspace: Workspace) -> None:
    recorder = make_recorder()
    recorder.attributes = {"query": "a\x00b", "half": "c\ud800d", "list": ["e\x00", ("f",)]}
    recorder.spans[0].attributes = {"k\x00ey": {"deep": "g\x00"}}

    trace = store_run(workspace, recorder=recorder)

    assert trace.attributes == {"query": "ab", "half": "c\ufffdd", "list": ["e", ["f"]]}
    assert trace.spans.get(position=0).attributes == {"key": {"deep": "g"}}


def test_what_json_does_not_have_is_an_error() -> None:
    with pytest.raises(TypeError):
        to_json({"value": object()})


def test_inside_of_a_statement_only_runs_with_a_subject_are_written(workspace: Workspace) -> None:
    run, lost = make_run(workspace, workspace_id=None, release_id=None), make_run(workspace)
    release = uuid4()

    with open_raw_cursor() as cursor:
        cursor.execute(
            "WITH made AS (SELECT $2::uuid AS id, $3::uuid AS workspace_id, $4::uuid AS "
            f"release_id), {compose_insert(1, subject='made')} SELECT 1",
            [
                to_json([run.as_record(), lost.as_record()]), run.subject_id, workspace.pk, release
            ],
        )  # fmt: skip

    trace = Trace.objects.get()
    assert trace.pk == run.recorder.trace_id
    assert (trace.workspace_id, trace.release_id) == (workspace.pk, release)
    assert trace.spans.count() == 2
