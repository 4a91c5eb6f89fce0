"""1 MB of Markdown pages from upload to ready, beside the raw embedder and beside LangChain.

    make bench-ingest        or   python -m tests.benchmarks.bench_ingest [--megabytes 1.0]

All run on the same cores, one after the other. Where the worker uses OpenVINO, everything is
measured with it and, in an installation of its own, with onnxruntime, whose vectors are exact.

The product's time runs from the first byte of the
first upload until the last document is ready: transfer, parsing, splitting, embedding, lexical
index and vector index included. The raw embedder's time is that of one call with the product's own
passages. LangChain gets the same files as text, its model loaded before, and splits them as its
manual does (1,000 characters, 200 of them overlapping); `--same-passages` gives it the product's.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from inference.minilm.build import locate_source
from inference.minilm.embedder import Backend, MiniLMEmbedder
from inference.minilm.sessions import prefers_openvino
from tests.benchmarks.harness import (
    DATA,
    ROOT,
    BenchmarkError,
    Stack,
    await_documents,
    print_table,
    processor_seconds,
    running_stack,
)

PAGES = DATA / "awsdocs-pub" / "docs"
PEERS = ROOT / ".venv" / "peers" / "bin" / "python"
CONNECTIONS = 4
MEGABYTE = 1_000_000
GOAL_OF_RAW = 0.8
GOAL_OF_LANGCHAIN = 3.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One contestant's time for all passages."""

    name: str
    seconds: float
    chunks: int

    @property
    def pace(self) -> float:
        """Passages per second."""
        return self.chunks / self.seconds


def choose_pages(megabytes: float) -> list[Path]:
    """The same mixture of pages at every run, about this large."""
    chosen, size = [], 0.0
    for path in sorted(PAGES.rglob("*.md"), key=_shuffle_key):
        if size >= megabytes * MEGABYTE:
            break
        chosen.append(path)
        size += path.stat().st_size
    return chosen


def _shuffle_key(path: Path) -> str:
    return hashlib.sha256(str(path.relative_to(PAGES)).encode()).hexdigest()


def upload_all(stack: Stack, collection: str, paths: list[Path]) -> list[str]:
    """Upload over a few connections at once; the documents' ids."""
    waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for path in paths:
        waiting.put(path)
    ids: list[str] = []
    errors: list[BaseException] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=120)
        try:
            while True:
                path = waiting.get_nowait()
                name = str(path.relative_to(PAGES))
                answer = stack.upload(
                    collection, name=name, content=path.read_bytes(), connection=connection
                )
                ids.append(answer["id"])
        except queue.Empty:
            return
        except BaseException as error:  # told after the join
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sorted(set(ids))


def measure_product(stack: Stack, paths: list[Path]) -> Measured:
    """Upload everything and wait until everything is ready."""
    _warm_up(stack)
    collection = stack.create_collection("Pages")
    before = processor_seconds(stack)
    started = time.perf_counter()
    ids = upload_all(stack, collection, paths)
    uploaded = time.perf_counter()
    states = await_documents(stack, ids, timeout_s=600)
    seconds = time.perf_counter() - started
    if set(states) != {"ready"}:
        raise BenchmarkError(f"Not all are ready: {states}")
    print(f"uploads took {uploaded - started:.1f} s of {seconds:.1f} s", flush=True)
    used = {name: t - before.get(name, 0.0) for name, t in processor_seconds(stack).items()}
    parts = (f"{name} {t:.1f}" for name, t in sorted(used.items(), key=lambda x: -x[1]) if t > 0.05)
    print("processor seconds:", ", ".join(parts), flush=True)
    return Measured("Plumbline, upload to ready", seconds, len(read_texts(stack)))


def _warm_up(stack: Stack) -> None:
    """As at any time but the first minute, the worker has its model loaded."""
    collection = stack.create_collection("Warm-up")
    document = stack.upload(collection, name="warm.md", content=b"# Warm-up\n\nOne short page.\n")
    await_documents(stack, [document["id"]], timeout_s=120)


def read_texts(stack: Stack) -> list[str]:
    """What was embedded for the collection, in reading order."""
    rows = stack.query(
        "SELECT c.heading, c.text FROM chunking_chunk c "
        "JOIN documents_documentversion v ON v.id = c.version_id "
        "JOIN documents_document d ON d.id = v.document_id "
        "JOIN documents_collection k ON k.id = d.collection_id "
        "WHERE k.name = 'Pages' ORDER BY d.name, c.position"
    )
    return [f"{heading}\n{text}" if heading else text for heading, text in rows]


def measure_raw(stack: Stack, texts: list[str], *, backend: Backend) -> Measured:
    """The bare embedder with as many cores as the worker has."""
    workers = int(os.environ.get("EMBEDDER_WORKERS") or os.cpu_count() or 2)
    embedder = MiniLMEmbedder.load(stack.data_dir / "models", workers=workers, backend=backend)
    embedder.encode(texts)  # the first run compiles for the shapes of batches
    started = time.perf_counter()
    embedder.encode(texts)
    seconds = time.perf_counter() - started
    embedder.close()
    return Measured(f"raw embedder, {backend}", seconds, len(texts))


def list_backends() -> list[Backend]:
    """What the worker uses on this machine, and the exact one if that is another."""
    chosen = os.environ.get("EMBEDDER_BACKEND", "auto")
    if chosen != "auto":
        return [cast(Backend, chosen)]
    return ["openvino", "onnxruntime"] if prefers_openvino() else ["onnxruntime"]


def measure_langchain(stack: Stack, texts: list[str], *, split: bool) -> Measured | None:
    """LangChain in its own environment, in a table of its own on the same server."""
    if not PEERS.exists():
        print("LangChain is left out: run `make bench-ingest`, which installs it in .venv/peers.")
        return None
    script = ROOT / "tests" / "benchmarks" / "peers" / "langchain_ingest.py"
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(texts, file)
        file.flush()
        database, model = stack.runtime.database_url, str(locate_source())
        options = ["--split"] if split else []
        done = subprocess.run(
            [str(PEERS), str(script), file.name, database, model, *options],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        )
    if done.returncode:
        print(f"LangChain failed:\n{done.stderr[-1500:]}")
        return None
    result = json.loads(done.stdout.splitlines()[-1])
    name = "LangChain + PGVector" + ("" if split else ", same passages")
    return Measured(name, result["seconds"], result["passages"])


@dataclass(frozen=True, slots=True)
class Comparison:
    """The product with one engine, beside that engine alone and, with the fast one, LangChain."""

    product: Measured
    raw: Measured
    peer: Measured | None

    def report(self) -> None:
        """Print the table. Ratios are of the seconds."""
        rows: list[tuple[str, ...]] = [("", "seconds", "passages", "passages/s", "Plumbline is")]
        for one in [self.product, self.raw, *([self.peer] if self.peer else [])]:
            ratio = "" if one is self.product else f"{one.seconds / self.product.seconds:.2f} x"
            rows.append((one.name, f"{one.seconds:.1f}", str(one.chunks), f"{one.pace:.1f}", ratio))
        print()
        print_table(rows)
        print(flush=True)


def compare(paths: list[Path], *, backend: Backend, options: argparse.Namespace) -> Comparison:
    """Measure one engine in an installation of its own."""
    with running_stack(variables={"EMBEDDER_BACKEND": backend}) as stack:
        product = measure_product(stack, paths)
        texts = read_texts(stack)
        raw = measure_raw(stack, texts, backend=backend)
        peer = None
        if not options.no_langchain:
            files = [path.read_text("utf-8", errors="replace") for path in paths]
            split = not options.same_passages
            peer = measure_langchain(stack, files if split else texts, split=split)
    named = Measured(f"{product.name}, {backend}", product.seconds, product.chunks)
    return Comparison(named, raw, peer)


def judge(found: dict[Backend, Comparison]) -> bool:
    """Whether the goals are met: 80 % beside exact arithmetic, 3 times LangChain at our best."""
    met = True
    exact, best = found.get("onnxruntime"), next(iter(found.values()))
    if exact is not None:
        ratio = exact.raw.seconds / exact.product.seconds
        met = ratio >= GOAL_OF_RAW
        print(f"share of the raw embedder's pace, float32: {ratio:.2f} (goal {GOAL_OF_RAW:.2f})")
    if best.peer is not None:
        ratio = best.peer.seconds / best.product.seconds
        met = met and ratio >= GOAL_OF_LANGCHAIN
        print(f"times LangChain's pace: {ratio:.2f} (goal {GOAL_OF_LANGCHAIN:.0f})")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=1.0)
    parser.add_argument("--no-langchain", action="store_true")
    parser.add_argument("--same-passages", action="store_true")
    options = parser.parse_args()
    if not PAGES.is_dir():
        print(f"Skipped: the pages are not at {PAGES}.")
        return 0
    paths = choose_pages(options.megabytes)
    size = sum(path.stat().st_size for path in paths)
    print(f"{len(paths)} files, {size / MEGABYTE:.2f} MB", flush=True)
    found: dict[Backend, Comparison] = {}
    for backend in list_backends():
        found[backend] = compare(paths, backend=backend, options=options)
        found[backend].report()
        options.no_langchain = True  # once, beside the engine that this machine uses
    return 0 if judge(found) else 1


if __name__ == "__main__":
    sys.exit(main())
