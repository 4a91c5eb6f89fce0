"""The product's scores beside those that Ragas gives the same answers, without asking a model."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.harness import ROOT, Stack, print_table

PEERS = ROOT / ".venv" / "peers" / "bin" / "python"
SCRIPT = Path(__file__).parent / "peers" / "evaluation.py"
NAMES = {
    "exact_match": ("exact match", "Ragas compares letter by letter, we as SQuAD does"),
    "contains": ("contains", "the same, with case and punctuation by Ragas"),
    "edit_similarity": ("edit similarity", "the same formula, case by Ragas"),
    "bleu": ("BLEU", "sacrebleu on both sides; ours with effective order, all references at once"),
    "rouge_l": ("ROUGE-L", "ours without stemming"),
    "context_recall": ("documents found", "the same formula"),
    "documents_wanted": ("documents wanted", "of those retrieved, on both sides"),
    "map": ("average precision", "Ragas finds passages by edit distance of .5"),
    "passages_found": ("passages found", "by edit distance; ours by place or words"),
}
"""What a row is called, and why its two numbers may differ."""
OURS = {"documents_wanted": "context_precision", "passages_found": "context_recall"}
NEED_A_MODEL = (
    "Ragas' faithfulness, answer relevancy and their like, and what DeepEval has of the kind, ask "
    "a model for every score: without one they cannot run. What Plumbline says of groundedness, "
    "citations and abstention has no peer here."
)
OWN_SCORES = """
SELECT s.metric, avg(s.value) FROM evaluation_score s
JOIN evaluation_experimentitem i ON i.id = s.item_id JOIN datasets_example e ON e.id = i.example_id
WHERE s.experiment_id = %s AND e.is_answerable AND s.turn = 0 GROUP BY 1
"""
RETRIEVED = """
SELECT e.question, p.text, d.name FROM evaluation_itempassage p
JOIN evaluation_experimentitem i ON i.id = p.item_id JOIN datasets_example e ON e.id = i.example_id
JOIN documents_document d ON d.id = p.document_id
WHERE i.experiment_id = %s ORDER BY p.item_id, p.number
"""


def load_retrieved(stack: Stack, experiment: str) -> dict[str, list[tuple[str, str]]]:
    """(text, document's name) of what was retrieved for each question, in order."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for question, text, name in stack.query(RETRIEVED, experiment):
        found[question].append((text, name))
    return found


def load_own(stack: Stack, experiment: str) -> dict[str, float]:
    """The product's means over the answerable questions."""
    return {str(metric): float(mean) for metric, mean in stack.query(OWN_SCORES, experiment)}


def ask_peers(cases: Sequence[dict[str, Any]]) -> dict[str, Any] | str:
    """What Ragas says, or why it does not."""
    if not PEERS.exists():
        return "not installed (make .venv/stamps/peers)"
    done = subprocess.run(
        [str(PEERS), str(SCRIPT)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode:
        return f"it failed:\n{done.stderr[-1500:]}"
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def compare_with_peers(cases: Sequence[dict[str, Any]], own: Mapping[str, float]) -> None:
    """Print both beside each other."""
    found = ask_peers(cases)
    if isinstance(found, str):
        print(f"\nRagas: {found}")
        return
    rows: list[tuple[str, ...]] = [("metric", "Plumbline", "Ragas", "Ragas, a second", "")]
    for metric, (mean, seconds) in found["metrics"].items():
        name, note = NAMES[metric]
        ours = own.get(OURS.get(metric, metric))
        shown = "" if ours is None else f"{ours:.4f}"
        rows.append((name, shown, f"{mean:.4f}", f"{len(cases) / seconds:,.0f}", note))
    print(
        f"\nThe same answers to the {len(cases)} answerable questions, Ragas {found['version']}:\n"
    )
    print_table(rows)
    print(NEED_A_MODEL)
