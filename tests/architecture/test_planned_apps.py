"""The apps that are to come find what they need below them, without a new upward edge."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.architecture.test_imports import (
    ALLOWED,
    PLANNED,
    forbidden_imports,
    wrong_app_imports,
)

# What each planned app will need from below, as imports of today's names.
TOY_APPS = {
    "guardrails": [
        "from apps.core.jobs import enqueue",
        "from apps.gateway.models import Endpoint",
        "from apps.retrieval.search.pipeline import Retrieved",
        "from apps.traces.recorder import Recorder",
        "from apps.workspaces.models import WorkspaceModel",
        "from inference.sentences import split_sentences",
        "from measures.detectors.personal_data import find_personal_data",
        "from measures.detectors.support import estimate_support",
        "from measures.detectors.toxicity import find_attacks",
    ],
    "agents": [
        "from apps.assistants.answering.pipeline import Answering",
        "from apps.assistants.recipe import Recipe",
        "from apps.retrieval.search.pipeline import retrieve",
        "from apps.traces.recorder import Recorder",
    ],
    "finetuning": [
        "from apps.datasets.models import DatasetVersion",
        "from apps.evaluation.gates.rules import judge_release",
        "from apps.evaluation.review.arena import export_preferences",
        "from apps.feedback.models import Feedback",
        "from apps.gateway.models import Endpoint",
        "from measures.statistics import paired_bootstrap",
    ],
    "monitoring": [
        "from apps.chat.models import Message",
        "from apps.datasets.models import Example",
        "from apps.evaluation.models import Experiment",
        "from apps.feedback.models import Feedback",
        "from apps.retrieval.models import Index",
        "from apps.traces.models import Trace",
        "from measures.evaluators.registry import all_evaluators",
        "from measures.statistics import bootstrap_mean",
    ],
}
# Who stands above each of them, and imports it.
TOY_CALLERS = {
    "guardrails": ["assistants", "agents", "chat", "evaluation", "finetuning", "monitoring"],
    "agents": ["chat", "datasets", "evaluation", "finetuning", "monitoring"],
    "finetuning": ["monitoring"],
    "monitoring": [],
}


def plant_service(root: Path, name: str, source: str) -> None:
    """Write a module of a toy app, beside those that are there."""
    path = root / "apps" / name / "services.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source + "\n")


def test_every_planned_app_has_its_toy() -> None:
    assert set(TOY_APPS) == set(TOY_CALLERS) == PLANNED


@pytest.mark.parametrize("app", sorted(PLANNED))
def test_a_planned_app_gets_what_it_needs_from_below(tmp_path: Path, app: str) -> None:
    plant_service(tmp_path, app, "\n".join(TOY_APPS[app]))
    for caller in TOY_CALLERS[app]:
        plant_service(tmp_path, caller, f"from apps.{app}.services import anything")
    assert wrong_app_imports(tmp_path) == []
    assert forbidden_imports(tmp_path) == []
    for line in TOY_APPS[app]:
        module, _, name = line.removeprefix("from ").partition(" import ")
        assert hasattr(importlib.import_module(module), name), line


@pytest.mark.parametrize("app", sorted(PLANNED))
def test_nobody_below_a_planned_app_may_import_it(tmp_path: Path, app: str) -> None:
    below = ALLOWED[app]
    for other in below:
        plant_service(tmp_path, other, f"from apps.{app}.services import anything")
    assert len(wrong_app_imports(tmp_path)) == len(below) > 0
