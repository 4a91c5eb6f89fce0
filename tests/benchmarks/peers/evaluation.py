"""Score answers with Ragas where it needs no model; run in the environment of the peers.

Reads a list of {"question", "answer", "reference"} from standard input and prints a report.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")

NEED_A_MODEL = (
    "Ragas' faithfulness, answer relevancy, context precision and recall, and all of DeepEval's "
    "metrics of the kind, ask a model for every score. Without a model endpoint they cannot run, "
    "so groundedness and citations have no peer here."
)


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
    """The metrics of Ragas that compare texts by themselves."""
    fill_gaps()
    from ragas.metrics import ExactMatch, NonLLMStringSimilarity, StringPresence

    return {
        "exact match": ExactMatch(),
        "contains": StringPresence(),
        "edit similarity": NonLLMStringSimilarity(),
    }


async def score(cases: list[dict[str, str]]) -> list[str]:
    """One line for each metric: its mean, and the time it took."""
    fill_gaps()
    from ragas import SingleTurnSample

    samples = [
        SingleTurnSample(
            user_input=case["question"], response=case["answer"], reference=case["reference"]
        )
        for case in cases
    ]
    lines = []
    for name, metric in load_metrics().items():
        started = time.perf_counter()
        values = [float(await metric.single_turn_ascore(sample)) for sample in samples]
        seconds = time.perf_counter() - started
        mean = sum(values) / len(values)
        lines.append(f"  {name:16} {mean:.4f}  ({len(values) / seconds:,.0f} answers a second)")
    return lines


def main() -> None:
    cases = json.load(sys.stdin)
    try:
        print(f"Ragas {version('ragas')} on {len(cases)} answers:")
        print("\n".join(asyncio.run(score(cases))))
    except (ImportError, PackageNotFoundError) as error:
        print(f"Ragas is not installed: {error}")
    print(NEED_A_MODEL)


if __name__ == "__main__":
    main()
