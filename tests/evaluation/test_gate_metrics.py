"""A gate's metric is the one that was asked for, with its settings, wherever it is named."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.assistants.models import Assistant
from apps.core.options import OptionError
from apps.evaluation.experiments.metrics import freeze_evaluators, parse_key, read_metrics
from apps.evaluation.gates.metric_lookup import resolve_metric
from apps.evaluation.gates.rules import judge_release, name_rule
from apps.evaluation.gates.services import add_rule
from apps.evaluation.models import Experiment, GateRule
from apps.workspaces.services import Actor
from tests.evaluation.helpers import (
    current_release,
    make_assistant,
    make_experiment,
    make_version,
)
from tests.workers.helpers import run_all

ClientFor = Callable[[Any], Client]
AT_THREE = "context_recall@k=3"


@pytest.mark.parametrize(
    ("evaluator", "chosen"),
    [
        ("context_recall", {}),
        ("context_recall", {"k": 3}),
        ("context_recall", {"k": 3, "unit": "passage"}),
        ("groundedness", {"threshold": 0.75}),
        ("groundedness", {"threshold": 1}),
        ("regex", {"pattern": r"^a{1,3}, k=3$", "whole": True}),
        ("length", {"least": 5}),
        ("json_schema", {"schema": {"type": "object", "required": ["a", "b"]}}),
    ],
)
def test_a_key_is_read_back_as_it_was_made(evaluator: str, chosen: dict[str, Any]) -> None:
    [frozen] = freeze_evaluators([{"evaluator": evaluator, "settings": chosen}])
    metric = parse_key(frozen["key"])
    assert metric == read_metrics([frozen])[0]
    assert {name: metric.settings[name] for name in chosen} == chosen


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("nonsense", "no evaluator called 'nonsense'"),
        ("nonsense@k=3", "no evaluator called 'nonsense'"),
        ("context_recall@depth=3", "no setting 'depth'"),
        ("context_recall@k", "no setting 'k'"),
        ("context_recall@", "no setting ''"),
        ("token_f1@k=3", "no setting 'k'"),
        ("context_recall@k=three", "(k): 'three' cannot be read"),
        ("context_recall@k=0", "must be at least 1"),
        ("context_recall@k=3,k=5", "k is set twice"),
        ("context_recall@unit=word", "must be one of document, passage"),
        (f"custom_python@about={'x' * 34}#0123456789ab", "too long to be read"),
    ],
)
def test_what_a_key_does_not_name_is_said(key: str, words: str) -> None:
    with pytest.raises(OptionError) as refused:
        parse_key(key)
    assert words in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_rest_and_page_hold_a_release_against_the_metric_that_was_named(
    workspace: Any, api: Any, owner: Any, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace)
    rest = f"/api/v1/assistants/{assistant.pk}/gates/"
    rule = {"metric": AT_THREE, "kind": "at_least", "threshold": 0.9}
    made = api.post_json(rest, rule)
    assert (made.status_code, made.json()["metric"]) == (201, AT_THREE)
    page = f"/w/{workspace.slug}/assistants/{assistant.slug}/gates/"
    form = rule | {"threshold": "90", "statistic": "mean", "confidence": "0.95"}
    assert client_for(owner).post(page, form).status_code == 302
    assert [row.metric for row in GateRule.objects.all()] == [AT_THREE, AT_THREE]
    assert name_rule(GateRule.objects.all()[0]) == (
        "Wanted passages that are found (context recall@k; k 3) at least 90.0 %"
    )

    other_order = rule | {"metric": "context_recall@unit=passage,k=3"}
    assert api.post_json(rest, other_order).json()["metric"] == "context_recall@k=3,unit=passage"
    its_own = rule | {"metric": "context_recall@k=10"}
    assert api.post_json(rest, its_own).json()["metric"] == "context_recall"

    wrong = api.post_json(rest, rule | {"metric": "context_recall@depth=3"})
    assert (wrong.status_code, "depth" in wrong.content.decode()) == (400, True)
    wrong_form = client_for(owner).post(page, form | {"metric": "context_recall@depth=3"})
    assert (wrong_form.status_code, "depth" in wrong_form.content.decode()) == (422, True)


@pytest.mark.django_db(transaction=True)
def test_what_was_measured_with_long_settings_is_found_by_its_key(workspace: Any) -> None:
    """The key holds a digest only, so that the plan that froze it must be asked."""
    assistant = make_assistant(workspace)
    evaluators = [{"evaluator": "regex", "settings": {"pattern": "annual leave|" * 10}}]
    version = make_version(workspace)
    made = make_experiment(assistant, version, [current_release(assistant)], evaluators=evaluators)
    key = made.evaluators[0]["key"]
    assert "#" in key
    assert resolve_metric(assistant, key).settings["pattern"] == "annual leave|" * 10

    rule = make_rule(assistant, key)
    made.delete()
    with pytest.raises(OptionError):
        resolve_metric(assistant, key)
    assert name_rule(rule) == f"{key.capitalize()} at least 50.0 %", "not as any other pattern"


@pytest.mark.django_db(transaction=True)
def test_the_command_measures_what_the_rules_are_about(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    make_version(workspace)
    for key in (AT_THREE, "context_recall", AT_THREE, "latency"):
        make_rule(assistant, key, kind="at_most" if key == "latency" else "at_least")
    arguments = [workspace.slug, assistant.slug, "--release", "1", "--dataset", "Questions"]
    with pytest.raises(CommandError, match="took too long"):
        call_command("run_gate", *arguments, "--timeout=-1", stdout=StringIO())
    measured = Experiment.objects.get()
    assert [one["key"] for one in measured.evaluators] == [AT_THREE, "context_recall"]
    run_all()
    reasons = [verdict.reason for verdict in judge_release(current_release(assistant))]
    assert not any("No finished experiment" in reason for reason in reasons)


def make_rule(assistant: Assistant, key: str, *, kind: str = "at_least") -> GateRule:
    return add_rule(
        assistant, metric=resolve_metric(assistant, key), kind=kind, statistic="mean",
        threshold=0.5, confidence=0.95, actor=Actor(),
    )  # fmt: skip
