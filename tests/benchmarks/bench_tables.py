"""Whether a question about a cell finds it, with its header and its unit.

    python -m tests.benchmarks.bench_tables [--questions 200] [--misses]

200 questions of TAT-QA (tables of annual reports, as HTML) and 60 over workbooks that are made
here. Files go through the product's own readers, chunking, embedding and search. A question counts
if one of the first five passages holds the right cell and what a model reads of that passage,
heading path included, also says the column's header and the table's unit. The former way, table
lines embedded as they stand and headers only in the heading path, is measured in the same run.

Questions of TAT-QA were written beside their table and do not name its company: "What were the
sales in 2019?" has many answers among 278 tables of 100 companies. So they are asked twice: among
all of them, and among the 20 that stand next to each other in the set, which is about a report.
"""

from __future__ import annotations

import argparse
import html
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import patch

from apps.chunking.table_rows import split_cells
from apps.chunking.tables import Tables
from config.embedded import ephemeral_services
from inference.minilm.build import build_model
from inference.minilm.files import is_built
from parsing.engine import parse_file
from parsing.types import Limits, ParsedPage
from tests.benchmarks.bench_quality import MODELS, make_workspace, refresh_statistics
from tests.benchmarks.harness import DATA, print_table
from tests.benchmarks.table_books import TableQuestion, make_books

if TYPE_CHECKING:
    from apps.documents.models import Collection
    from apps.workspaces.models import Workspace

TATQA = DATA / "tatqa-pub"
FIRST = 5
GOAL = 0.85
SHEET_QUESTIONS = 60
HEADER_ROWS = 3
CONTEXTS_PER_REPORT = 20
TITLE_CHARS = 100
MODES: tuple[Literal["default", "lexical", "vector"], ...] = ("default", "lexical", "vector")
UNIT = re.compile(r"\(?(?:in|dollars in|amounts in)\s+(?:thousands|millions|billions)\)?", re.I)
NUMBER = re.compile(r"[-$(€£]*\s*\d[\d.,]*\s*[)%]*$")
OPERAND = re.compile(r"\d[\d.,]*\d")
YEAR = re.compile(r"(?:19|20)\d\d$")


@dataclass(slots=True)
class TableSet:
    """Files by name, and the questions that their cells answer."""

    name: str
    parts: int = 1
    files: dict[str, bytes] = field(default_factory=dict)
    questions: list[TableQuestion] = field(default_factory=list)


def read_tatqa(limit: int) -> TableSet:
    """Questions that one row of a table answers; those about one cell come first."""
    contexts = {row["_id"]: row for row in _read_lines(TATQA / "contexts.jsonl")}
    chosen = TableSet("TAT-QA", parts=-(-len(contexts) // CONTEXTS_PER_REPORT))
    rows = sorted(_read_lines(TATQA / "qa.jsonl"), key=lambda row: row["answer_type"] != "span")
    usable = [
        question
        for row in rows
        if (question := _read_question(row, contexts[row["context_id"]]["table"]))
    ]
    chosen.questions = usable[:limit]
    chosen.files = {f"{key}.html": _write_html(row) for key, row in contexts.items()}
    return chosen


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _read_question(row: Mapping[str, Any], table: list[list[str]]) -> TableQuestion | None:
    """A question whose answer is a number in one cell, or is computed from cells of one row."""
    if row["answer_from"] == "text":
        return None
    if row["answer_type"] == "span" and len(row["answer"]) == 1:
        values = [row["answer"][0].strip()]
    elif row["answer_type"] == "arithmetic":
        values = list(dict.fromkeys(OPERAND.findall(row["derivation"])))
    else:
        return None
    places = [_find_cells(value, table) for value in values]
    if not places or any(len(cells) != 1 for cells in places):
        return None
    y, x = places[0][0]
    if any(cells[0][0] != y for cells in places) or not table[y][0].strip():
        return None
    first = next((at for at, cells in enumerate(table) if _has_amount(cells)), 0)
    needed = []
    for (_, column), *_ in places:
        above = [table[at][column] for at in range(min(first, HEADER_ROWS))]
        headers = [cell for cell in above if cell.strip()]
        if column == 0 or not headers:
            return None
        needed.append(headers[-1])
    unit = UNIT.search(" ".join(cell for cells in table[:HEADER_ROWS] for cell in cells))
    needed += [unit.group()] if unit else []
    return TableQuestion(
        row["question"], f"{row['context_id']}.html", table[y][0], table[y][x].strip(),
        tuple(needed),
    )  # fmt: skip


def _find_cells(value: str, table: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Where a number stands alone in a cell, whatever the signs around it; years are labels."""
    bare = _bare(value)
    if not NUMBER.match(value) or YEAR.match(value) or len(bare) < 2:
        return []
    return [
        (y, x)
        for y, cells in enumerate(table)
        for x, cell in enumerate(cells)
        if _bare(cell) == bare
    ]


def _bare(cell: str) -> str:
    return cell.strip(" -$€£()%\u00a0")


def _has_amount(cells: Sequence[str]) -> bool:
    return any(NUMBER.match(c.strip()) and not YEAR.match(c.strip()) for c in cells[1:])


def _write_html(row: Mapping[str, Any]) -> bytes:
    """The texts in their order; the table follows the first that announces one, or the last."""
    texts = [html.escape(text) for text in row["paragraphs"]]
    has_title = len(texts[0]) < TITLE_CHARS and texts[0].rstrip()[-1:] not in ".:;"
    title = f"<h2>{texts.pop(0)}</h2>" if has_title else ""
    cut = next((at for at, text in enumerate(texts, 1) if text.rstrip().endswith(":")), len(texts))
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
        for cells in row["table"]
    )
    before, after = (
        "".join(f"<p>{text}</p>" for text in part) for part in (texts[:cut], texts[cut:])
    )
    return f"<html><body>{title}{before}<table>{rows}</table>{after}</body></html>".encode()


def read_books() -> TableSet:
    """Workbooks of the benchmark's own making."""
    books = make_books(questions=SHEET_QUESTIONS)
    return TableSet(
        "workbooks",
        1,
        {book.name: book.content for book in books},
        [question for book in books for question in book.questions],
    )


@dataclass(slots=True)
class Stored:
    """A set's collections; each document's collection, id and full text by its name."""

    collections: list[Collection]
    homes: dict[str, Collection] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    num_passages: int = 0


def store(workspace: Workspace, chosen: TableSet, *, name: str) -> Stored:
    """Read, cut, embed and publish every file, as the workers do."""
    from apps.documents.models import Collection

    stored = Stored(
        [
            Collection.objects.create(workspace=workspace, name=f"{name} {part}")
            for part in range(chosen.parts)
        ]
    )
    for number, (filename, content) in enumerate(chosen.files.items()):
        stored.homes[filename] = stored.collections[number * chosen.parts // len(chosen.files)]
        _store_file(stored, filename, content)
    return stored


def _store_file(stored: Stored, filename: str, content: bytes) -> None:
    from apps.chunking.services import split_version
    from apps.core.embedder import get_embedder
    from apps.documents.models import Document, DocumentVersion, Page, VersionState
    from apps.retrieval.indexes.services import (
        ensure_live_index,
        pending_chunks,
        publish_version,
        store_embeddings,
    )

    collection = stored.homes[filename]
    index, workspace = ensure_live_index(collection), collection.workspace
    document = Document.objects.create(workspace=workspace, collection=collection, name=filename)
    version = DocumentVersion.objects.create(
        workspace=workspace, document=document, number=1, filename=filename,
        state=VersionState.PROCESSING,
    )  # fmt: skip
    parsed = parse_file(
        io.BytesIO(content), filename=filename, first_page=1, limits=Limits(), ocr=False
    )
    start, texts = 0, []
    for page in parsed:
        if not isinstance(page, ParsedPage):
            continue
        blocks = [[block.kind, block.level, block.start, block.end] for block in page.blocks]
        Page.objects.create(
            workspace=workspace, version=version, number=page.number, text=page.text,
            start=start, end=start + len(page.text), blocks=blocks,
        )  # fmt: skip
        start += len(page.text) + 2
        texts.append(page.text)
    stored.num_passages += split_version(version, profile=index.profile)
    pending = pending_chunks(index, version_ids=[version.pk], limit=10_000)
    vectors = get_embedder().encode([chunk.text for chunk in pending])
    store_embeddings(index, [chunk.chunk_id for chunk in pending], vectors)
    publish_version(version, index=index)
    stored.documents[filename] = document.pk
    stored.texts[filename] = "\n\n".join(texts)


def locate(question: TableQuestion, text: str) -> int | None:
    """Where the cell stands in its document's full text."""
    label, value = _plain(question.row), _plain(question.value)
    position = 0
    for line in text.split("\n"):
        cells = [_plain(cell) for cell in split_cells(line)] if line.startswith("|") else []
        if label in cells[:2] and value in cells[1:]:
            return position + line.rindex(question.value.split()[-1])
        position += len(line) + 1
    return None


def _plain(text: str) -> str:
    return "".join(text.split()).lower()


def rank_of(
    question: TableQuestion, stored: Stored, profile: Any, *, everywhere: bool
) -> tuple[int, int]:
    """Rank of the passage with the cell, and of one that also says header and unit; 0 for none."""
    from apps.retrieval.search.pipeline import RetrievalRequest, retrieve

    document = stored.documents[question.document]
    cell = locate(question, stored.texts[question.document])
    if cell is None:
        return 0, 0
    home = stored.homes[question.document]
    places = [collection.pk for collection in (stored.collections if everywhere else [home])]
    request = RetrievalRequest(home.workspace_id, places, question.text, profile)
    bare = 0
    for rank, hit in enumerate(retrieve(request).hits[:FIRST], 1):
        if hit.document_id != document or not hit.start <= cell < hit.end:
            continue
        bare = bare or rank
        read = _plain(f"{hit.heading}\n{hit.readable}".replace("\\|", "|"))
        if all(_plain(part) in read for part in question.needed):
            return bare, rank
    return bare, 0


def measure(
    workspace: Workspace, chosen: TableSet, *, former: bool, misses: bool
) -> dict[tuple[bool, str], tuple[float, float]]:
    """By place and mode: the share of questions that find the cell, and that with its header.

    The place is true for a search in all parts of the set.
    """
    from apps.retrieval.search.profiles import DEFAULT_PROFILE

    with ExitStack() as stack:
        if former:
            for place in ("splitters", "planning"):
                nothing = lambda pages, text: Tables(text, [])  # noqa: E731
                stack.enter_context(patch(f"apps.chunking.{place}.find_tables", nothing))
        stored = store(workspace, chosen, name=f"{chosen.name}, {'former' if former else 'now'}")
    refresh_statistics()
    shares: dict[tuple[bool, str], tuple[float, float]] = {}
    for everywhere, mode in product([False, True][: min(chosen.parts, 2)], MODES):
        profile = DEFAULT_PROFILE if mode == "default" else replace(DEFAULT_PROFILE, mode=mode)
        ranks = [
            rank_of(question, stored, profile, everywhere=everywhere)
            for question in chosen.questions
        ]
        total = len(ranks)
        shares[everywhere, mode] = (
            sum(bool(bare) for bare, _ in ranks) / total,
            sum(bool(whole) for _, whole in ranks) / total,
        )
        if misses and mode == "default" and not former and not everywhere:
            _print_misses(chosen.questions, ranks, stored)
    print(f"{chosen.name}, {'former way' if former else 'rows in words'}: "
          f"{stored.num_passages:,} passages", flush=True)  # fmt: skip
    return shares


def _print_misses(
    questions: Sequence[TableQuestion], ranks: Sequence[tuple[int, int]], stored: Stored
) -> None:
    for question, (bare, whole) in zip(questions, ranks, strict=True):
        if not whole:
            found = locate(question, stored.texts[question.document]) is not None
            what = "header" if bare else "cell" if found else "not in the text"
            print(f"  missed ({what}): {question}")


def report(results: Mapping[str, tuple[int, int, Any, Any]]) -> bool:
    """Print shares with header and unit, now and in the former way; True if the goal is met."""
    head = ("set", "among", "search", "questions", "former way", "now", "ratio")
    rows: list[tuple[str, ...]] = [(*head, "cell alone: former way", "now")]
    reached = True
    for name, (total, parts, before, now) in results.items():
        for everywhere, mode in now:
            (bare_before, was), (bare, share) = before[everywhere, mode], now[everywhere, mode]
            among = "all" if everywhere or parts == 1 else "its report"
            ratio = f"{share / was:.2f}" if was else "-"
            figures = (f"{was:.1%}", f"{share:.1%}", ratio, f"{bare_before:.1%}", f"{bare:.1%}")
            rows.append((name, among, mode, str(total), *figures))
        reached = reached and now[False, "default"][1] >= GOAL
    print()
    print_table(rows)
    print(
        f"\n{'yes' if reached else 'NO '}  at least {GOAL:.0%} by the default search, on each set"
    )
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200, help="of TAT-QA at most")
    parser.add_argument("--misses", action="store_true", help="list the questions that failed")
    arguments = parser.parse_args()
    sets = [read_books()]
    if TATQA.is_dir():
        sets.insert(0, read_tatqa(arguments.questions))
    else:
        print(f"TAT-QA is not here ({TATQA}); only the workbooks are measured.")
    if not is_built(MODELS):
        build_model(MODELS)
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder,
        ephemeral_services(Path(folder), holder="bench-tables") as services,
    ):
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATA_DIR": folder,
            "DATABASE_URL": services.database_url,
            "REDIS_URL": services.redis_url,
            "MODELS_DIR": str(MODELS),
            "LOG_LEVEL": "ERROR",
        }
        workspace = make_workspace()
        results = {
            chosen.name: (
                len(chosen.questions),
                chosen.parts,
                measure(workspace, chosen, former=True, misses=False),
                measure(workspace, chosen, former=False, misses=arguments.misses),
            )
            for chosen in sets
        }
        from django.db import connection

        connection.close()
    return 0 if report(results) else 1


if __name__ == "__main__":
    sys.exit(main())
