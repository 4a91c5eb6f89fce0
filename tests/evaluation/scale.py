"""An experiment with very many scores, written straight into the tables."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone

from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import create_assistant, draft_release
from apps.datasets.models import DatasetVersion, Example
from apps.datasets.services import create_dataset
from apps.evaluation.experiments.metrics import freeze_evaluators
from apps.evaluation.experiments.summaries import refresh_summaries
from apps.evaluation.models import Experiment, ExperimentState
from apps.workspaces.services import Actor

EVALUATORS = (
    "token_f1", "exact_match", "contains", "fuzzy_match", "edit_similarity", "bleu", "rouge_1",
    "rouge_2", "rouge_l", "hit_rate",
)  # fmt: skip

ITEMS = """
INSERT INTO evaluation_experimentitem (id, workspace_id, experiment_id, release_id, example_id,
    repetition, position, state, attempts, error, answer, is_declined, turns, duration_ms,
    first_token_ms, input_tokens, output_tokens, cost, finished_at)
SELECT gen_random_uuid(), %(workspace)s, %(experiment)s, release.id, e.id, 1, e.position, 'done', 1,
    '', 'Answer ' || e.position || '.', false, '[]', 100 + e.position %% 50, 20, 100, 20, 0.0001,
    now()
FROM datasets_example e CROSS JOIN unnest(%(releases)s::uuid[]) AS release (id)
WHERE e.version_id = %(version)s
"""
SCORES = """
INSERT INTO evaluation_score
    (workspace_id, experiment_id, item_id, metric, turn, value, label, reason)
SELECT %(workspace)s, %(experiment)s, i.id, metric.key, 0,
    ((hashtext(i.id::text || metric.key) & 1023) / 1023.0), '', ''
FROM evaluation_experimentitem i CROSS JOIN unnest(%(metrics)s::text[]) AS metric (key)
WHERE i.experiment_id = %(experiment)s
"""


def make_large_experiment(workspace: Any, *, scores: int) -> Experiment:
    """A finished experiment on two releases with ten evaluators and so many scores in all."""
    assistant = create_assistant(workspace, name="Large", collections=[], actor=Actor())
    draft_release(assistant, change=RecipeChange(retrieval={"limit": 3}), actor=Actor())
    releases = list(assistant.releases.order_by("number"))
    dataset = create_dataset(workspace, name="Large", actor=Actor())
    examples = scores // (len(EVALUATORS) * len(releases))
    version = DatasetVersion.objects.create(
        workspace=workspace, dataset=dataset, number=1, num_examples=examples,
        frozen_at=timezone.now(),
    )  # fmt: skip
    frozen = freeze_evaluators({"evaluator": name} for name in EVALUATORS)
    experiment = Experiment.objects.create(
        workspace=workspace, assistant=assistant, dataset_version=version, evaluators=frozen,
        baseline=releases[0], name="Large", state=ExperimentState.DONE,
        total=examples * 2, done=examples * 2,
    )  # fmt: skip
    experiment.releases.set(releases)
    Example.objects.bulk_create(
        (
            Example(
                workspace=workspace,
                version=version,
                position=number,
                question=f"Question number {number}?",
                expected_answer=f"Answer {number}",
                tags=[f"part {number % 5}"],
                language="en",
            )
            for number in range(1, examples + 1)
        ),
        batch_size=2_000,
    )
    values = {
        "workspace": workspace.pk, "version": version.pk,
        "experiment": experiment.pk, "releases": [release.pk for release in releases],
        "metrics": [metric["key"] for metric in frozen],
    }  # fmt: skip
    with connection.cursor() as cursor:
        for sql in (ITEMS, SCORES):
            cursor.execute(sql, values)
        for table in ("datasets_example", "evaluation_experimentitem", "evaluation_score"):
            cursor.execute(f"ANALYZE {table}")
    refresh_summaries(experiment)
    return experiment
