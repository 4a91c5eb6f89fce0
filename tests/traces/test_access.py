"""Who may read a trace: keys of its workspace, and nobody of another one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.http import Http404

from apps.traces.access import get_trace
from apps.workspaces.models import User, Workspace
from tests.factories import make_api
from tests.traces.helpers import store_run

pytestmark = pytest.mark.django_db


def test_a_trace_is_there_for_its_own_workspace_only(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    trace = store_run(workspace)

    assert get_trace(workspace.pk, trace.pk) == trace
    for workspace_id, trace_id in ((other_workspace.pk, trace.pk), (workspace.pk, uuid4())):
        with pytest.raises(Http404):
            get_trace(workspace_id, trace_id)


def test_rest_gives_a_trace_with_its_spans_in_order(api: Any, workspace: Workspace) -> None:
    trace = store_run(workspace, subject_type="patrol")

    body = api.get(f"/api/v1/traces/{trace.pk}/").json()

    assert body["id"] == str(trace.pk)
    assert (body["name"], body["status"]) == ("answer", "ok")
    assert (body["message"], body["release"]) == (str(trace.subject_id), str(trace.release_id))
    assert (body["duration_ms"], body["first_token_ms"]) == (7.5, 4.0)
    assert (body["input_tokens"], body["output_tokens"]) == (120, 30)
    assert body["cost"] == "0.00012345"
    assert body["attributes"] == {"query": "How many days?"}
    assert [(span["position"], span["name"], span["status"]) for span in body["spans"]] == [
        (0, "search", "ok"), (1, "generation", "error"),
    ]  # fmt: skip
    assert body["spans"][0]["attributes"] == {"hits": 3, "terms": ["leave", "days"]}


def test_rest_needs_a_key_of_the_workspace_that_may_read(
    workspace: Workspace, owner: User, other_api: Any, client: Any
) -> None:
    path = f"/api/v1/traces/{store_run(workspace, subject_type='patrol').pk}/"

    assert client.get(path).status_code == 401
    assert other_api.get(path).status_code == 404
    assert make_api(workspace, owner, scopes=["chat"]).get(path).status_code == 403
    assert make_api(workspace, owner, scopes=["read"]).get(path).status_code == 200


def test_rest_keeps_the_trace_of_an_answer_that_is_gone(api: Any, workspace: Workspace) -> None:
    for values in ({"subject_id": uuid4()}, {"subject_id": None}):
        trace = store_run(workspace, subject_type="message", **values)
        assert api.get(f"/api/v1/traces/{trace.pk}/").status_code == 404


def test_a_trace_is_not_changed_through_rest(api: Any, workspace: Workspace) -> None:
    path = f"/api/v1/traces/{store_run(workspace).pk}/"

    for method in (api.post, api.put, api.patch, api.delete):
        assert method(path, content_type="application/json").status_code == 405


def test_a_workspace_takes_its_traces_with_it(workspace: Workspace) -> None:
    from apps.traces.models import Span, Trace

    store_run(workspace)
    workspace.delete()

    assert not Trace.objects.exists()
    assert not Span.objects.exists()
