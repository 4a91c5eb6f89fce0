"""The pages of experiments over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core.ids import uuid7
from apps.evaluation.models import (
    Experiment,
    ExperimentItem,
    ExperimentState,
    ItemPassage,
    Score,
    Summary,
)
from apps.traces.models import Trace
from tests.evaluation.helpers import (
    LEAVE,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
    make_worse_release,
)
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
ClientFor = Callable[[Any], Client]


def url(experiment: Experiment, rest: str = "") -> str:
    return f"/w/{experiment.workspace.slug}/evaluate/experiments/{experiment.pk}/{rest}"


def text_of(response: Any) -> str:
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(plain.split())


def test_an_empty_workspace_says_what_to_do(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    response = client_for(owner).get(f"/w/{workspace.slug}/evaluate/")
    assert response.status_code == 200
    assert "Create an assistant first" in text_of(response)


def test_an_experiment_is_planned_run_and_read(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace)
    worse = make_worse_release(assistant)
    version = make_version(workspace)
    client = client_for(owner)
    base = f"/w/{workspace.slug}/assistants/{assistant.slug}/evaluate/"
    shown = client.get(f"{base}new/")
    assert "Same words as expected (token F1)" in text_of(shown)
    refused = client.post(f"{base}new/", {"name": "X"})
    assert refused.status_code == 422
    made = client.post(
        f"{base}new/",
        {
            "name": "Two releases", "dataset_version": version.pk,
            "evaluators": ["token_f1", "hit_rate"], "set-hit_rate-k": "3",
            "releases": [current_release(assistant).pk, worse.pk], "repeats": 1, "parallel": 2,
        },
    )  # fmt: skip
    assert made.status_code == 302
    experiment = Experiment.objects.get()
    assert made["Location"] == url(experiment)
    assert [one["key"] for one in experiment.evaluators] == ["token_f1", "hit_rate@k=3"]
    assert "0 of 8 answers" in text_of(client.get(url(experiment)))
    assert 'hx-trigger="every' in client.get(url(experiment)).content.decode()
    run_all()
    page = text_of(client.get(url(experiment)))
    assert "100.0 %" in page
    assert "worse on 3, no difference on 1" in page
    assert 'hx-trigger="every' not in client.get(url(experiment)).content.decode()
    table = text_of(client.get(f"/w/{workspace.slug}/evaluate/"))
    assert "Two releases" in table
    assert "better on 0, worse on 3, no difference on 1" in table
    assert "Two releases" in text_of(client.get(base))


def test_a_teams_own_evaluator_comes_back_as_it_was_used_last(
    workspace: Any, other_workspace: Any, owner: Any, stranger: Any, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace)
    version, release = make_version(workspace), current_release(assistant)
    for code in ("def evaluate(o): return 0", "def evaluate(o): return 1 if o.answer else 0"):
        own = [{"evaluator": "custom_python", "settings": {"about": "Says anything", "code": code}}]
        make_experiment(assistant, version, [release], evaluators=own)
    page = client_for(owner).get(f"/w/acme/assistants/{assistant.slug}/evaluate/new/")
    assert "return 1 if o.answer else 0</textarea>" in page.content.decode()
    assert "Says anything" in page.content.decode()
    theirs = make_assistant(other_workspace)
    base = f"/w/{other_workspace.slug}/assistants/{theirs.slug}/evaluate/new/"
    assert "Says anything" not in client_for(stranger).get(base).content.decode()


def test_the_comparison_shows_the_worst_first(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client = client_for(owner)
    response = client.get(url(finished, "compare/"))
    page = text_of(response)
    assert "Release 2 is worse than release 1" in page
    assert "Better on 0, worse on 3, no difference on 1" in page
    assert "25 days" in page
    assert page.index(" Worse ") < page.index("Who wrote the opera")
    # In whatever order they are named, it is candidate minus promoted.
    turned = text_of(client.get(url(finished, "compare/?a=2&b=1&outcome=worse")))
    assert "Release 2 is worse than release 1" in turned
    assert turned.count("Expected:") == 3
    assert "release 2 minus release 1" in turned
    tagged = text_of(client.get(url(finished, "compare/?part=tag:hr")))
    assert tagged.count("Expected:") == 2
    assert client.get(url(finished, "compare/?a=9")).status_code == 404


def test_the_analysis_says_which_release_to_take(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    page = text_of(client_for(owner).get(url(finished, "analysis/")))
    assert "What quality costs" in page
    assert "+1.00" in page


def test_an_answer_shows_how_it_was_made(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    item = finished.items.filter(is_declined=False).first()
    assert item is not None
    page = text_of(client_for(owner).get(url(finished, f"answers/{item.pk}/")))
    assert "How it was made" in page
    assert str(item.trace_id) in page


def test_an_answer_is_judged_sentence_by_sentence(
    finished: Experiment, owner: Any, client_for: ClientFor, api: Any
) -> None:
    item = finished.items.get(example__question=LEAVE, release__number=1)
    item.answer = (
        f"{item.answer} The canteen serves fish on every second Tuesday [1]. "
        "Employees get 30 days of annual leave a year [1]."
    )
    item.save()
    address = f"/api/v1/experiments/{finished.pk}/items/{item.pk}/sentences/"
    held, made_up, wrong = api.get(address).json()
    assert held["text"] == "Employees get 25 days of annual leave a year."
    assert (held["is_supported"], held["right"], held["wrong"]) == (True, [1], [])
    assert held["best"] == held["text"]
    assert held["missing"] == []
    assert (made_up["is_supported"], made_up["right"], made_up["wrong"]) == (False, [], [1])
    assert "canteen" in made_up["missing"]
    outcomes = [one["outcome"] for one in (held, made_up, wrong)]
    assert outcomes == ["supported", "not_told", "contradicted"]
    page = text_of(client_for(owner).get(url(finished, f"answers/{item.pk}/")))
    assert "Sentence by sentence" in page
    assert "Cited, but does not support it:" in page
    assert re.search(r"contradicted \d+ % Employees get 30 days", page)
    declined = finished.items.filter(is_declined=True).first()
    assert declined is not None
    path = f"/api/v1/experiments/{finished.pk}/items/{declined.pk}/sentences/"
    assert api.get(path).json() == []


def test_it_is_stopped_let_go_on_and_deleted(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client = client_for(owner)
    Experiment.objects.filter(pk=finished.pk).update(state=ExperimentState.RUNNING)
    assert client.post(url(finished, "cancel/")).status_code == 302
    finished.refresh_from_db()
    assert finished.state == ExperimentState.CANCELLED
    assert client.post(url(finished, "resume/")).status_code == 302
    assert client.post(url(finished, "delete/")).status_code == 302
    for model in (Experiment, ExperimentItem, ItemPassage, Score, Summary):
        assert not model.objects.exists(), model
    assert not Trace.objects.filter(subject_type="experiment_item").exists()


def test_viewers_are_kept_out(finished: Experiment, viewer: Any, client_for: ClientFor) -> None:
    client = client_for(viewer)
    for rest in ("", "compare/", "analysis/", "progress/"):
        assert client.get(url(finished, rest)).status_code == 403


def test_the_table_asks_no_query_for_a_row(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client = client_for(owner)
    path = f"/w/{finished.workspace.slug}/evaluate/"

    def count() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get(path).status_code == 200
        return len(caught)

    count()
    with_one = count()
    releases = list(finished.releases.all())
    for number in range(5):
        copy = Experiment.objects.get(pk=finished.pk)
        copy.pk, copy.name = uuid7(), f"Copy {number}"
        copy._state.adding = True
        copy.save()
        copy.releases.set(releases)
    assert count() == with_one
