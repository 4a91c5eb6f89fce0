"""Datasets and experiments for tests, made through the services that the product itself uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import draft_release
from apps.datasets.examples import ExampleFields, clean_fields
from apps.datasets.models import DatasetVersion
from apps.datasets.services import ExampleSource, add_examples, create_dataset, freeze
from apps.evaluation.experiments.metrics import freeze_evaluators
from apps.evaluation.experiments.plans import Plan, create_experiment
from apps.evaluation.models import Experiment
from apps.workspaces.services import Actor
from inference.stub_answers import StubConfig
from tests.factories import make_answering_assistant

TEXTS = {
    "leave.md": "# Leave\n\nEmployees get 25 days of annual leave a year.",
    "travel.md": "# Travel\n\nTrains are preferred for journeys of up to six hours.",
    "pets.md": "# Pets\n\nDogs are welcome in the office on Fridays.",
}
LEAVE = "How many days of annual leave do employees get?"
TRAINS = "What is preferred for journeys of up to six hours?"
DOGS = "On which day are dogs welcome in the office?"
NOWHERE = "Who wrote the opera about the flying Dutchman?"
CASES: list[dict[str, Any]] = [
    {"question": LEAVE, "expected_answer": "Employees get 25 days of annual leave a year.",
     "expected_passages": [{"document_name": "leave.md", "text": "25 days"}], "tags": ["hr"]},
    {"question": TRAINS,
     "expected_answer": "Trains are preferred for journeys of up to six hours."},
    {"question": DOGS, "expected_answer": "Dogs are welcome in the office on Fridays.",
     "tags": ["hr"]},
    {"question": NOWHERE, "is_answerable": False, "tags": ["nowhere"]},
]  # fmt: skip
AT_ONCE = StubConfig(first_token_ms=0, token_ms=0)
"""A stub server that need not be waited for."""
EVALUATORS = [{"evaluator": "token_f1"}, {"evaluator": "exact_match"}]


def make_version(
    workspace: Any, cases: Sequence[dict[str, Any]] = CASES, *, name: str = "Questions"
) -> DatasetVersion:
    """A frozen version with these examples."""
    dataset = create_dataset(workspace, name=name, actor=Actor())
    fields: list[ExampleFields] = [clean_fields(case) for case in cases]
    add_examples(dataset, rows=[(one, ExampleSource()) for one in fields], actor=Actor())
    return freeze(dataset, actor=Actor())


def make_assistant(workspace: Any, *, stub: Any = None) -> Assistant:
    """Over TEXTS, with the built-in reader or the stub's model."""
    made: Assistant = make_answering_assistant(workspace, TEXTS, stub=stub)
    return made


def make_worse_release(assistant: Assistant) -> Release:
    """One that has no documents to answer from."""
    return draft_release(assistant, change=RecipeChange(collections=[]), actor=Actor())


def current_release(assistant: Assistant) -> Release:
    assert assistant.current is not None
    return assistant.current


def make_experiment(
    assistant: Assistant,
    version: DatasetVersion,
    releases: Sequence[Release],
    *,
    evaluators: Sequence[dict[str, Any]] = EVALUATORS,
    **fields: Any,
) -> Experiment:
    """An experiment that waits for a worker."""
    plan = Plan(
        name="Check",
        dataset_version=version,
        releases=releases,
        evaluators=freeze_evaluators(evaluators),
        **fields,
    )
    return create_experiment(assistant, plan=plan, actor=Actor())
