"""The public sets of `bench_quality` as documents, passages, questions and what is relevant.

Four sets are passages by nature (an abstract, a paragraph): each is stored as one passage under
its title. The others are documents: they go through the product's own parser and splitter, and a
document stands where its best passage stands. Every system searches the same passages.

Two sets are financial. `tatqa` has the texts around 278 tables of annual reports, and the questions
that these texts answer. `sec10q` has 20 quarterly reports of 52 pages on average. Nobody marked
the pages there, so those count that hold every figure of the expected answer; questions whose
answer has no figure, or whose figures no page holds together, are left out.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apps.chunking.splitters import SplitParams, split_pages
from apps.chunking.table_rows import embedded_text
from apps.chunking.tables import find_tables
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
    page: int = 0
    """Where pages are what is relevant."""

    @property
    def place(self) -> str:
        """What is counted as found."""
        return f"{self.document}, page {self.page}" if self.page else self.document

    table_head: str | None = None

    @property
    def full(self) -> str:
        """What is embedded."""
        text = embedded_text(self.text, self.table_head)
        return f"{self.heading}\n{text}" if self.heading else text


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
        ranked = unique(unit.place for unit in found)
        return METRICS[self.metric](ranked, self.relevant[question]) or 0.0


Metric = Callable[[Sequence[str], dict[str, int]], float | None]
METRICS: dict[str, Metric] = {
    "nDCG@10": lambda ranked, relevant: ndcg_at(ranked, relevant, 10),
    "R@5": lambda ranked, relevant: recall_at(ranked, relevant, DEPTH),
    "both in top 5": lambda ranked, relevant: all_found_at(ranked, relevant, DEPTH),
    "one in top 5": lambda ranked, relevant: float(not relevant.keys().isdisjoint(ranked[:DEPTH])),
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
OTHERS = ("chunkeval", "tatqa", "sec10q")
NAMES = (*PASSAGES, *DOCUMENTS, *OTHERS)
_FIGURE = re.compile(r"\d[\d.,]*\d")
_YEAR = re.compile(r"(?:19|20)\d\d$")


def read_set(name: str, *, count_tokens: CountTokens, max_questions: int) -> QualitySet:
    """A set with at most `max_questions` questions, evenly spread."""
    if name in READERS:
        found = READERS[name](count_tokens)
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
        pages = _parse(row["text"].encode(), filename=f"document{suffix}")
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


def _read_tatqa(count_tokens: CountTokens) -> QualitySet:
    folder = DATA / "tatqa-pub"
    found = QualitySet("tatqa", "R@5", [])
    for row in _read_lines(folder / "contexts.jsonl"):
        pages = _parse("\n\n".join(row["paragraphs"]).encode(), filename="report.txt")
        found.units += _cut(row["_id"], pages, count_tokens)
    for row in _read_lines(folder / "qa.jsonl"):
        if row["answer_from"] == "text":
            found.questions[row["id"]] = row["question"]
            found.relevant[row["id"]] = {row["context_id"]: 1}
    return found


def _read_sec10q(count_tokens: CountTokens) -> QualitySet:
    folder = DATA / "sec10q-pub"
    found = QualitySet("sec10q", "one in top 5", [])
    figures: dict[str, dict[int, set[str]]] = {}
    for path in sorted((folder / "docs").glob("*.pdf")):
        pages = _parse(path.read_bytes(), filename=path.name)
        tables = find_tables(
            [(page.start, page.blocks) for page in pages], join_pages([page.text for page in pages])
        )
        found.units += [
            replace(
                unit,
                page=_page_at(pages, unit.start),
                table_head=tables.head_of(unit.start, unit.end) if tables else None,
            )
            for unit in _cut(path.name, pages, count_tokens)
        ]
        figures[path.name] = {page.number: _find_figures(page.text) for page in pages}
    for row in _read_lines(folder / "qa.jsonl"):
        wanted = _find_figures(row["answers"][0].split("SOURCE")[0])
        if len(row["gold_docs"]) != 1 or not wanted:
            continue
        name = row["gold_docs"][0]
        places = [f"{name}, page {page}" for page, held in figures[name].items() if wanted <= held]
        if places:
            found.questions[row["id"]] = row["question"]
            found.relevant[row["id"]] = dict.fromkeys(places, 1)
    return found


def _find_figures(text: str) -> set[str]:
    """Amounts of at least three digits; years are not what is asked for."""
    numbers = (match.group().rstrip(".,") for match in _FIGURE.finditer(text))
    return {
        number
        for number in numbers
        if sum(map(str.isdigit, number)) > 2 and not _YEAR.match(number)
    }


def _page_at(pages: Sequence[PageText], start: int) -> int:
    return next(page.number for page in reversed(pages) if page.start <= start)


def _cut(document: str, pages: Sequence[PageText], count_tokens: CountTokens) -> Iterator[Unit]:
    text = join_pages([page.text for page in pages])
    for piece in split_pages(pages, params=SplitParams(), count_tokens=count_tokens):
        body = text[piece.start : piece.end]
        yield Unit(document, piece.heading, body, piece.start, piece.end)


def _parse(content: bytes, *, filename: str) -> list[PageText]:
    file = io.BytesIO(content)
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


READERS: dict[str, Callable[[CountTokens], QualitySet]] = {
    "chunkeval": _read_chunkeval,
    "tatqa": _read_tatqa,
    "sec10q": _read_sec10q,
}
