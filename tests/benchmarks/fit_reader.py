"""Fit the built-in reader's weights on the half of the questions that is not held out.

    python -m tests.benchmarks.fit_reader MODELS_DIR

Prints the two tables to put into ``inference/reader.py``; run ``bench_reader`` afterwards.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.minilm.build import build_model
from inference.minilm.embedder import MiniLMEmbedder
from inference.reader import (
    ANSWER_WEIGHTS,
    EMBEDDED_CHARACTERS,
    MAX_EMBEDDED,
    RANK_WEIGHTS,
    summarise,
)
from inference.reader_features import (
    FEATURE_NAMES,
    Matrix,
    collect_candidates,
    describe,
    preselect,
    read_question,
)
from tests.benchmarks.reader_data import Item, holds_gold, load_items

EXTRA_SQUAD = 900
# How much each kind of question counts in the decision to answer.
KIND_WEIGHTS = {"squad": 1.0, "absent": 1.0, "clapnq": 0.8, "multihop": 0.4}

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """The features of a question's sentences, and which of them hold the answer."""

    item: Item
    features: Matrix
    holds: Numbers


def prepare(items: Sequence[Item], embedder: MiniLMEmbedder) -> list[Example]:
    """Embed every sentence once and describe every question's candidates."""
    plans = []
    places: dict[str, int] = {}
    for item in items:
        found = collect_candidates([(p.title, p.text) for p in item.passages])
        question = read_question(item.question, found)
        chosen = preselect(found, question, limit=MAX_EMBEDDED)
        plans.append((item, question, chosen))
        for text in (item.question, *(c.embed_text[:EMBEDDED_CHARACTERS] for c in chosen)):
            places.setdefault(text, len(places))
    vectors = embedder.encode(list(places))
    examples = []
    for item, question, chosen in plans:
        if not chosen:
            continue
        rows = vectors[[places[c.embed_text[:EMBEDDED_CHARACTERS]] for c in chosen]]
        target = vectors[places[item.question]]
        features = describe(question, chosen, vectors=rows, target=target)
        holds = [item.answerable and holds_gold(c.sentence.text, item) for c in chosen]
        examples.append(Example(item, features, np.array(holds, np.float64)))
    return examples


def fit_logistic(inputs: Numbers, labels: Numbers, weights: Numbers, *, ridge: float) -> Numbers:
    """Weighted logistic regression by Newton's method; the first column, the bias, is free."""
    penalty = np.eye(inputs.shape[1]) * ridge
    penalty[0, 0] = 1e-6
    solution = np.zeros(inputs.shape[1])
    for _ in range(30):
        predicted = 1 / (1 + np.exp(-inputs @ solution))
        gradient = inputs.T @ (weights * (labels - predicted)) - penalty @ solution
        spread = weights * predicted * (1 - predicted)
        hessian = (inputs.T * spread) @ inputs + penalty
        solution = solution + np.linalg.solve(hessian, gradient)
    return solution


def fit_ranking(examples: Sequence[Example]) -> Numbers:
    """Fit which sentence holds the answer; every question counts the same."""
    useful = [e for e in examples if e.holds.any()]
    columns = [FEATURE_NAMES.index(name) for name in RANK_WEIGHTS]
    return fit_logistic(
        np.concatenate([e.features for e in useful])[:, columns],
        np.concatenate([e.holds for e in useful]),
        np.concatenate([np.full(len(e.features), 10 / len(e.features)) for e in useful]),
        ridge=0.3,
    )


def fit_answering(examples: Sequence[Example], ranking: Numbers) -> Numbers:
    """Fit whether the best sentence answers; both outcomes weigh the same in all."""
    columns = [FEATURE_NAMES.index(name) for name in RANK_WEIGHTS]
    rows = []
    for example in examples:
        best = int(np.argmax(example.features[:, columns] @ ranking))
        summary = summarise(example.features, best)
        rows.append([summary[name] for name in ANSWER_WEIGHTS])
    labels = np.array([float(e.item.answerable) for e in examples])
    counts = Counter((e.item.kind, e.item.answerable) for e in examples)
    weights = np.array(
        [KIND_WEIGHTS[e.item.kind] / counts[e.item.kind, e.item.answerable] for e in examples]
    )
    for outcome in (0.0, 1.0):
        weights[labels == outcome] *= 1000 / weights[labels == outcome].sum()
    return fit_logistic(np.array(rows), labels, weights, ridge=0.5)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models_dir", type=Path, help="folder of the prepared model")
    options = parser.parse_args()
    items = [item for item in load_items(extra=EXTRA_SQUAD) if not item.held_out]
    build_model(options.models_dir)
    examples = prepare(items, MiniLMEmbedder.load(options.models_dir, workers=2))
    ranking = fit_ranking(examples)
    answering = fit_answering(examples, ranking)
    print("RANK_WEIGHTS", dict(zip(RANK_WEIGHTS, ranking.round(2).tolist(), strict=True)))
    print("ANSWER_WEIGHTS", dict(zip(ANSWER_WEIGHTS, answering.round(2).tolist(), strict=True)))


if __name__ == "__main__":
    main()
