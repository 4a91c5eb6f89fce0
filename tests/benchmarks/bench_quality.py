"""Search quality on nine public sets, beside bm25s and exact MiniLM search of the same run.

    python -m tests.benchmarks.bench_quality [--sets scifact squad2] [--questions 600] [--fresh]

Passages are stored and published by the product's own services in a database of its own, and
asked for through `retrieve`, as chat, pages and API do. The two references search the very same
passages (text with its title or heading path), and one function scores everybody: `bm25s` with
its Lucene variant, English stop words and the Snowball stemmer; MiniLM by the cosine of
float32 vectors with all passages. Nothing is fitted to these sets: profiles are the ones a new
assistant gets. Vectors (some minutes) are kept in data/bench for the next run.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bm25s
import numpy as np
import Stemmer

from config.embedded import ephemeral_services
from inference.minilm.build import build_model
from inference.minilm.embedder import MiniLMEmbedder
from inference.minilm.files import is_built
from tests.benchmarks.harness import DATA, ROOT, print_table
from tests.benchmarks.quality_data import NAMES, QualitySet, Unit, read_set
from tests.benchmarks.search_load import bring_up_to_date

if TYPE_CHECKING:
    from apps.documents.models import Collection
    from apps.workspaces.models import Workspace

MODELS = ROOT / "data" / "models"
CACHE = ROOT / "data" / "bench"
FOUND = 50
PER_DOCUMENT = 50
REFERENCES = ("bm25s", "MiniLM exact")
OURS = ("lexical", "vector", "hybrid by rank", "default")

Ranking = list[list[int]]
"""For each question the numbers of the passages found, the best first."""

SCIFACT_LEXICAL = 0.665
BM25_SLACK = 0.01
MEAN_GAIN = 0.02
FINANCIAL = {"tatqa", "sec10q"}
"""Where words must win: the default shall lose nothing. The gain is measured on the others."""
CHUNKEVAL_RECALL = 0.90


@dataclass(frozen=True, slots=True)
class Measured:
    """The metric of each system on one set, and milliseconds of `retrieve` without embedding."""

    scores: dict[str, float]
    times: dict[str, float]

    @property
    def gain(self) -> float:
        """Of the default profile over the better of its parts."""
        return self.scores["default"] - max(self.scores["lexical"], self.scores["vector"])


def profiles() -> dict[str, Any]:
    """The profiles to compare, each with room for every metric."""
    from apps.retrieval.search.profiles import DEFAULT_PROFILE

    default = replace(DEFAULT_PROFILE, limit=FOUND)
    return {
        "lexical": replace(default, mode="lexical"),
        "vector": replace(default, mode="vector"),
        "hybrid by rank": replace(default, fusion="rrf"),
        "default": default,
    }


def embed(chosen: QualitySet, embedder: MiniLMEmbedder, *, fresh: bool) -> Any:
    """Vectors of shape (passages, 384), from the cache if the same passages are there."""
    texts = [unit.full for unit in chosen.units]
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
    path = CACHE / f"quality-{chosen.name}-{digest}.npy"
    if path.exists() and not fresh:
        return np.load(path)
    print(f"embedding {len(texts):,} passages of {chosen.name} ...", flush=True)
    vectors = embedder.encode(texts)
    CACHE.mkdir(parents=True, exist_ok=True)
    np.save(path, vectors)
    return vectors


def load(
    workspace: Workspace, chosen: QualitySet, vectors: Any
) -> tuple[Collection, dict[int, int]]:
    """A collection with these passages, and the number of each by its id."""
    from apps.documents.models import Collection

    collection = Collection.objects.create(workspace=workspace, name=chosen.name)
    numbers: dict[int, int] = {}
    for group in _group(chosen.units):
        ids = _store(collection, chosen.units, group, vectors)
        numbers |= dict(zip(ids, group, strict=True))
    bring_up_to_date(collection.indexes.get())
    return collection, numbers


def _group(units: Sequence[Unit]) -> list[list[int]]:
    """A document's passages together; documents of one passage many in one, which is faster."""
    groups: list[list[int]] = []
    for number, unit in enumerate(units):
        last = units[groups[-1][-1]] if groups else None
        is_same = last is not None and last.document == unit.document
        may_join = last is not None and unit.start == last.start == 0
        if groups and (is_same or (may_join and len(groups[-1]) < PER_DOCUMENT)):
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _store(
    collection: Collection, units: Sequence[Unit], group: Sequence[int], vectors: Any
) -> list[int]:
    from apps.chunking.models import Chunk
    from apps.documents.models import Document, DocumentVersion
    from apps.retrieval.indexes.services import ensure_live_index, publish_version, store_embeddings

    index = ensure_live_index(collection)
    workspace = collection.workspace
    is_one = units[group[0]].document == units[group[-1]].document
    name = units[group[0]].document if is_one else f"{collection.name} {group[0]}"
    document = Document.objects.create(workspace=workspace, collection=collection, name=name)
    version = DocumentVersion.objects.create(
        workspace=workspace, document=document, number=1, filename=document.name
    )
    chunks, offset = [], 0
    for position, number in enumerate(group):
        unit = units[number]
        start = unit.start if is_one else offset
        chunks.append(
            Chunk(
                workspace=workspace, version=version, profile=index.profile, position=position,
                text=unit.text, heading=unit.heading[:500], table_head=unit.table_head,
                start=start, end=start + len(unit.text), num_tokens=1,
                first_page=max(unit.page, 1), last_page=max(unit.page, 1),
            )
        )  # fmt: skip
        offset += len(unit.text) + 2
    Chunk.objects.bulk_create(chunks)
    ids = [chunk.pk for chunk in chunks]
    store_embeddings(index, ids, vectors[list(group)])
    publish_version(version, index=index)
    return ids


def rank_by_bm25s(chosen: QualitySet) -> Ranking:
    """The reference for words."""
    stemmer = Stemmer.Stemmer("english")

    def tokenize(texts: list[str]) -> Any:
        return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    retriever = bm25s.BM25()
    retriever.index(tokenize([unit.full for unit in chosen.units]), show_progress=False)
    depth = min(FOUND, len(chosen.units))
    questions = tokenize(list(chosen.questions.values()))
    found, _ = retriever.retrieve(questions, k=depth, show_progress=False)
    return [list(map(int, row)) for row in found]


def rank_exactly(vectors: Any, asked: Any) -> Ranking:
    """The reference for meaning."""
    return [list(map(int, np.argsort(-(vectors @ vector))[:FOUND])) for vector in asked]


def rank_ours(
    collection: Collection, profile: Any, questions: Sequence[str], asked: Any, numbers: Any
) -> tuple[Ranking, float]:
    """Through the product; with the median milliseconds of a question, its vector given."""
    from apps.retrieval.search.pipeline import RetrievalRequest, retrieve

    found: Ranking = []
    times: list[float] = []
    for text, vector in zip(questions, asked, strict=True):
        request = RetrievalRequest(collection.workspace_id, [collection.pk], text, profile)
        started = time.perf_counter()
        result = retrieve(request, vector=vector)
        times.append((time.perf_counter() - started) * 1000)
        found.append([numbers[hit.chunk_id] for hit in result.hits])
    return found, statistics.median(times)


def measure_set(
    workspace: Workspace, chosen: QualitySet, embedder: MiniLMEmbedder, *, fresh: bool
) -> Measured:
    """All systems on one set."""
    vectors = embed(chosen, embedder, fresh=fresh)
    asked = embedder.encode(list(chosen.questions.values()))
    collection, numbers = load(workspace, chosen, vectors)
    refresh_statistics()
    questions = list(chosen.questions.values())
    rankings: dict[str, Ranking] = {
        "bm25s": rank_by_bm25s(chosen),
        "MiniLM exact": rank_exactly(vectors, asked),
    }
    times: dict[str, float] = {}
    for name, profile in profiles().items():
        rankings[name], times[name] = rank_ours(collection, profile, questions, asked, numbers)
    return Measured({name: _mean_score(chosen, found) for name, found in rankings.items()}, times)


def _mean_score(chosen: QualitySet, rankings: Ranking) -> float:
    return statistics.mean(
        chosen.score(question, [chosen.units[number] for number in found])
        for question, found in zip(chosen.questions, rankings, strict=True)
    )


def refresh_statistics() -> None:
    """What autovacuum does within a minute."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def report(sets: Sequence[QualitySet], results: dict[str, Measured]) -> bool:
    """Print both tables and the goals; True if all that could be checked are reached."""
    systems = (*REFERENCES, *OURS)
    rows: list[tuple[str, ...]] = [("set", "metric", "passages", "questions", *systems, "gain")]
    for chosen in sets:
        measured = results[chosen.name]
        scores = [f"{measured.scores[name]:.4f}" for name in systems]
        counts = f"{len(chosen.units):,}", f"{len(chosen.questions):,}"
        rows.append((chosen.name, chosen.metric, *counts, *scores, f"{measured.gain:+.4f}"))
    print()
    print_table(rows)
    print("gain: of the default profile over the better of lexical and vector\n")
    print_table(
        [
            ("median ms, question embedded before", *OURS),
            *((c.name, *(f"{results[c.name].times[name]:.1f}" for name in OURS)) for c in sets),
        ]
    )
    print()
    reached = True
    for goal, is_met in check_goals(results):
        print(f"{'yes' if is_met else 'NO '}  {goal}")
        reached = reached and is_met
    return reached


def check_goals(results: dict[str, Measured]) -> list[tuple[str, bool]]:
    """What issue and docs promise, for the sets that were measured."""
    gains = [measured.gain for measured in results.values()]
    mean = statistics.mean(
        [measured.gain for name, measured in results.items() if name not in FINANCIAL] or [0.0]
    )
    goals: list[tuple[str, Callable[[], bool], set[str]]] = [
        (
            f"lexical within {BM25_SLACK} of bm25s, or better, on every set",
            lambda: all(
                m.scores["lexical"] >= m.scores["bm25s"] - BM25_SLACK for m in results.values()
            ),
            set(),
        ),
        (
            f"scifact: lexical nDCG@10 at least {SCIFACT_LEXICAL}",
            lambda: results["scifact"].scores["lexical"] >= SCIFACT_LEXICAL,
            {"scifact"},
        ),
        (
            "the default profile at least as good as the better of its parts on every set",
            lambda: min(gains) >= 0,
            set(),
        ),
        (
            f"and better by at least {MEAN_GAIN} on average of the others ({mean:+.4f})",
            lambda: mean >= MEAN_GAIN,
            set(NAMES) - FINANCIAL,
        ),
        (
            f"chunkeval: recall at least {CHUNKEVAL_RECALL}",
            lambda: results["chunkeval"].scores["default"] >= CHUNKEVAL_RECALL,
            {"chunkeval"},
        ),
    ]
    return [(goal, check()) for goal, check, needed in goals if needed <= set(results)]


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
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--questions", type=int, default=600, help="of each set at most")
    parser.add_argument("--fresh", action="store_true", help="embed the passages again")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"The evaluation data is not here ({DATA}); nothing measured.")
        return 0
    if not is_built(MODELS):
        build_model(MODELS)
    embedder = MiniLMEmbedder.load(MODELS, workers=os.cpu_count() or 1)
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder,
        ephemeral_services(Path(folder), holder="bench-quality") as services,
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
    """Print everything; 1 if a goal is missed."""
    from django.db import connection

    workspace = make_workspace()
    sets: list[QualitySet] = []
    results: dict[str, Measured] = {}
    for name in arguments.sets:
        chosen = read_set(
            name, count_tokens=embedder.count_tokens, max_questions=arguments.questions
        )
        results[name] = measure_set(workspace, chosen, embedder, fresh=arguments.fresh)
        sets.append(chosen)
    connection.close()
    return 0 if report(sets, results) else 1


if __name__ == "__main__":
    sys.exit(main())
