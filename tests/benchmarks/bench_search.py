"""Search at 10,000, 100,000 and a million passages: time, recall, size, beside four peers.

    python -m tests.benchmarks.bench_search [--sizes 10000 100000] [--peers faiss] [--keep FOLDER]

The corpus is described in search_corpus: real text and vectors, repeated with variation. The
collections of all sizes are in one database, as in an installation with several. Every search
goes through apps.retrieval.search.first_stage; the embedding of the question is not part of the
times. Recall@10 is against the same search with EXACT_SCAN_CHUNKS so high that everything is read.
Tags leave 100, 10, 1 and 0.1 % of the passages.

Goals: recall@10 of .97 in every cell; hybrid p95 of 25 ms at 100,000 and 80 ms at a million.
Peers are asked as the product is asked, which the goal "faster than every peer that does the same
work" is about, and as their manuals show; the fast ones in turns with it, twenty questions each.
--keep FOLDER leaves the database and the peers' stores there and uses them again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.embedded import ephemeral_services
from tests.benchmarks.harness import DATA, ROOT, print_table
from tests.benchmarks.search_contest import (
    IN_TURNS,
    PEERS,
    Answer,
    Ask,
    Peers,
    Player,
    open_peers,
    play,
    to_cells,
    warm_up,
    write_for_peers,
)
from tests.benchmarks.search_corpus import (
    MODELS,
    Corpus,
    Questions,
    load_embedder,
    read_questions,
)
from tests.benchmarks.search_load import (
    TAGS,
    bring_up_to_date,
    execute,
    load_sizes,
    read_relations,
)
from tests.benchmarks.search_plot import draw_growth
from tests.benchmarks.search_report import HEAD, MODES, PLUMBLINE, SHARE, Cell, Report, judge

if TYPE_CHECKING:
    from apps.documents.models import Collection

PRECISIONS = (("hnsw", "full"), ("hnsw", "half"), ("hnsw", "binary"), ("ivfflat", "half"))
PRECISIONS_AT = 100_000
"""Passages over which each precision is built: a million take a quarter of an hour for each."""
EVERYTHING = 10**9
FEWER_QUESTIONS, FEWER_QUESTIONS_AT = 50, 1_000_000
"""Reading a million vectors takes a second: so many questions tell the recall."""

OTHERS = 4
"""So many times more questions are asked before: a server that is in use has heard most words."""

WARM_SLOW = 5
"""Questions that peers which take long are asked before."""

PICTURE = ROOT / "docs" / "img" / "search-growth.svg"


# The product


def find(collection: Collection, questions: Questions, *, mode: Any, tag: str) -> Iterator[Any]:
    """For each question the milliseconds, and the ids and scores found."""
    from apps.retrieval.search.first_stage import search
    from apps.retrieval.search.query import SearchQuery

    for text, vector in zip(questions.texts, questions.vectors, strict=True):
        query = SearchQuery(
            collection.workspace_id, [collection.pk], text, limit=10, mode=mode,
            filters=f"tag:{tag}" if tag else "", vector=vector,
        )  # fmt: skip
        started = time.perf_counter()
        result = search(query)
        yield (time.perf_counter() - started) * 1000, [(h.chunk_id, h.score) for h in result.hits]


def share_found(found: list[tuple[int, float]], exact: list[tuple[int, float]], mode: str) -> float:
    """Of the exact ten how many were found; one with the score of the tenth is as good as it."""
    if not exact:
        return 1.0
    ids = {chunk_id for chunk_id, _ in exact}
    least = exact[-1][1] - 1e-6
    good = [pk in ids or (mode != "hybrid" and score >= least) for pk, score in found]
    return min(1.0, sum(good) / len(exact))


@dataclass(slots=True)
class Asked:
    """One size: its collection, and the questions; those from `count` on are asked before.

    What is measured is asked of a server that is in use. So the exact searches, which read
    everything and put it in the place of what is used, come after all that is timed.
    """

    collection: Collection
    size: int
    questions: Questions
    count: int
    modes: Sequence[str] = MODES
    found: dict[tuple[str, str], list[list[tuple[int, float]]]] = field(default_factory=dict)
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)

    def measure(self, report: Report, peers: Peers | None = None) -> None:
        """The times of every cell, with peers in between."""
        for mode in self.modes:
            own = Player(PLUMBLINE, "same", self._asker(mode, ""))
            warm_up([own, *(peers.players(mode, "") if peers else [])], self._others)
        for tag in SHARE:
            for mode in self.modes:
                own = Player(PLUMBLINE, "same", self._asker(mode, tag))
                players = [own, *(peers.players(mode, tag) if peers else [])]
                answers = play(players, count=self.count, others=self._others)
                times = [ms for ms, _ in answers.pop((PLUMBLINE, "same"))]
                cell = Cell(PLUMBLINE, self.size, mode, tag, times, None)
                self.cells[tag, mode] = cell
                report.add(cell)
                if peers:
                    report.extend(to_cells(answers, peers, mode=mode, tag=tag))

    def measure_peers(self, report: Report, peers: Peers) -> None:
        """Every cell of these peers alone."""
        for tag in SHARE:
            for mode in self.modes:
                players = peers.players(mode, tag)
                answers = play(players, count=self.count, others=self._others[:WARM_SLOW])
                report.extend(to_cells(answers, peers, mode=mode, tag=tag))

    @property
    def _others(self) -> range:
        return range(self.count, len(self.questions.texts))

    def _asker(self, mode: str, tag: str) -> Ask:
        found = self.found[tag, mode] = list[list[tuple[int, float]]]()

        def ask(numbers: Sequence[int], seconds: float) -> list[Answer]:
            chosen = slice(numbers[0], numbers[-1] + 1)
            some = Questions(self.questions.texts[chosen], self.questions.vectors[chosen])
            answers = []
            end = time.perf_counter() + seconds
            for ms, hits in find(self.collection, some, mode=mode, tag=tag):
                answers.append((ms, [pk for pk, _ in hits]))
                if numbers[0] < self.count:
                    found.append(hits)
                if time.perf_counter() > end:
                    break
            return answers

        return ask

    def compare(self) -> None:
        """The recall of every cell, by the first of the questions where there are many passages."""
        from django.test import override_settings

        count = self.count
        if self.size >= FEWER_QUESTIONS_AT:
            count = min(count, FEWER_QUESTIONS)
        for (tag, mode), answered in self.found.items():
            found = answered[:count]
            asked = Questions(
                self.questions.texts[: len(found)], self.questions.vectors[: len(found)]
            )
            with override_settings(EXACT_SCAN_CHUNKS=EVERYTHING):
                exact = [hits for _, hits in find(self.collection, asked, mode=mode, tag=tag)]
            cell = self.cells[tag, mode]
            cell.recall = statistics.mean(
                share_found(hits, truth, mode) for hits, truth in zip(found, exact, strict=True)
            )
            print("  " + "  ".join(text.ljust(10) for text in cell.row()), flush=True)


def compare_precisions(collection: Collection, size: int, questions: Questions, count: int) -> None:
    """Build the vector index of one collection in each way, and ask it."""
    from apps.retrieval.vectors import ann

    index = collection.indexes.get()
    rows: list[tuple[str, ...]] = []
    for kind, precision in PRECISIONS:
        index.ann_kind, index.precision = kind, precision
        index.save(update_fields=["ann_kind", "precision"])
        ann.drop_others(index.pk, keep=[])  # so that each is built, also in a kept database
        seconds = bring_up_to_date(index)
        wanted = ann.wanted_vectors(index)
        if wanted is None:
            return
        measured = Report()
        print(f"  {kind} {precision}: built in {seconds:.0f} s", flush=True)
        asked = Asked(collection, size, questions, count, modes=("vector",))
        asked.measure(measured)
        asked.compare()
        size_bytes = execute("SELECT pg_relation_size(to_regclass(%s))", wanted.name)[0][0]
        whole = measured.cells[0]
        rows.append(
            (f"{kind} {precision}", f"{size_bytes / 2**20 * 1e6 / size:,.0f}", f"{seconds:,.0f}",
             f"{whole.p50:.1f}", f"{whole.p95:.1f}",
             f"{min(cell.recall or 0 for cell in measured.cells):.3f}")
        )  # fmt: skip
    index.ann_kind, index.precision = PRECISIONS[1]
    index.save(update_fields=["ann_kind", "precision"])
    bring_up_to_date(index)  # a kept database is left as it was
    print(f"\nVector indexes over {size:,} passages (384 numbers each)")
    head = ("index", "MB per million", "build s", "p50 ms", "p95 ms", "least recall@10")
    print_table([head, *rows])


def make_workspace() -> Any:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.workspaces.models import Workspace
    from apps.workspaces.services import create_workspace, get_or_create_user

    owner, _ = get_or_create_user("bench@example.com")
    return Workspace.objects.first() or create_workspace("Benchmark", owner=owner)


def choose_questions(count: int) -> Questions:
    """`count` that are measured, and behind them OTHERS times as many to begin with."""
    texts = read_questions((1 + OTHERS) * count)
    vectors = load_embedder().encode(texts)
    order = sorted(range(len(texts)), key=lambda n: (n % (1 + OTHERS) != 0, n))
    return Questions([texts[n] for n in order], vectors[order])


def prepare(workspace: Any, corpus: Corpus, sizes: Sequence[int]) -> dict[int, Collection]:
    """A collection of each size, loaded where it is not there yet, and up to date."""
    from apps.documents.models import Collection

    names = {size: f"{size:,} passages" for size in sizes}
    there = set(Collection.objects.values_list("name", flat=True))
    missing = [size for size, name in names.items() if name not in there]
    if missing:
        load_sizes(workspace, corpus, missing)
    collections = {size: Collection.objects.get(name=name) for size, name in names.items()}
    for size, collection in collections.items():
        seconds = bring_up_to_date(collection.indexes.get())
        print(f"  {size:,} passages: vector index in {seconds:.0f} s", flush=True)
    return collections


def measure(arguments: argparse.Namespace, folder: Path, url: str) -> int:
    corpus = Corpus()
    questions = choose_questions(arguments.questions)
    report = Report()
    collections = prepare(make_workspace(), corpus, arguments.sizes)
    asked = [
        Asked(collection, size, questions, arguments.questions)
        for size, collection in collections.items()
    ]
    for in_turns in (True, False):
        for one in asked:
            names = [name for name in arguments.peers if (name in IN_TURNS) == in_turns]
            place = folder / "peers" / str(one.size)
            if names:
                write_for_peers(corpus, one.size, questions, place)
            with open_peers(
                report, names, one.size, place, url,
                questions=questions, minutes=arguments.peer_minutes,
            ) as peers:  # fmt: skip
                read_relations(folder / "postgres", peer="" if in_turns else f"llama_{one.size}")
                if in_turns:
                    one.measure(report, peers)
                else:
                    one.measure_peers(report, peers)
    for one in asked:
        one.compare()
    if arguments.precisions:
        size = max(size for size in collections if size <= max(PRECISIONS_AT, min(collections)))
        compare_precisions(collections[size], size, questions, arguments.questions)
    print()
    print_table([HEAD, *[cell.row() for cell in report.sorted()]])
    print("\n".join(report.notes))
    if len(arguments.sizes) > 1:
        whole = [cell for cell in report.cells if not cell.tag and cell.way == "same"]
        draw_growth([(c.system, c.size, c.mode, c.p95) for c in whole], PICTURE)
        print(f"how p95 grows with size: {PICTURE.relative_to(ROOT)}")
    return 0 if judge(report, arguments.sizes) else 1


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--peer-minutes", type=float, default=60, help="to build each, per size")
    parser.add_argument("--no-precisions", dest="precisions", action="store_false")
    parser.add_argument("--keep", type=Path, help="folder of a database to keep and use again")
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    if not DATA.is_dir():
        print(f"The evaluation data is not here ({DATA}); nothing measured.")
        return 0
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as scratch:
        folder = arguments.keep or Path(scratch)
        with ephemeral_services(folder, fsync=False, holder="bench-search") as services:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "DATA_DIR": str(folder),
                "DATABASE_URL": services.database_url,
                "REDIS_URL": services.redis_url,
                "MODELS_DIR": str(MODELS),
                "LOG_LEVEL": "ERROR",
            }
            return measure(arguments, folder, services.database_url)


__all__ = ["TAGS", "main"]

if __name__ == "__main__":
    sys.exit(main())
