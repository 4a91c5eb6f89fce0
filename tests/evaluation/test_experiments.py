"""Experiments from plan to sums: run by the worker's own code, in the test's thread."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.models import Job, JobKind, JobState
from apps.documents.services import delete_document
from apps.evaluation.experiments.plans import PlanError, cancel_experiment, resume_experiment
from apps.evaluation.models import ExperimentItem, ExperimentState, ItemState, Score, Summary
from apps.traces.models import Trace
from apps.workspaces.services import Actor
from tests.evaluation.helpers import (
    CASES,
    DOGS,
    LEAVE,
    NOWHERE,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
    make_worse_release,
)
from tests.workers.helpers import run_all
from workers.claims import claim_due
from workers.pipelines import experiment as pipeline

# Answers are made by threads of their own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


class Killed(Exception):
    """What a test raises in the place of a kill -9."""


def test_every_example_is_answered_once_by_every_release(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    good, bad = current_release(assistant), make_worse_release(assistant)
    experiment = make_experiment(assistant, make_version(workspace), [good, bad], repeats=2)
    assert experiment.total == len(CASES) * 2 * 2
    run_all()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.done, experiment.failed) == ("done", 16, 0)
    assert experiment.items.filter(state=ItemState.DONE).count() == 16
    assert experiment.baseline == good
    answered = experiment.items.get(release=good, example__question=LEAVE, repetition=2)
    assert "25 days of annual leave" in answered.answer
    assert not answered.is_declined
    [passage] = answered.passages.filter(is_cited=True)
    assert passage.document.name == "leave.md"
    assert answered.trace is not None
    assert answered.trace.subject_id == answered.pk
    assert answered.trace.release_id == good.pk
    assert [s.name for s in answered.trace.spans.order_by("position")][:2] == ["rewrite", "search"]
    lost = experiment.items.get(release=bad, example__question=LEAVE, repetition=1)
    assert lost.is_declined


def test_the_sums_say_how_the_releases_compare(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    good, bad = current_release(assistant), make_worse_release(assistant)
    experiment = make_experiment(assistant, make_version(workspace), [good, bad])
    run_all()
    best = Summary.objects.get(experiment=experiment, release=good, metric="exact_match")
    worst = Summary.objects.get(experiment=experiment, release=bad, metric="exact_match")
    # The reader repeats the three sentences that answer, word for word, and declines the fourth
    # question; without documents only declining is right.
    values = dict(
        Score.objects.filter(
            experiment=experiment, item__release=good, metric="exact_match"
        ).values_list("item__example__question", "value")
    )
    assert values[DOGS] == 1
    assert (best.mean, worst.mean) == (1.0, 0.25)
    assert (worst.better, worst.worse, worst.same) == (0, 3, 1)
    assert worst.change == -0.75
    assert best.better is None
    latency = Summary.objects.get(experiment=experiment, release=good, metric="latency")
    assert latency.count == 4
    assert latency.p95 is not None
    assert latency.p95 > 0
    assert NOWHERE in values


def test_a_worker_that_was_killed_leaves_nothing_twice(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run dies after the first answers are stored; the second does only the rest."""
    assistant = make_assistant(workspace)
    release = current_release(assistant)
    experiment = make_experiment(assistant, make_version(workspace), [release], parallel=1)
    asked: list[int] = []
    store = pipeline.Run._store

    async def store_and_die(run: Any, answered: Any) -> None:
        await store(run, answered)
        asked.append(len(answered))
        raise Killed

    monkeypatch.setattr(pipeline.Run, "_store", store_and_die)
    monkeypatch.setattr(pipeline, "BATCH", 1)
    [job] = claim_due(JobKind.RUN_EXPERIMENT)
    with pytest.raises(Killed):
        pipeline.run_experiment(job)
    assert asked == [1]
    assert experiment.items.filter(state=ItemState.ANSWERED).count() == 1
    monkeypatch.setattr(pipeline.Run, "_store", store)
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
    run_all()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.done) == ("done", 4)
    assert ExperimentItem.objects.filter(state=ItemState.DONE).count() == 4
    assert Trace.objects.filter(subject_type="experiment_item").count() == 4
    assert Score.objects.filter(experiment=experiment, metric="token_f1").count() == 4


def test_an_error_of_ours_ends_the_experiment_with_the_job(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = make_assistant(workspace)
    experiment = make_experiment(assistant, make_version(workspace), [current_release(assistant)])

    def break_down(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(pipeline, "_load_recipes", break_down)
    run_all()
    job = Job.objects.get(kind=JobKind.RUN_EXPERIMENT)
    experiment.refresh_from_db()
    assert (job.state, experiment.state) == (JobState.FAILED, ExperimentState.FAILED)
    assert job.reason == experiment.reason
    assert str(job.pk) in experiment.reason


def test_a_sample_is_the_same_for_the_same_seed(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    version = make_version(workspace)
    release = current_release(assistant)

    def sample(seed: int) -> set[Any]:
        made = make_experiment(assistant, version, [release], sample_size=2, sample_seed=seed)
        assert made.total == 2
        return set(made.items.values_list("example_id", flat=True))

    assert sample(7) == sample(7)
    assert len({frozenset(sample(seed)) for seed in range(6)}) > 1


def test_it_can_be_stopped_and_goes_on(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    experiment = make_experiment(assistant, make_version(workspace), [current_release(assistant)])
    assert cancel_experiment(experiment, actor=Actor())
    assert not cancel_experiment(experiment, actor=Actor())
    run_all()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.done) == (ExperimentState.CANCELLED, 0)
    assert resume_experiment(experiment, actor=Actor())
    run_all()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.done) == (ExperimentState.DONE, 4)
    assert not resume_experiment(experiment, actor=Actor())


def test_conversations_are_asked_turn_by_turn(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    case = {
        "question": "And on which day are dogs welcome?",
        "expected_answer": "Dogs are welcome in the office on Fridays.",
        "history": [{"question": LEAVE, "answer": "Employees get 25 days of annual leave a year."}],
    }
    version = make_version(workspace, [case])
    names = ("token_f1", "groundedness", "citation_precision", "answer_recall", "context_recall")
    experiment = make_experiment(
        assistant, version, [current_release(assistant)], with_turns=True,
        evaluators=[{"evaluator": name} for name in names],
    )  # fmt: skip
    run_all()
    item = experiment.items.get()
    assert [turn["question"] for turn in item.turns] == [LEAVE]
    assert "25 days" in item.turns[0]["answer"]
    scores = dict(item.scores.filter(metric="token_f1").values_list("turn", "value"))
    assert set(scores) == {0, 1}
    assert scores[1] == 1.0
    # Retrieval and grounding of the earlier turn are measured on the passages that it had.
    assert item.turns[0]["is_declined"] is False
    cited = item.passages.get(turn=1, is_cited=True)
    assert cited.document.name == "leave.md"
    assert item.passages.filter(turn=0).exists()
    turn = dict(item.scores.filter(turn=1).values_list("metric", "value"))
    assert turn == dict.fromkeys(names[:4], 1.0)
    # What the earlier turn quotes goes with its document.
    delete_document(cited.document, actor=Actor())
    run_all()
    item.refresh_from_db()
    assert (item.state, item.turns) == (ItemState.WITHDRAWN, [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"repeats": 0}, "repeats"),
        ({"parallel": 99}, "parallel"),
        ({"releases": []}, "releases"),
        ({"evaluators": []}, "evaluators"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    workspace: Any, changes: dict[str, Any], field: str
) -> None:
    assistant = make_assistant(workspace)
    version = make_version(workspace)
    releases = changes.pop("releases", [current_release(assistant)])
    with pytest.raises(PlanError) as refused:
        make_experiment(assistant, version, releases, **changes)
    assert refused.value.field == field


def test_answers_that_quote_a_deleted_document_are_withdrawn(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    case = [{"question": LEAVE, "expected_answer": "25 days"}]
    experiment = make_experiment(
        assistant, make_version(workspace, case), [current_release(assistant)]
    )
    run_all()
    item = experiment.items.get()
    document = item.passages.get(is_cited=True).document
    delete_document(document, actor=Actor())
    run_all()
    item.refresh_from_db()
    assert (item.state, item.answer) == (ItemState.WITHDRAWN, "")
    assert not item.passages.filter(document_id=document.pk).exists()
    assert item.scores.filter(metric="token_f1").exists()
