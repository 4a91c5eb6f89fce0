"""Evaluating without a manual: presets, names that say what, one direction in every comparison."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.evaluation.experiments.metrics import OPERATIONAL, Metric, freeze_evaluators, read_metrics
from apps.evaluation.experiments.selectors import view_rows
from apps.evaluation.models import Experiment, Summary
from measures.evaluators.names import NAMES, name_evaluator
from measures.evaluators.presets import PRESETS
from measures.evaluators.registry import all_evaluators
from tests.evaluation.helpers import (
    current_release,
    make_assistant,
    make_version,
    make_worse_release,
)

V1 = "/api/v1"
ClientFor = Callable[[Any], Client]
rows = pytest.mark.django_db(transaction=True)
F1 = Metric("token_f1", "Token F1", "answer")
LATENCY = OPERATIONAL[0]
PERPLEXITY = Metric("perplexity", "Perplexity", "answer", high=None, higher_is_better=False)
PII = Metric("pii_rate", "Personal data", "safety", higher_is_better=False)


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# Names


def test_every_evaluator_has_a_business_name_in_the_one_table() -> None:
    assert set(NAMES) == set(all_evaluators())
    assert len({plain for plain, _ in NAMES.values()}) == len(NAMES)
    assert name_evaluator("groundedness", "x") == "Backed by the sources (groundedness)"
    assert name_evaluator("unheard_of", "Its own") == "Its own"


def test_settings_stand_with_the_term() -> None:
    plans = freeze_evaluators([{"evaluator": "context_recall", "settings": {"k": 3}}])
    assert read_metrics(plans)[0].label == "Wanted passages that are found (context recall@k; k 3)"


def test_an_older_plan_reads_the_same() -> None:
    plans = freeze_evaluators([{"evaluator": "groundedness"}])
    plans[0]["label"] = all_evaluators()["groundedness"].label
    assert read_metrics(plans)[0].label == "Backed by the sources (groundedness)"
    plans[0]["label"] = "What we called it"
    assert read_metrics(plans)[0].label == "What we called it"


# One direction


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        (F1, 0.031, "+3.1 points"),
        (F1, -0.031, "\u22123.1 points"),
        (F1, 0.0, "±0.0 points"),
        (LATENCY, -85.0, "85 ms faster"),
        (LATENCY, 85.0, "85 ms slower"),
        (OPERATIONAL[2], -0.002, "$0.0020 cheaper"),
        (PERPLEXITY, -1.5, "1.5 lower"),
        (PII, 0.02, "2.0 points more"),
        (PII, -0.02, "2.0 points fewer"),
    ],
)
def test_a_difference_reads_as_better_or_worse(metric: Metric, value: float, words: str) -> None:
    assert metric.show_change(value) == words


def test_bounds_go_from_worse_to_better() -> None:
    assert F1.show_changes(-0.01, 0.03) == "\u22121.0 to +3.0 points"
    assert LATENCY.show_changes(-85, 20) == "20 ms slower to 85 ms faster"


@rows
def test_rest_has_one_direction_however_it_is_asked(finished: Experiment, api: Any) -> None:
    one = f"{V1}/experiments/{finished.pk}/compare/"
    answers = [api.get(one, query).json() for query in ({}, {"first": 2, "second": 1})]
    for answer in answers:
        row = next(row for row in answer if row["metric"] == "token_f1")
        assert (row["candidate"], row["against"]) == (2, 1)
        assert row["difference"] == pytest.approx(-0.75)
        assert row["change"] == "\u221275.0 points"


@rows
def test_the_best_over_time_is_the_least_where_less_is_better(finished: Experiment) -> None:
    finished.evaluators = freeze_evaluators([{"evaluator": "perplexity"}])
    finished.save()
    Summary.objects.all().delete()
    for release, mean in zip(finished.releases.order_by("number"), (9.0, 4.0), strict=True):
        Summary.objects.create(
            workspace=finished.workspace, experiment=finished, release=release,
            metric="perplexity", count=4, mean=mean,
        )  # fmt: skip
    assert view_rows([finished])[0].trend == [4.0]


# Presets


def test_presets_name_what_there_is() -> None:
    assert set(PRESETS) == {"rag", "retrieval", "style", "code"}
    for preset in PRESETS.values():
        assert preset.available == preset.evaluators, preset.name


@rows
def test_a_preset_ticks_its_evaluators_and_keeps_what_was_typed(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace)
    version = make_version(workspace)
    client = client_for(owner)
    base = f"/w/{workspace.slug}/assistants/{assistant.slug}/evaluate/new/"
    start = client.get(base).content.decode()
    for preset in PRESETS.values():
        assert preset.label in start
    assert ticked(start) == set(PRESETS["rag"].available)
    sent = client.post(base, {
        "preset": "retrieval", "name": "Which search", "dataset_version": version.pk,
        "evaluators": ["token_f1"], "set-hit_rate-k": "3",
    })  # fmt: skip
    page = sent.content.decode()
    assert sent.status_code == 200
    assert ticked(page) == set(PRESETS["retrieval"].available)
    assert 'value="Which search"' in page
    assert re.search(
        r'name="set-hit_rate-k"[^>]*value="3"|value="3"[^>]*name="set-hit_rate-k"', page
    )
    assert "field-error" not in page
    assert re.search(r'value="retrieval"[^>]*\s+aria-pressed="true"', page)
    assert not Experiment.objects.exists()
    assert client.post(base, {"preset": "odd"}).status_code == 400


def ticked(page: str) -> set[str]:
    boxes = re.findall(r'<input type="checkbox" name="evaluators"[^>]*>', page)
    values = [re.search(r'value="([^"]+)"', box) for box in boxes if " checked" in box]
    return {value.group(1) for value in values if value}


@rows
def test_an_experiment_is_named_after_what_it_compares(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace)
    worse, version = make_worse_release(assistant), make_version(workspace)
    client = client_for(owner)
    base = f"/w/{workspace.slug}/assistants/{assistant.slug}/evaluate/new/"
    values = {
        "name": "", "dataset_version": version.pk, "evaluators": ["token_f1"], "repeats": 1,
        "releases": [current_release(assistant).pk, worse.pk], "parallel": 1,
    }  # fmt: skip
    refused = client.post(base, values | {"name": "Release 2"})
    assert refused.status_code == 422
    assert "reads like a release" in text_of(refused)
    assert client.post(base, values).status_code == 302
    today = timezone.localdate()
    expected = f"{assistant.name}: release 2 against 1, Questions v1, {today.day} {today:%b %Y}"
    assert Experiment.objects.get().name == expected


@rows
def test_rest_takes_a_preset(workspace: Any, api: Any) -> None:
    assistant = make_assistant(workspace)
    version = make_version(workspace)
    body = {
        "assistant": str(assistant.pk), "dataset": str(version.dataset_id), "version": 1,
        "releases": [1], "preset": "retrieval",
        "evaluators": [{"evaluator": "hit_rate", "settings": {"k": 3}}, {"evaluator": "token_f1"}],
    }  # fmt: skip
    made = api.post_json(f"{V1}/experiments/", body)
    assert made.status_code == 201, made.content
    assert made.json()["name"].startswith(f"{assistant.name}: release 1, Questions v1, ")
    plan = api.get(f"{V1}/experiments/{made.json()['id']}/plan/").json()
    keys = {one["key"] for one in plan["evaluators"]}
    others = set(PRESETS["retrieval"].available) - {"hit_rate"}
    assert keys == others | {"hit_rate@k=3", "token_f1"}
    assert api.post_json(f"{V1}/experiments/", body | {"preset": "odd"}).status_code == 400
    assert api.post_json(f"{V1}/experiments/", body | {"presets": "rag"}).status_code == 400
    nothing = {key: value for key, value in body.items() if key not in ("preset", "evaluators")}
    assert api.post_json(f"{V1}/experiments/", nothing).status_code == 400
    listed = {row["name"]: row for row in api.get(f"{V1}/evaluators/presets/").json()}
    assert listed["rag"]["label"] == "RAG basics"
    assert listed["retrieval"]["evaluators"] == list(PRESETS["retrieval"].available)
    known = {row["name"]: row for row in api.get(f"{V1}/evaluators/").json()}
    assert known["groundedness"]["label"] == "Backed by the sources (groundedness)"
    assert known["pii_rate"]["higher_is_better"] is False
