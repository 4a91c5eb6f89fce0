"""The page of a trace: steps around whatever the app that owns the subject says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http import Http404
from django.test import Client

from apps.traces.doors import describe_subject
from apps.traces.models import Trace
from apps.traces.subjects import GivenPassage, TracePrompt, TraceSubject
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Workspace
from tests.traces.helpers import make_recorder, store_run

pytestmark = pytest.mark.django_db
ClientFor = Callable[[Any], Client]


def describe_patrol(request: WorkspaceRequest, trace: Trace) -> TraceSubject | None:
    """A subject as another app would give it."""
    if trace.subject_type != "patrol":
        return None
    if trace.status == "secret":
        raise Http404
    return TraceSubject(
        nav="assistants",
        crumbs=[("Patrols", "/patrols/"), (request.workspace.name, "/acme/")],
        question="Is the <gate> shut?",
        answer_html="It is.",
        passages=[GivenPassage(1, "gate.md, page 1", "/gate/", "The gate is shut.", True, 0.9)],
        prompt=TracePrompt([("user", "Look at the gate.")], is_exact=True),
        release=(7, "/releases/7/"),
        model="qwen",
        step_labels={"search": "Look around"},
    )


def test_the_steps_stand_in_what_the_subject_says(
    workspace: Workspace, viewer: Any, client_for: ClientFor
) -> None:
    recorder = make_recorder()
    recorder.spans[0].attributes["changed"] = False
    trace = store_run(workspace, subject_type="patrol", recorder=recorder)

    with describe_subject.override(lambda request, trace: None, describe_patrol):
        page = client_for(viewer).get(f"/w/acme/traces/{trace.pk}/").content.decode()

    assert '<a href="/patrols/">Patrols</a></li><li><a href="/acme/">Acme</a>' in page
    assert "Is the &lt;gate&gt; shut?" in page
    assert "Look around" in page
    assert "generation" in page  # a step that nobody has named
    assert '<a href="/releases/7/">release 7</a>' in page
    assert "qwen" in page
    assert "The gate is shut." in page
    assert "Look at the gate." in page
    assert "error.type" in page
    # Values in plain words.
    assert '<span class="mono">leave; days</span>' in page
    assert '<span class="mono">no</span>' in page


def test_a_trace_that_nobody_answers_for_has_no_page(
    workspace: Workspace, owner: Any, client_for: ClientFor
) -> None:
    client = client_for(owner)
    for values in ({"subject_type": "patrol"}, {"subject_type": "message", "subject_id": uuid4()},
                   {"subject_type": "message", "subject_id": None}):  # fmt: skip
        trace = store_run(workspace, **values)
        assert client.get(f"/w/acme/traces/{trace.pk}/").status_code == 404


def test_who_may_not_read_the_subject_may_not_read_the_trace(
    workspace: Workspace,
    other_workspace: Workspace,
    owner: Any,
    stranger: Any,
    client_for: ClientFor,
) -> None:
    ours = store_run(workspace, subject_type="patrol")
    secret = store_run(workspace, subject_type="patrol", status="secret")

    with describe_subject.override(describe_patrol):
        assert client_for(owner).get(f"/w/acme/traces/{ours.pk}/").status_code == 200
        assert client_for(owner).get(f"/w/acme/traces/{secret.pk}/").status_code == 404
        assert client_for(owner).get(f"/w/acme/traces/{uuid4()}/").status_code == 404
        assert client_for(stranger).get(f"/w/acme/traces/{ours.pk}/").status_code == 404
        assert client_for(stranger).get(f"/w/umbrella/traces/{ours.pk}/").status_code == 404
