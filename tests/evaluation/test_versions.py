"""Scores keep the version of the evaluator that gave them, and are not mixed with another's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.evaluation.experiments.metrics import read_metrics
from apps.evaluation.experiments.selectors import list_history
from apps.evaluation.experiments.summaries import refresh_summaries
from apps.evaluation.gates.rules import judge_release
from apps.evaluation.gates.services import add_rule
from apps.evaluation.models import Experiment
from apps.workspaces.services import Actor
from tests.evaluation.helpers import make_experiment
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
ClientFor = Callable[[Any], Client]
EVALUATORS = [{"evaluator": "context_precision"}]


def make_old(experiment: Experiment) -> None:
    """As an experiment was frozen before the evaluator was defined anew."""
    experiment.evaluators = [one | {"version": 1} for one in experiment.evaluators]
    experiment.save()


@pytest.fixture
def measured(finished: Experiment) -> list[Experiment]:
    """One experiment for the baseline and one for the other release, on the same examples."""
    runs = [
        make_experiment(
            finished.assistant, finished.dataset_version, [release], evaluators=EVALUATORS
        )
        for release in finished.releases.order_by("number")
    ]
    run_all()
    for run in runs:
        run.refresh_from_db()
        assert run.state == "done"
    return runs


def test_two_versions_are_not_compared(measured: list[Experiment]) -> None:
    before, after = measured
    metric = read_metrics(after.evaluators)[0]
    dataset_id = after.dataset_version.dataset_id
    [row] = [row for row in refresh_summaries(after) if row.metric == "context_precision"]
    # One of the three documents that release 1 found is wanted; release 2 found none.
    assert row.change == pytest.approx(-1 / 3)
    assert len(list_history(after.assistant, metric, dataset_id=dataset_id)) == 2
    make_old(before)
    [row] = [row for row in refresh_summaries(after) if row.metric == "context_precision"]
    assert (row.mean, row.change) == (0, None)
    assert len(list_history(after.assistant, metric, dataset_id=dataset_id)) == 1
    add_rule(
        after.assistant, metric=metric, kind="not_worse", statistic="mean", threshold=0.1,
        confidence=0.95, actor=Actor(),
    )  # fmt: skip
    [verdict] = judge_release(after.releases.get())
    assert "was never asked the same questions" in verdict.reason


def test_old_scores_are_labelled(
    measured: list[Experiment], owner: Any, api: Any, client_for: ClientFor
) -> None:
    run = measured[0]
    note = "version 1; it is 2 now"
    path = f"/w/acme/evaluate/experiments/{run.pk}/"
    assert note not in client_for(owner).get(path).content.decode()
    make_old(run)
    assert note in client_for(owner).get(path).content.decode()
    rows = api.get(f"/api/v1/experiments/{run.pk}/summary/").json()
    assert {row["version"] for row in rows if row["metric"] == "context_precision"} == {1}
