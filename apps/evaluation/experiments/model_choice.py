"""Choosing a model: first by hard facts, then by how it handles the team's own questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import RecipeChange, RecipeError
from apps.assistants.services import draft_release
from apps.datasets.models import DatasetVersion
from apps.evaluation.experiments.metrics import freeze_evaluators
from apps.evaluation.experiments.plans import Plan, PlanError, create_experiment
from apps.evaluation.models import Experiment
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.workspaces.services import Actor

EVALUATORS = ("token_f1", "groundedness", "citation_precision", "abstention_accuracy")


@dataclass(frozen=True, slots=True)
class ModelDemand:
    """Requirements for a model; None and empty mean no requirement.

    `min_context` in tokens, `max_size_b` in billions of parameters, `max_output_price` in US
    dollars for a million output tokens.
    """

    licence: str = ""
    must_be_private: bool = False
    min_context: int | None = None
    max_size_b: float | None = None
    max_output_price: float | None = None


@dataclass(frozen=True, slots=True)
class ModelCandidate:
    """A model, with the reasons that rule it out; without any, it can be compared."""

    endpoint: Endpoint
    reasons: list[str]


def list_candidates(workspace_id: UUID, demand: ModelDemand) -> list[ModelCandidate]:
    """The workspace's models, those that fit first."""
    candidates = [
        ModelCandidate(endpoint, find_reasons(endpoint, demand))
        for endpoint in list_endpoints(workspace_id)
    ]
    return sorted(candidates, key=lambda candidate: bool(candidate.reasons))


def find_reasons(endpoint: Endpoint, demand: ModelDemand) -> list[str]:
    """Why a model does not qualify, in plain words. An unknown property counts as not met."""
    reasons = []
    if demand.licence and demand.licence.lower() not in endpoint.licence.lower():
        reasons.append(f"Its licence is {endpoint.licence or 'not noted'}.")
    if demand.must_be_private and not endpoint.is_private:
        reasons.append("Questions leave your own servers.")
    if demand.min_context and endpoint.context_tokens < demand.min_context:
        reasons.append(f"It reads {endpoint.context_tokens:,} tokens.")
    if demand.max_size_b is not None:
        if endpoint.size_b is None:
            reasons.append("Its size is not noted.")
        elif endpoint.size_b > demand.max_size_b:
            reasons.append(f"It has {endpoint.size_b:g} billion parameters.")
    price, limit = float(endpoint.output_price), demand.max_output_price
    if limit is not None and price > limit:
        reasons.append(f"A million tokens cost ${endpoint.output_price:.2f}.")
    return reasons


@transaction.atomic
def compare_models(
    assistant: Assistant,
    endpoints: Sequence[Endpoint],
    *,
    with_reader: bool,
    version: DatasetVersion,
    actor: Actor,
) -> Experiment:
    """An experiment that runs the assistant's recipe with each model. Raises PlanError.

    Each model gets a candidate release that differs from the current one only in its model; the
    current release itself takes part unchanged.
    """
    releases: dict[UUID, Release] = {}
    for endpoint in endpoints:
        release = _release_with(assistant, endpoint, actor=actor)
        releases[release.pk] = release
    if with_reader:
        release = _release_with(assistant, None, actor=actor)
        releases[release.pk] = release
    if len(releases) < 2:
        raise PlanError("endpoints", "Choose at least two to compare.")
    plan = Plan(
        name="",
        dataset_version=version,
        releases=sorted(releases.values(), key=lambda release: release.number),
        evaluators=freeze_evaluators({"evaluator": name} for name in EVALUATORS),
    )
    return create_experiment(assistant, plan=plan, actor=actor)


def _release_with(assistant: Assistant, endpoint: Endpoint | None, *, actor: Actor) -> Release:
    name = endpoint.name if endpoint else "the built-in reader"
    change = RecipeChange(
        endpoint=endpoint, use_reader=endpoint is None, note=f"To compare models: {name}"[:300]
    )
    try:
        return draft_release(assistant, change=change, actor=actor)
    except RecipeError as error:
        raise PlanError("endpoints", f"With {name}: {error}") from error
