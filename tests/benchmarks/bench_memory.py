"""Idle memory of the whole installation without a model server.

    make bench-memory      or   python -m tests.benchmarks.bench_memory

Two states: just started, and a while after documents were read and questions answered, because
memory that does not come back is what people of other platforms complain about. Figures are
proportional set sizes (PSS), so that pages shared between processes count once.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict

import psutil

from tests.benchmarks.harness import (
    DATA,
    BenchmarkError,
    Stack,
    await_documents,
    name_program,
    print_table,
    running_stack,
)

SETTLE_S = 20
IDLE_S = 75
"""Long enough for the worker to put its model away."""
GOAL_MB = 1_000


def measure(stack: Stack) -> dict[str, float]:
    """Megabytes by program, of the supervisor and all that it started."""
    root = psutil.Process(stack.process.pid)
    sums: dict[str, float] = defaultdict(float)
    for process in [root, *root.children(recursive=True)]:
        try:
            sums[name_program(process)] += process.memory_full_info().pss / 1e6
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return dict(sums)


def work(stack: Stack) -> None:
    """Read some real files and answer some questions."""
    folder = DATA / "mixed-docs-pub" / "files"
    if not folder.is_dir():
        raise BenchmarkError(f"{folder} is not there; this benchmark reads its files.")
    collection = stack.create_collection("Files")
    files = sorted(folder.glob("*.*"))
    ids = [stack.upload(collection, name=f.name, content=f.read_bytes())["id"] for f in files]
    await_documents(stack, ids, timeout_s=600)
    _, assistant = stack.call("POST", "assistants/", {"name": "A", "collections": [collection]})
    for number in range(20):
        ask(stack, str(assistant["slug"]), f"What does section {number} say about the layout?")


def ask(stack: Stack, slug: str, question: str) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    body = {"model": slug, "messages": [{"role": "user", "content": question}]}
    headers = {"Authorization": f"Bearer {stack.key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise BenchmarkError(f"Chat: {answer.status} {answer.read()!r}")
    connection.close()


def main() -> None:
    with running_stack() as stack:
        time.sleep(SETTLE_S)
        fresh = measure(stack)
        work(stack)
        time.sleep(IDLE_S)
        after = measure(stack)
    rows = [("program", "just started", "idle after 70 files and 20 answers")]
    for name in sorted(fresh | after):
        rows.append((name, f"{fresh.get(name, 0):.0f} MB", f"{after.get(name, 0):.0f} MB"))
    rows.append(("all", f"{sum(fresh.values()):.0f} MB", f"{sum(after.values()):.0f} MB"))
    print_table(rows)
    print(f"\nGoal: under {GOAL_MB} MB without a model server.")
    if max(sum(fresh.values()), sum(after.values())) >= GOAL_MB:
        raise SystemExit("The goal is missed.")


if __name__ == "__main__":
    main()
