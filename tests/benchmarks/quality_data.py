"""The public sets of `bench_quality` as documents, passages, questions and what is relevant.

Four sets are passages by nature (an abstract, a paragraph): each is stored as one passage under
its title. The others are documents: they go through the product's own parser and splitter, and a
document stands where its best passage stands. Every system searches the same passages.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.chunking.splitters import SplitParams, split_pages
from apps.chunking.units import CountTokens, PageText, join_pages
from measures.ranking import (
    all_found_at,
    ndcg_at,
    recall_at,
    reciprocal_rank,
    unique,
)
from measures.spans import Span, measure_overlap
from parsing.engine import parse_file
from parsing.types import Limits, ParsedPage
from tests.benchmarks.harness import DATA

DEPTH = 5
"""Passages that chunkeval and the R@5 metrics look at."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A passage: where it stands, and the heading path that is embedded and indexed with it."""

    document: str
    heading: str
    text: str
    start: int
    end: int

    @property
    def full(self) -> str:
        return f"{self.heading}\n{self.text}" if self.heading else self.text


@dataclass(slots=True)
class QualitySet:
    """Passages, questions by id, and for each what is relevant: documents or characters."""

    name: str
    metric: str
    units: list[Unit]
    questions: dict[str, str] = field(default_factory=dict)
    relevant: dict[str, dict[str, int]] = field(default_factory=dict)
    excerpts: dict[str, list[Span]] = field(default_factory=dict)

    def score(self, question: str, found: Sequence[Unit]) -> float:
        """The published metric of one question, given the passages that were found, in order."""
        if self.excerpts:
            spans = [Span(unit.document, unit.start, unit.end) for unit in found[:DEPTH]]
            overlap = measure_overlap(spans, self.excerpts[question])
            return overlap.recall if overlap else 0.0
        ranked = unique(unit.document for unit in found)
        return METRICS[self.metric](ranked, self.relevant[question]) or 0.0


Metric = Callable[[Sequence[str], dict[str, int]], float | None]
METRICS: dict[str, Metric] = {
    "nDCG@10": lambda ranked, relevant: ndcg_at(ranked, relevant, 10),
    "R@5": lambda ranked, relevant: recall_at(ranked, relevant, DEPTH),
    "both in top 5": lambda ranked, relevant: all_found_at(ranked, relevant, DEPTH),
    "MRR": lambda ranked, relevant: reciprocal_rank(ranked, relevant, 10),
}
PASSAGES = {
    "scifact": ("beir-scifact-pub", ("corpus.jsonl",), "qrels/test.tsv", "nDCG@10"),
    "squad2": ("squad2-pub", ("corpus.jsonl", "distractors.jsonl"), "qrels.tsv", "R@5"),
    "hotpotqa500": ("hotpotqa500-pub", ("corpus.jsonl",), "qrels.tsv", "both in top 5"),
    "cranfield": ("cranfield-pub", ("corpus.jsonl",), "qrels.tsv", "nDCG@10"),
}
DOCUMENTS = {
    "awsdocs": ("awsdocs-pub", ".md", "R@5"),
    "claude-docs": ("claude-docs-pub", ".txt", "MRR"),
}
NAMES = ("scifact", "squad2", "hotpotqa500", "awsdocs", "claude-docs", "cranfield", "chunkeval")


def read_set(name: str, *, count_tokens: CountTokens, max_questions: int) -> QualitySet:
    """A set with at most `max_questions` questions, evenly spread."""
    if name == "chunkeval":
        found = _read_chunkeval(count_tokens)
    elif name in PASSAGES:
        found = _read_passages(name)
    else:
        found = _read_documents(name, count_tokens)
    step = -(-len(found.questions) // max_questions)
    kept = sorted(found.questions)[::step]
    found.questions = {key: found.questions[key] for key in kept}
    return found


def _read_passages(name: str) -> QualitySet:
    folder, corpora, qrels, metric = PASSAGES[name]
    found = QualitySet(name, metric, [])
    for corpus in corpora:
        for row in _read_lines(DATA / folder / corpus):
            title, text = (row.get("title") or "").strip(), row["text"].strip()
            found.units.append(Unit(row["_id"], title, text, 0, len(text)))
    _read_questions(found, DATA / folder, qrels)
    return found


def _read_documents(name: str, count_tokens: CountTokens) -> QualitySet:
    folder, suffix, metric = DOCUMENTS[name]
    found = QualitySet(name, metric, [])
    for row in _read_lines(DATA / folder / "corpus.jsonl"):
        pages = _parse(row["text"], filename=f"document{suffix}")
        found.units += _cut(row["_id"], pages, count_tokens)
    _read_questions(found, DATA / folder, "qrels.tsv")
    return found


def _read_chunkeval(count_tokens: CountTokens) -> QualitySet:
    """The excerpts are offsets into the files, so these are cut as they are, unparsed."""
    folder = DATA / "chunkeval-pub"
    found = QualitySet("chunkeval", f"recall of text, top {DEPTH}", [])
    for path in sorted((folder / "corpora").glob("*.md")):
        page = PageText(1, path.read_text(encoding="utf-8"), 0)
        found.units += _cut(path.stem, [page], count_tokens)
    for row in _read_lines(folder / "items.jsonl"):
        found.questions[row["id"]] = row["question"]
        found.excerpts[row["id"]] = [
            Span(row["corpus"], part["start_index"], part["end_index"])
            for part in row["references"]
        ]
    return found


def _cut(document: str, pages: Sequence[PageText], count_tokens: CountTokens) -> Iterator[Unit]:
    text = join_pages([page.text for page in pages])
    for piece in split_pages(pages, params=SplitParams(), count_tokens=count_tokens):
        body = text[piece.start : piece.end]
        yield Unit(document, piece.heading, body, piece.start, piece.end)


def _parse(text: str, *, filename: str) -> list[PageText]:
    file = io.BytesIO(text.encode())
    items = parse_file(file, filename=filename, first_page=1, limits=Limits(), ocr=False)
    pages: list[PageText] = []
    start = 0
    for item in items:
        if isinstance(item, ParsedPage):
            blocks = [(block.kind, block.level, block.start, block.end) for block in item.blocks]
            pages.append(PageText(item.number, item.text, start, blocks))
            start += len(item.text) + 2
    return pages


def _read_questions(found: QualitySet, folder: Path, qrels: str) -> None:
    for line in (folder / qrels).read_text(encoding="utf-8").splitlines()[1:]:
        question, document, grade = line.split("\t")
        if int(grade) > 0:
            found.relevant.setdefault(question, {})[document] = int(grade)
    texts = {row["_id"]: row["text"] for row in _read_lines(folder / "queries.jsonl")}
    found.questions = {key: texts[key] for key in found.relevant}


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
