"""What a span of a trace says of the settings that a step ran with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.assistants.recipes.sampling import RANGES
from apps.gateway.models import Endpoint
from apps.retrieval.search.profiles import RetrievalProfile
from inference.types import Sampling

QUERY_FIELDS = ("rewrite", "decompose", "expand", "hyde")
ALWAYS = ("mode", "limit", "parents", "neighbours", "diversity", "recency", "rerank")


def tell_sampling(sampling: Sampling) -> dict[str, Any]:
    """What is set, under OpenTelemetry's names."""
    told = {f"gen_ai.request.{name}": getattr(sampling, name) for name in RANGES}
    if sampling.stop:
        told["gen_ai.request.stop_sequences"] = list(sampling.stop)
    return {name: value for name, value in told.items() if value is not None}


def tell_query_steps(
    profile: RetrievalProfile, endpoints: Mapping[str, Endpoint]
) -> dict[str, Any]:
    """How the question was prepared, and by which model where it is not the assistant's."""
    told: dict[str, Any] = {f"query.{name}": getattr(profile, name) for name in QUERY_FIELDS}
    for name in QUERY_FIELDS:
        if endpoint := endpoints.get(f"{name}_endpoint"):
            told[f"query.{name}.model"] = _name(endpoint)
    return told


def tell_search(profile: RetrievalProfile, endpoints: Mapping[str, Endpoint]) -> dict[str, Any]:
    """How passages were searched and put in order; without what had no part in it."""
    told: dict[str, Any] = {f"retrieval.{name}": getattr(profile, name) for name in ALWAYS}
    told["retrieval.candidates"] = profile.num_candidates
    if profile.mode == "hybrid":
        weight = profile.vector_weight
        told["retrieval.fusion"] = profile.fusion
        told["retrieval.vector_weight"] = "by the question" if weight is None else weight
    if profile.filters:
        told["retrieval.filters"] = profile.filters
    if profile.recency:
        told["retrieval.half_life_days"] = profile.half_life_days
    if profile.rerank != "none":
        told["retrieval.rerank_depth"] = profile.rerank_depth
    if endpoint := endpoints.get("rerank_endpoint"):
        told["retrieval.rerank.model"] = _name(endpoint)
    return told


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.model} ({endpoint.name})"
