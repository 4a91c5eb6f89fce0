"""Score answers with Ragas where it needs no model; run in the environment of the peers.

Reads a list of {"question", "answer", "references", "retrieved", "retrieved_ids", "wanted",
"wanted_ids"} from standard input and prints {"version", "metrics": {name: [mean, seconds]}}.
Metrics of texts take one reference, so each is asked and the best counts.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Any

os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")
BY_REFERENCE = {"exact_match", "contains", "edit_similarity", "bleu", "rouge_l"}


def fill_gaps() -> None:
    """Modules that this release of Ragas imports and the LangChain beside it no longer has.

    They are clients of hosted models, which nothing here asks.
    """
    for name, attribute in (
        ("langchain_community.chat_models.vertexai", "ChatVertexAI"),
        ("langchain_community.llms.vertexai", "VertexAI"),
    ):
        try:
            import_module(name)
        except ImportError:
            module = ModuleType(name)
            setattr(module, attribute, type(attribute, (), {}))
            sys.modules[name] = module


def load_metrics() -> dict[str, Any]:
    """The metrics of Ragas that ask nobody, by the names of ours that measure the same."""
    from ragas.metrics import (
        BleuScore,
        ExactMatch,
        IDBasedContextPrecision,
        IDBasedContextRecall,
        NonLLMContextPrecisionWithReference,
        NonLLMContextRecall,
        NonLLMStringSimilarity,
        RougeScore,
        StringPresence,
    )

    return {
        "exact_match": ExactMatch(),
        "contains": StringPresence(),
        "edit_similarity": NonLLMStringSimilarity(),
        "bleu": BleuScore(),
        "rouge_l": RougeScore(),
        "context_recall": IDBasedContextRecall(),
        "documents_wanted": IDBasedContextPrecision(),
        "map": NonLLMContextPrecisionWithReference(),
        "passages_found": NonLLMContextRecall(),
    }


def make_samples(case: dict[str, Any], metric: str) -> Iterator[Any]:
    """What Ragas is shown of a case: once, or once for each reference."""
    from ragas import SingleTurnSample

    references = case["references"] if metric in BY_REFERENCE else case["references"][:1]
    for reference in references:
        yield SingleTurnSample(
            user_input=case["question"],
            response=case["answer"],
            reference=reference,
            retrieved_contexts=case["retrieved"],
            reference_contexts=case["wanted"],
            retrieved_context_ids=case["retrieved_ids"],
            reference_context_ids=case["wanted_ids"],
        )


async def measure(metric: Any, samples: list[list[Any]]) -> tuple[float, float]:
    """The mean over cases of the best sample of each, and the seconds that took."""
    started = time.perf_counter()
    best = [
        max([float(await metric.single_turn_ascore(sample)) for sample in group])
        for group in samples
    ]
    return sum(best) / len(best), time.perf_counter() - started


async def score(cases: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    return {
        name: await measure(metric, [list(make_samples(case, name)) for case in cases])
        for name, metric in load_metrics().items()
    }


def main() -> None:
    cases = json.load(sys.stdin)
    fill_gaps()
    found = asyncio.run(score(cases))
    print(json.dumps({"version": version("ragas"), "metrics": found}))


if __name__ == "__main__":
    main()
