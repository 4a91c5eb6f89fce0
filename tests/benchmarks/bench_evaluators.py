"""Evaluators against labels that people gave.

    python -m tests.benchmarks.bench_evaluators [--base-url URL --model NAME [--api-key KEY]]
                                                [--limit N] [--repeat N] [--fit]

* groundedness on WiCE's claims: area under the ROC curve, beside plain word overlap, with
  intervals and cross-validated; ``--fit`` prints the weights that ``support.py`` has;
* personal data on Presidio's synthetic sentences, for the kinds that are looked for;
* a judge on LLMBar's pairs: any endpoint that is given, else a stub server whose model always says
  that the first answer is better, and a simulated judge that leans to the first. Position swap
  must take the order out of both.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.http_session import get_session
from inference.minilm.build import build_model
from inference.minilm.embedder import MiniLMEmbedder
from inference.openai.client import OpenAIClient
from inference.protocols import ChatModel
from inference.stub_answers import StubConfig
from inference.stub_server import serve_in_thread
from inference.types import ChatDelta, ChatMessage, Sampling
from measures.agreement import TrustBar, find_doubts, measure_agreement
from measures.detectors.personal_data import find_personal_data
from measures.detectors.support import Support, estimate_support, read_evidence
from measures.evaluators.instructions import check_instruction
from measures.judging.verdicts import PairVerdict, VerdictError, compare_answers
from measures.statistics import RESAMPLES, SEED, Interval, auroc, wilson_interval

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
MODELS = ROOT / "data" / "models"
GOAL_AUROC = 0.76
PARALLEL = 16
FOLDS, ROUNDS = 5, 10
# How far the order may move the accuracy of a swapped judge: not at all.
GOAL_GAP = 1e-9
PII_KINDS = {
    "email": "EMAIL_ADDRESS", "card": "CREDIT_CARD", "iban": "IBAN_CODE", "us_ssn": "US_SSN",
    "ip": "IP_ADDRESS", "phone": "PHONE_NUMBER",
}  # fmt: skip


def load(name: str) -> list[dict[str, Any]]:
    """The items of a data set; none when it is absent."""
    path = DATA / name / "items.jsonl"
    if not path.exists():
        print(f"{name}: {path} is absent, skipped")
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Groundedness


def overlap(claim: str, evidence: str) -> float:
    """Which share of the claim's distinct words the evidence holds: the plain measure."""
    words, held = (set(re.findall(r"\w+", text.lower())) for text in (claim, evidence))
    return len(words & held) / len(words)


def measure_support(items: Sequence[dict[str, Any]], embedder: MiniLMEmbedder) -> list[Support]:
    return [
        estimate_support(
            [item["claim"]], read_evidence(["\n".join(item["evidence_sentences"])]),
            embedder=embedder,
        )[0]
        for item in items
    ]  # fmt: skip


def cross_validate(
    features: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], groups: Sequence[str]
) -> tuple[float, float]:
    """Mean and spread of the AUROC when the weights never saw the article of a claim."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    found = []
    for seed in range(ROUNDS):
        scores = np.zeros(len(labels))
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        for train, test in folds.split(features, labels, groups):
            model = LogisticRegression(C=1e3, max_iter=1_000).fit(features[train], labels[train])
            scores[test] = model.decision_function(features[test])
        found.append(auroc(labels.tolist(), scores) or 0.0)
    return float(np.mean(found)), float(np.std(found))


def bootstrap_auroc(labels: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]) -> Interval | None:
    """AUROC with a percentile bootstrap in which each class keeps its size."""
    value = auroc(labels.tolist(), scores)
    if value is None:
        return None
    positives, negatives = scores[labels], scores[~labels]
    wins = (positives[:, None] > negatives).astype(np.float64)
    wins += (positives[:, None] == negatives) / 2
    generator = np.random.default_rng(SEED)
    found = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        rows = np.bincount(generator.integers(0, positives.size, positives.size))
        columns = np.bincount(generator.integers(0, negatives.size, negatives.size))
        found[index] = rows @ wins[: rows.size, : columns.size] @ columns
    low, high = np.quantile(found / wins.size, [0.025, 0.975])
    return Interval(value, float(low), float(high), int(labels.size))


def bench_groundedness(*, fit: bool) -> bool:
    items = load("wice-pub")
    if not items:
        return True
    build_model(MODELS)
    supports = measure_support(items, MiniLMEmbedder.load(MODELS, workers=2))
    labels = np.array([item["supported"] for item in items])
    plain = [overlap(item["claim"], " ".join(item["evidence_sentences"])) for item in items]
    print(f"\nwice-pub: {len(items)} claims, {int(labels.sum())} fully supported. AUROC [95 %]")
    value = 0.0
    for name, scores in (
        ("word overlap", plain),
        ("groundedness", [support.probability for support in supports]),
    ):
        interval = bootstrap_auroc(labels, np.asarray(scores))
        assert interval is not None
        value = interval.estimate
        print(f"  {name:22} {value:.3f} [{interval.low:.3f}, {interval.high:.3f}]")
    features = np.array([[s.coverage, s.numbers, s.likeness] for s in supports])
    groups = [item["claim_title"] for item in items]
    mean, spread = cross_validate(features, labels, groups)
    folds = f"{ROUNDS} × {FOLDS} folds by article"
    print(f"  {'cross-validated':22} {mean:.3f} ± {spread:.3f} ({folds})")
    verdicts = np.array([support.is_supported for support in supports])
    print(f"  right at .5            {float(np.mean(verdicts == labels)):.1%}")
    if fit:
        print_weights(features, labels)
    return min(value, mean) >= GOAL_AUROC


def print_weights(features: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
    from sklearn.linear_model import LogisticRegression

    for names in (("coverage", "numbers", "likeness"), ("coverage", "numbers")):
        model = LogisticRegression(C=1e3, max_iter=1_000).fit(features[:, : len(names)], labels)
        weights = dict(zip(names, model.coef_[0].round(2).tolist(), strict=True))
        print("  ", {"bias": round(float(model.intercept_[0]), 2), **weights})


# Personal data


def bench_personal_data() -> None:
    found: Counter[str] = Counter()
    there: Counter[str] = Counter()
    wrong = 0
    for item in load("pii-pub"):
        spans = [span for span in item["spans"] if span["type"] in PII_KINDS.values()]
        there.update(span["type"] for span in spans)
        hits = find_personal_data(item["text"])
        for span in spans:
            found[span["type"]] += any(
                hit.start < span["end"] and span["start"] < hit.end
                and PII_KINDS[hit.kind] == span["type"]
                for hit in hits
            )  # fmt: skip
        wrong += sum(
            not any(hit.start < span["end"] and span["start"] < hit.end for span in spans)
            for hit in hits
        )
    if there:
        kinds = ", ".join(f"{kind} {found[kind]}/{there[kind]}" for kind in PII_KINDS.values())
        print(f"\npii-pub, kinds with a form: {kinds}; {wrong} found where there was none")


# Instructions


def bench_instructions() -> None:
    """How many of IFEval's instructions have a check that takes their arguments."""
    path = DATA / "ifeval-pub" / "input_data.jsonl"
    if not path.exists():
        return
    checked, kinds = 0, set()
    for line in path.read_text(encoding="utf-8").splitlines():
        prompt = json.loads(line)
        pairs = list(zip(prompt["instruction_id_list"], prompt["kwargs"], strict=True))
        for kind, arguments in pairs:
            check_instruction(kind, "An answer.", arguments)
            kinds.add(kind)
        checked += len(pairs)
    print(f"\nifeval-pub: {checked} instructions of {len(kinds)} kinds can be checked")


# Judges


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with its label (1: the first is better) and what the judge said of it."""

    subset: str
    label: int
    verdict: PairVerdict | None

    @property
    def points(self) -> float:
        """1 when right, .5 for a tie, 0 when wrong or unreadable."""
        if self.verdict is None:
            return 0.0
        if self.verdict.winner == "tie":
            return 0.5
        return float((self.verdict.winner == "first") == (self.label == 1))


class LeaningJudge:
    """Simulated: knows the better answer in 8 of 10 cases, but half of the time goes by order.

    What it thinks of a pair, and how sure it is, is drawn once for each pair and stays the same
    whatever the order, as with a real model at temperature 0.
    """

    def __init__(self, items: Sequence[dict[str, Any]]) -> None:
        self._better = {
            item["output_1" if item["label"] == 1 else "output_2"].strip() for item in items
        }

    async def stream(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling
    ) -> AsyncIterator[ChatDelta]:
        text = messages[-1].content.replace("< /", "</")
        first, second = (
            text.split(f"<answer_{name}>\n", 1)[1].split(f"\n</answer_{name}>", 1)[0].strip()
            for name in "ab"
        )
        key = "\0".join(sorted((first, second))).encode()
        draw = random.Random(hashlib.sha256(key).digest())
        knows, sure = draw.random() < 0.8, draw.random() > 0.5
        takes_first = True if not sure else (first in self._better) == knows
        yield ChatDelta(json.dumps({"reason": "-", "winner": "A" if takes_first else "B"}))


async def judge_all(
    model: ChatModel, items: Sequence[dict[str, Any]], *, swap: bool, repeat: int
) -> list[Judged]:
    """Ask about every pair."""
    gate = asyncio.Semaphore(PARALLEL)

    async def one(item: dict[str, Any]) -> Judged:
        async with gate:
            try:
                verdict = await compare_answers(
                    model, item["instruction"], item["output_1"], item["output_2"],
                    swap=swap, repeat=repeat,
                )  # fmt: skip
            except VerdictError:
                verdict = None
        return Judged(item["subset"], item["label"], verdict)

    return list(await asyncio.gather(*map(one, items)))


def accuracy(judged: Sequence[Judged]) -> float:
    return sum(one.points for one in judged) / len(judged) if judged else 0.0


def report(name: str, judged: Sequence[Judged], *, copies: int) -> float:
    """Print the figures of a run; return how much the order of the answers moved its accuracy.

    Pairs that are there ``copies`` times count once for the interval.
    """
    shown_first = accuracy([one for one in judged if one.label == 1])
    shown_second = accuracy([one for one in judged if one.label == 2])
    verdicts = [one.verdict for one in judged if one.verdict is not None]
    points = sum(one.points for one in judged) / copies
    interval = wilson_interval(round(points), len(judged) // copies)
    assert interval is not None
    swapped = [verdict.consistent for verdict in verdicts if verdict.consistent is not None]
    print(
        f"  {name:26} {accuracy(judged):.1%} [{interval.low:.1%}, {interval.high:.1%}]; better one "
        f"shown first {shown_first:.1%}, second {shown_second:.1%}; "
        + (f"same verdict in both orders {np.mean(swapped):.1%}; " if swapped else "")
        + f"{len(judged) - len(verdicts)} unreadable"
    )
    return abs(shown_first - shown_second)


def report_subsets(judged: Sequence[Judged]) -> None:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.subset].append(one)
    for subset, group in sorted(groups.items()):
        print(f"    {subset:24} {accuracy(group):.1%} of {len(group)}")


def report_trust(judged: Sequence[Judged]) -> None:
    values = [None if one.verdict is None else one.verdict.value for one in judged]
    agreement = measure_agreement(values, [float(one.label == 1) for one in judged])
    assert agreement is not None
    kappa = "not defined" if agreement.kappa is None else f"{agreement.kappa:.2f}"
    doubts = find_doubts(agreement, TrustBar())
    trust = f"not trusted: {' '.join(doubts)}" if doubts else "trusted"
    print(f"    ties counted as wrong: Cohen's kappa {kappa}; {trust}")


async def bench_model(
    model: ChatModel, items: Sequence[dict[str, Any]], repeat: int, *, copies: int = 1
) -> float:
    """Judge without and with position swap; return what the order still does after it."""
    shown = await judge_all(model, items, swap=False, repeat=repeat)
    report("as shown", shown, copies=copies)
    swapped = await judge_all(model, items, swap=True, repeat=repeat)
    await get_session(None).close()
    gap = report("both orders", swapped, copies=copies)
    report_trust(swapped)
    report_subsets(swapped)
    return gap


def mirror(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every pair in both orders, so that the two halves differ in nothing but the order."""
    turned = [
        {**item, "output_1": item["output_2"], "output_2": item["output_1"],
         "label": 3 - item["label"]}
        for item in items
    ]  # fmt: skip
    return [*items, *turned]


def bench_judges(options: argparse.Namespace) -> bool:
    items = load("llmbar-pub")[: options.limit]
    if not items:
        return True
    if options.base_url:
        client = OpenAIClient(options.base_url, model=options.model, api_key=options.api_key)
        print(f"\nllmbar-pub: {len(items)} pairs, judged by {options.model}. Accuracy [95 %]")
        asyncio.run(bench_model(client, items, options.repeat))
        return True
    pairs = mirror(items)
    print(f"\nllmbar-pub: {len(pairs)} pairs ({len(items)} in both orders). Accuracy [95 %]")
    print(" a stub server whose model always prefers the first:")
    reply = json.dumps({"reason": "It comes first.", "winner": "A"})
    config = StubConfig(first_token_ms=0, token_ms=0, tokens=None, reply=reply)
    with serve_in_thread(config) as stub:
        client = OpenAIClient(stub.base_url, model="stub")
        blind = asyncio.run(bench_model(client, pairs, options.repeat, copies=2))
    print(" a simulated judge that is right in 80 % and goes by order in half of the cases:")
    leaning = asyncio.run(bench_model(LeaningJudge(items), pairs, options.repeat, copies=2))
    return max(blind, leaning) <= GOAL_GAP


def main() -> int:
    """Print the figures; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", help="address of a judge, up to and including /v1")
    parser.add_argument("--model", default="default")
    parser.add_argument("--api-key")
    parser.add_argument("--limit", type=int, help="pairs to judge")
    parser.add_argument("--repeat", type=int, default=1, help="times to ask about a pair")
    parser.add_argument("--fit", action="store_true", help="print the weights of support.py")
    options = parser.parse_args()
    grounded = bench_groundedness(fit=options.fit)
    bench_personal_data()
    bench_instructions()
    fair = bench_judges(options)
    print(f"\ngroundedness AUROC at least {GOAL_AUROC}: {'met' if grounded else 'MISSED'}")
    print(f"position swap leaves no order bias: {'met' if fair else 'MISSED'}")
    return 0 if grounded and fair else 1


if __name__ == "__main__":
    sys.exit(main())
