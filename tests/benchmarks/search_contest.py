"""Chroma, LanceDB, LlamaIndex with PGVector, and faiss: given the same passages and questions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

from tests.benchmarks.harness import ROOT
from tests.benchmarks.search_corpus import Corpus, Questions
from tests.benchmarks.search_report import Cell, Report

PEERS = ("faiss", "chroma", "lancedb", "llamaindex")
LARGEST = {"chroma": 100_000, "llamaindex": 100_000}
"""Beyond, these take in passages for an hour and more: no benchmark waits for that."""

PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("peers") / "search_peers.py"


def write_for_peers(corpus: Corpus, size: int, questions: Questions, folder: Path) -> None:
    """The files that the script reads, unless an earlier run has left those of the passages."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "questions.json").write_text(json.dumps(questions.texts))
    np.save(folder / "question_vectors.npy", questions.vectors)
    if (folder / "texts.json").exists():
        return
    texts: list[str] = []
    vectors = np.lib.format.open_memmap(
        folder / "vectors.npy", mode="w+", dtype=np.float16, shape=(size, 384)
    )
    for block in corpus.blocks(size):
        vectors[block.first : block.first + len(block.texts)] = block.vectors
        texts += block.texts
    vectors.flush()
    (folder / "texts.json").write_text(json.dumps(texts))


def measure_peer(
    report: Report, name: str, size: int, folder: Path, url: str, *, minutes: float
) -> None:
    """Run one peer in its own environment; one that fails, or takes too long, is named."""
    if size > LARGEST.get(name, size):
        report.note(f"{name} is not asked to take in {size:,} passages")
        return
    try:
        done = subprocess.run(
            [PYTHON, SCRIPT, name, folder, str(size), url],
            capture_output=True, text=True, check=False, timeout=60 * minutes,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        report.note(f"{name} at {size:,} was not finished in {minutes:.0f} minutes")
        return
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no word"])[-1][:300]
        report.note(f"{name} at {size:,} was left out: {reason}")
        return
    answer = json.loads(done.stdout.splitlines()[-1])
    report.note(f"{name} at {size:,} took {answer['seconds']:,.0f} s to build")
    for cell in answer["cells"]:
        report.add(
            Cell(name, size, cell["mode"], cell["tag"], cell["times"], cell["recall"], cell["way"])
        )
