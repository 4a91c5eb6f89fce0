"""What an example holds for single evaluators, from the example to the score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import override_settings

from apps.datasets.examples import ExampleError, clean_fields
from apps.datasets.models import Example
from apps.datasets.services import create_dataset
from apps.datasets.transfer.export import write_json_lines
from apps.datasets.transfer.importing import import_file
from apps.evaluation.experiments.observing import mark_citations
from apps.evaluation.experiments.plans import PlanError
from apps.evaluation.experiments.summaries import refresh_summaries
from apps.evaluation.models import Score
from apps.workspaces.services import Actor
from inference.stub_server import StubServer, serve_in_thread
from tests.evaluation.helpers import (
    AT_ONCE,
    LEAVE,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
)
from tests.workers.helpers import run_all

CODE = "```python\ndef double(x):\n    return x * 2\n```"
LIST = "* one\n* two\n\nMy answer is no."
EVALUATORS = ("python_tests", "instructions", "multiple_choice")
CASES: list[dict[str, Any]] = [
    {"question": f"{LEAVE} [[reply:{CODE}]]", "checks": {"tests": "assert double(2) == 4"}},
    {
        "question": f"{LEAVE} [[reply:{LIST}]]",
        "checks": {
            "instructions": [
                {"kind": "detectable_format:number_bullet_lists", "num_bullets": 2},
                {"kind": "detectable_format:title"},
            ]
        },
    },
    {
        "question": f"{LEAVE} [[reply:The answer is B.]]",
        "expected_answer": "25 days",
        "checks": {"choices": ["20 days", "25 days"]},
    },
]


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(AT_ONCE) as server, override_settings(ALLOW_PRIVATE_ENDPOINTS=True):
        yield server


@pytest.mark.django_db(transaction=True)
def test_checks_reach_their_evaluators_and_answers_keep_their_form(
    workspace: Any, stub: StubServer
) -> None:
    assistant = make_assistant(workspace, stub=stub)
    evaluators = [{"evaluator": name} for name in EVALUATORS]
    version = make_version(workspace, CASES)
    make_experiment(assistant, version, [current_release(assistant)], evaluators=evaluators)
    run_all()
    found = {
        (score.item.example.position, score.metric): score.value
        for score in Score.objects.select_related("item__example")
        if score.metric in EVALUATORS
    }
    assert found == {
        (1, "python_tests"): 1.0,
        (2, "instructions"): 0.5,
        (3, "multiple_choice"): 1.0,
    }


@pytest.mark.django_db(transaction=True)
def test_repetitions_are_the_tries_of_pass_at_k(workspace: Any, stub: StubServer) -> None:
    assistant = make_assistant(workspace, stub=stub)
    release, version = current_release(assistant), make_version(workspace, CASES[:1])
    evaluators = [{"evaluator": "python_tests", "settings": {"k": 2}}]
    with pytest.raises(PlanError, match="ask each question 2 times"):
        make_experiment(assistant, version, [release], evaluators=evaluators)
    made = make_experiment(assistant, version, [release], evaluators=evaluators, repeats=3)
    run_all()
    scores = list(made.scores.filter(metric="python_tests@k=2"))
    assert [score.value for score in scores] == [1.0, 1.0, 1.0]
    # One of three passes: 1 - C(2, 2) / C(3, 2) = 2/3, where the mean would be 1/3.
    made.scores.filter(pk__in=[score.pk for score in scores[1:]]).update(value=0)
    sums = {row.metric: row for row in refresh_summaries(made)}
    assert sums["python_tests@k=2"].mean == pytest.approx(2 / 3)
    assert sums["python_tests@k=2"].count == 3


@pytest.mark.parametrize(
    "checks",
    [[1], {"nonsense": 1}, {"choices": "a"}, {"tests": ["x"]}, {"tests": "\0"}, {"tests": "\ud800"},
     {"schema": {"const": float("nan")}}, {"tests": "x" * 50_000}],
)  # fmt: skip
def test_checks_that_cannot_be(checks: Any) -> None:
    with pytest.raises(ExampleError) as raised:
        clean_fields({"question": "q", "checks": checks})
    assert raised.value.field == "checks"


def test_checks_keep_what_people_write() -> None:
    checks = {"choices": ["Zürich", "😀"], "pattern": r"\d+"}
    assert clean_fields({"question": "q", "checks": checks}).checks == checks


def test_checks_go_out_and_come_in_with_files(workspace: Any, owner: Any) -> None:
    first = make_version(workspace, CASES, name="First")
    data = b"".join(write_json_lines(first.examples.order_by("position")))
    assert orjson.loads(data.splitlines()[2])["checks"] == CASES[2]["checks"]
    second = create_dataset(workspace, name="Second", actor=Actor())
    import_file(second, data=data, filename="first.jsonl", actor=Actor())
    copied = Example.objects.filter(version__dataset=second).order_by("position")
    assert [example.checks for example in copied] == [case["checks"] for case in CASES]
    table = b'question,checks\nWhich?,"{""choices"": [""a"", ""b""]}"\n'
    import_file(second, data=table, filename="table.csv", actor=Actor())
    assert Example.objects.get(question="Which?").checks == {"choices": ["a", "b"]}
    wrong = import_file(second, data=b"question,checks\nWhy?,nonsense\n", filename="x.csv",
                        actor=Actor())  # fmt: skip
    assert wrong.errors[0].message == "The value of checks is not JSON."


def test_an_answer_keeps_its_lines_when_its_markers_go() -> None:
    text, marks = mark_citations("- The fee is 5 dollars [4].\n- It  opens at 9 [4][7]", [4, 7])
    assert text == "- The fee is 5 dollars.\n- It  opens at 9"
    assert [(text[mark.start : mark.end], mark.passage) for mark in marks] == [
        ("- The fee is 5 dollars.", 0),
        ("- It  opens at 9", 0),
        ("- It  opens at 9", 1),
    ]
