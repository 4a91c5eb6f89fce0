"""Search: quality on public sets, time at 1,000 and 20,000 passages, recall of HNSW.

    python -m tests.benchmarks.bench_retrieval [--sets scifact squad2] [--queries 600]

Each abstract or paragraph is one passage, stored and published by the product's own services in a
database of its own, and asked for through the product's own search. Lexical nDCG@10 on scifact
must reach .665 (Anserini's BM25: .679). Times are of the search without the embedding of the
question. The vectors of the passages (some minutes) are kept in data/bench for the next run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from config.embedded import ephemeral_services
from inference.minilm.build import build_model
from inference.minilm.embedder import MiniLMEmbedder
from inference.minilm.files import is_built
from tests.benchmarks.harness import DATA, ROOT, print_table

if TYPE_CHECKING:
    from apps.documents.models import Collection
    from apps.workspaces.models import Workspace

MODES = ("lexical", "vector", "hybrid")
MODELS = ROOT / "data" / "models"
CACHE = ROOT / "data" / "bench"
PER_DOCUMENT = 50
LEXICAL_GOAL = 0.665
SIZES = (1_000, 20_000)


@dataclass(slots=True)
class EvaluationSet:
    """Passages by id, questions by id, and the relevant passages of each question."""

    name: str
    passages: dict[str, str]
    questions: dict[str, str] = field(default_factory=dict)
    relevant: dict[str, dict[str, int]] = field(default_factory=dict)


SOURCES = {
    "scifact": ("beir-scifact-pub", ["corpus.jsonl"], "qrels/test.tsv"),
    "squad2": ("squad2-pub", ["corpus.jsonl", "distractors.jsonl"], "qrels.tsv"),
    "hotpotqa": ("hotpotqa500-pub", ["corpus.jsonl"], "qrels.tsv"),
}


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def read_set(name: str, *, max_questions: int) -> EvaluationSet:
    folder, corpora, qrels = SOURCES[name]
    base = DATA / folder
    found = EvaluationSet(name, {})
    for corpus in corpora:
        for row in read_lines(base / corpus):
            title = row.get("title") or ""
            found.passages[row["_id"]] = f"{title}\n{row['text']}".strip()
    for line in (base / qrels).read_text().splitlines()[1:]:
        question, passage, grade = line.split("\t")
        found.relevant.setdefault(question, {})[passage] = int(grade)
    texts = {row["_id"]: row["text"] for row in read_lines(base / "queries.jsonl")}
    # Every n-th, so that a part of the questions still covers all subjects.
    step = max(1, len(found.relevant) // max_questions)
    found.questions = {key: texts[key] for key in sorted(found.relevant)[::step]}
    return found


def embed_passages(chosen: EvaluationSet, embedder: MiniLMEmbedder) -> Any:
    """Vectors of shape (passages, 384), from the cache if they are there."""
    path = CACHE / f"{chosen.name}.npy"
    if path.exists():
        return np.load(path).astype(np.float32)
    print(f"embedding {len(chosen.passages):,} passages of {chosen.name} ...", flush=True)
    vectors = embedder.encode(list(chosen.passages.values()))
    CACHE.mkdir(parents=True, exist_ok=True)
    np.save(path, vectors.astype(np.float16))
    return vectors


def load(
    workspace: Workspace, name: str, texts: Sequence[str], vectors: Any
) -> tuple[Collection, list[int], float]:
    """A collection with these passages, their ids, and the seconds that publishing took."""
    from apps.chunking.models import Chunk
    from apps.documents.models import Collection, Document, DocumentVersion
    from apps.retrieval.services import ensure_live_index, publish_version, store_embeddings

    collection = Collection.objects.create(workspace=workspace, name=name)
    index = ensure_live_index(collection)
    ids: list[int] = []
    seconds = 0.0
    for first in range(0, len(texts), PER_DOCUMENT):
        document = Document.objects.create(
            workspace=workspace, collection=collection, name=f"{name} {first}"
        )
        version = DocumentVersion.objects.create(
            workspace=workspace, document=document, number=1, filename=document.name
        )
        position = 0
        chunks = []
        for number, text in enumerate(texts[first : first + PER_DOCUMENT]):
            chunks.append(
                Chunk(
                    workspace=workspace, version=version, profile=index.profile, text=text,
                    position=number, start=position, end=position + len(text), first_page=1,
                    last_page=1, num_tokens=len(text) // 5,
                )
            )  # fmt: skip
            position += len(text) + 2
        Chunk.objects.bulk_create(chunks)
        keys = [chunk.pk for chunk in chunks]
        store_embeddings(index, keys, vectors[first : first + PER_DOCUMENT])
        started = time.perf_counter()
        publish_version(version, index=index)
        seconds += time.perf_counter() - started
        ids += keys
    return collection, ids, seconds


@dataclass(slots=True)
class Run:
    """The answers of one mode to a set's questions: passages in order, and milliseconds."""

    found: list[list[str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    server_ms: float = 0.0
    own_ms: float = 0.0


def ask(
    collection: Collection, mode: Any, questions: Sequence[str], vectors: Any, names: dict[int, str]
) -> Run:
    """Ask one after the other, as one client does; CPU time of server process and of this one."""
    from apps.retrieval.search import SearchQuery, search

    run = Run()
    pid = backend_pid()
    server, own = cpu_seconds(pid), time.process_time()
    for text, vector in zip(questions, vectors, strict=True):
        query = SearchQuery(collection.workspace_id, [collection.pk], text, limit=10, mode=mode)
        started = time.perf_counter()
        result = search(query, vector=vector)
        run.times.append((time.perf_counter() - started) * 1000)
        run.found.append([names[hit.chunk_id] for hit in result.hits])
    run.server_ms = (cpu_seconds(pid) - server) * 1000 / len(questions)
    run.own_ms = (time.process_time() - own) * 1000 / len(questions)
    return run


def backend_pid() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ndcg(found: Sequence[str], relevant: dict[str, int], *, depth: int = 10) -> float:
    """Discounted gain of the first `depth` passages against the best possible order."""
    gain = sum(
        relevant.get(passage, 0) / math.log2(rank + 2) for rank, passage in enumerate(found[:depth])
    )
    best = sorted(relevant.values(), reverse=True)[:depth]
    return gain / sum(grade / math.log2(rank + 2) for rank, grade in enumerate(best))


def recall(found: Sequence[str], relevant: dict[str, int], *, depth: int) -> float:
    """The part of the relevant passages that is among the first `depth`."""
    return len(set(found[:depth]) & set(relevant)) / len(relevant)


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def describe_times(run: Run) -> list[str]:
    return [
        f"{percentile(run.times, 50):.1f}", f"{percentile(run.times, 95):.1f}",
        f"{run.server_ms:.1f}", f"{run.own_ms:.1f}",
    ]  # fmt: skip


TIMES = ("p50 ms", "p95 ms", "server CPU ms", "own CPU ms")


def measure_quality(
    workspace: Workspace, chosen: EvaluationSet, embedder: MiniLMEmbedder
) -> dict[str, float]:
    """Print nDCG@10 and R@5 of each mode; nDCG by mode."""
    vectors = embed_passages(chosen, embedder)
    texts = list(chosen.passages.values())
    collection, ids, seconds = load(workspace, chosen.name, texts, vectors)
    refresh_statistics()
    names = dict(zip(ids, chosen.passages, strict=True))
    questions = list(chosen.questions.values())
    asked = embedder.encode(questions)
    rows: list[tuple[str, ...]] = []
    scores: dict[str, float] = {}
    for mode in MODES:
        run = ask(collection, mode, questions, asked, names)
        pairs = [
            (found, chosen.relevant[key])
            for found, key in zip(run.found, chosen.questions, strict=True)
        ]
        scores[mode] = statistics.mean(ndcg(found, relevant) for found, relevant in pairs)
        recall_5 = statistics.mean(recall(found, relevant, depth=5) for found, relevant in pairs)
        rows.append((mode, f"{scores[mode]:.4f}", f"{recall_5:.4f}", *describe_times(run)))
    print(
        f"\n{chosen.name}: {len(texts):,} passages, {len(questions)} questions; publishing took "
        f"{1000 * seconds / len(texts):.2f} s per 1,000 passages"
    )
    print_table([("mode", "nDCG@10", "R@5", *TIMES), *rows])
    return scores


def measure_times(
    workspace: Workspace, sets: Sequence[EvaluationSet], embedder: MiniLMEmbedder
) -> None:
    """Print times at SIZES, and what HNSW finds of the exact top 10 at the largest."""
    from django.test import override_settings

    texts = [text for chosen in sets for text in chosen.passages.values()]
    vectors = np.concatenate([embed_passages(chosen, embedder) for chosen in sets])
    questions = [text for chosen in sets for text in list(chosen.questions.values())[:100]]
    asked = embedder.encode(questions)
    # Mixed, so that the small collection is about as many things as the large one.
    order = np.random.default_rng(7).permutation(len(texts))
    rows: list[tuple[str, ...]] = []
    for size in (size for size in SIZES if size <= len(texts)):
        part = order[:size]
        collection, ids, _ = load(
            workspace, f"{size} passages", [texts[i] for i in part], vectors[part]
        )
        refresh_statistics()
        names = {chunk_id: str(chunk_id) for chunk_id in ids}
        for mode in MODES:
            ask(collection, mode, questions[:20], asked[:20], names)  # warm
            with override_settings(EXACT_SCAN_CHUNKS=max(SIZES)):
                exact = ask(collection, mode, questions, asked, names)
            rows.append((f"{size:,}", mode, *describe_times(exact), ""))
        with override_settings(EXACT_SCAN_CHUNKS=0):
            large = ask(collection, "vector", questions, asked, names)
        with override_settings(EXACT_SCAN_CHUNKS=max(SIZES)):
            exact = ask(collection, "vector", questions, asked, names)
        agreement = statistics.mean(
            len(set(a) & set(b)) / len(b) for a, b in zip(large.found, exact.found, strict=True)
        )
        rows.append((f"{size:,}", "vector by HNSW", *describe_times(large), f"{agreement:.3f}"))
    print("\nTimes, one client")
    print_table([("passages", "mode", *TIMES, "recall@10"), *rows])


def refresh_statistics() -> None:
    """What autovacuum does within a minute."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def make_workspace() -> Workspace:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.workspaces.services import create_workspace, get_or_create_user

    owner, _ = get_or_create_user("bench@example.com")
    return create_workspace("Benchmark", owner=owner)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=sorted(SOURCES), default=["scifact", "squad2"])
    parser.add_argument("--queries", type=int, default=600, help="questions of each set at most")
    parser.add_argument("--no-times", action="store_true", help="quality only")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"The evaluation data is not here ({DATA}); nothing measured.")
        return 0
    if not is_built(MODELS):
        build_model(MODELS)
    embedder = MiniLMEmbedder.load(MODELS, workers=os.cpu_count() or 1)
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder,
        ephemeral_services(Path(folder), holder="bench-retrieval") as services,
    ):
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATA_DIR": folder,
            "DATABASE_URL": services.database_url,
            "REDIS_URL": services.redis_url,
            "MODELS_DIR": str(MODELS),
            "LOG_LEVEL": "ERROR",
        }
        return measure(arguments, embedder)


def measure(arguments: argparse.Namespace, embedder: MiniLMEmbedder) -> int:
    """Print everything; 1 if the lexical goal is missed."""
    from django.db import connection

    workspace = make_workspace()
    sets = [read_set(name, max_questions=arguments.queries) for name in arguments.sets]
    scores = {chosen.name: measure_quality(workspace, chosen, embedder) for chosen in sets}
    if not arguments.no_times:
        rest = [name for name in SOURCES if name not in arguments.sets]
        enough = sum(len(chosen.passages) for chosen in sets) >= max(SIZES)
        more = [] if enough else [read_set(name, max_questions=100) for name in rest]
        measure_times(workspace, [*sets, *more], embedder)
    connection.close()
    reached = scores.get("scifact", {"lexical": 1.0})["lexical"] >= LEXICAL_GOAL
    print(f"\nscifact lexical nDCG@10 at least {LEXICAL_GOAL}: {'yes' if reached else 'NO'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
