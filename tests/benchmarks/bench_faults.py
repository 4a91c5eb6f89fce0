"""What survives: kill -9 of the worker, a purged Redis, a killed Postgres, a dying model server.

    make bench-faults        or   python -m tests.benchmarks.bench_faults [--seed N] [--kills 10]

A 200-page PDF and some small files are uploaded to an installation of their own. The worker is
killed at random points of the work (the seed is printed), then Redis is flushed, then Postgres is
killed, each while documents are on their way. In the end every document must be ready, and every
page, passage, vector and posting must be there exactly once, as after an undisturbed upload. At
last ten short files are uploaded beside a log of 50,000 lines, and must be found while it goes on.
Then installations of their own meet a full disk, kill -9 of the supervisor, and a restored backup.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from config.servers import wait_until
from inference.stub_server import serve_in_thread
from tests.benchmarks.fault_operations import check_operations
from tests.benchmarks.fault_shares import check_shares
from tests.benchmarks.harness import (
    DATA,
    BenchmarkError,
    Stack,
    await_documents,
    print_table,
    running_stack,
)
from tests.pdf import write_pdf

TEXT = DATA / "awsdocs-pub" / "docs"
PDF_PAGES = 200
CHARS_A_PAGE = 2_500
SMALL_FILES = 12
LONGEST_ADVANCE = 150
"""Pages and passages that a worker gets done at most before it is killed."""

TIMEOUT_S = 900.0

CHECKS = {
    "versions that are not ready": """
        SELECT count(*) FROM documents_documentversion WHERE state <> 'ready'""",
    "documents without a current version": """
        SELECT count(*) FROM documents_document WHERE current_id IS NULL""",
    "jobs that did not succeed": """
        SELECT count(*) FROM core_job WHERE state <> 'succeeded'""",
    "versions whose pages have gaps or doubles": """
        SELECT count(*) FROM documents_documentversion v LEFT JOIN LATERAL (
            SELECT count(*) AS n, count(DISTINCT number) AS d, max(number) AS m
            FROM documents_page WHERE version_id = v.id) p ON true
        WHERE NOT (p.n = p.d AND p.n = p.m AND p.n = v.pages_total AND p.n = v.pages_done)""",
    "pages whose offsets do not follow on": """
        SELECT count(*) FROM (
            SELECT start, "end", length(text) AS size,
                   lag("end", 1, -2) OVER (PARTITION BY version_id ORDER BY number) AS before
            FROM documents_page) p
        WHERE start <> before + 2 OR "end" <> start + size""",
    "versions whose passages have gaps or doubles": """
        SELECT count(*) FROM documents_documentversion v LEFT JOIN LATERAL (
            SELECT count(*) AS n, count(DISTINCT position) AS d, max(position) AS m
            FROM chunking_chunk WHERE version_id = v.id) c ON true
        WHERE NOT (c.n > 0 AND c.n = c.d AND c.n = c.m + 1 AND c.n = v.num_chunks)""",
    "passages that are not the text at their place": """
        SELECT count(*) FROM chunking_chunk c JOIN (
            SELECT version_id, string_agg(text, E'\\n\\n' ORDER BY number) AS text
            FROM documents_page GROUP BY version_id) full_text USING (version_id)
        WHERE c.text <> substr(full_text.text, c.start + 1, c."end" - c.start)""",
    "passages without exactly one vector": """
        SELECT count(*) FROM (
            SELECT c.id FROM chunking_chunk c LEFT JOIN retrieval_embedding e ON e.chunk_id = c.id
            GROUP BY c.id HAVING count(e.id) <> 1) wrong""",
    "vectors without a passage": """
        SELECT count(*) FROM retrieval_embedding e
        WHERE NOT EXISTS (SELECT 1 FROM chunking_chunk c WHERE c.id = e.chunk_id)""",
    "passages without postings, or with wrong lengths": """
        SELECT count(*) FROM (
            SELECT c.id FROM chunking_chunk c LEFT JOIN retrieval_posting p ON p.chunk_id = c.id
            GROUP BY c.id HAVING sum(p.frequency) IS DISTINCT FROM max(p.length)) wrong""",
    "indexes whose counters are wrong": """
        SELECT count(*) FROM retrieval_index i LEFT JOIN LATERAL (
            SELECT count(*) AS n, coalesce(sum(length), 0) AS total FROM (
                SELECT DISTINCT chunk_id, length FROM retrieval_posting WHERE index_id = i.id
            ) passages) p ON true
        WHERE p.n <> i.num_chunks OR p.total <> i.total_length""",
}


def make_pages() -> list[str]:
    """Real sentences enough for the PDF, the same at every run."""
    text = " ".join(path.read_text("utf-8") for path in sorted(TEXT.rglob("*.md"))[:200])
    words = re.sub(r"[^\x20-\x7e]+", " ", text)
    words = " ".join(words.split())
    return [
        f"Page {number}. " + words[number * CHARS_A_PAGE : (number + 1) * CHARS_A_PAGE]
        for number in range(1, PDF_PAGES + 1)
    ]


def small_files(count: int, *, skip: int = 0) -> list[Path]:
    """Some Markdown pages of ordinary size."""
    paths = [path for path in sorted(TEXT.rglob("*.md")) if 1500 < path.stat().st_size < 9000]
    return paths[skip : skip + count]


def find_child(stack: Stack, marks: list[str]) -> int | None:
    """The process id of the supervisor's child whose command line has these words."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except (OSError, IndexError):
            continue
        if parent == stack.process.pid and all(mark in command for mark in marks):
            return int(folder.name)
    return None


def kill_child(stack: Stack, marks: list[str]) -> int:
    """kill -9 one of the supervisor's children."""
    found: list[int] = []

    def look() -> bool:
        pid = find_child(stack, marks)
        if pid is not None:
            found.append(pid)
        return pid is not None

    if not wait_until(look, timeout_s=60):
        raise BenchmarkError(f"There is no process with {marks}")
    os.kill(found[-1], signal.SIGKILL)
    return found[-1]


def describe_work(stack: Stack) -> str:
    """How far the documents are, for the log."""
    ((pages, done, chunks),) = stack.query(
        "SELECT coalesce(sum(pages_done), 0), coalesce(sum(chunks_done), 0), "
        "coalesce(sum(num_chunks), 0) FROM documents_documentversion"
    )
    return f"{pages} pages read, {done} of {chunks} passages embedded"


def is_working(stack: Stack, since: float) -> Callable[[], bool]:
    """Whether a job was claimed after this moment and is being worked on."""

    def look() -> bool:
        sql = (
            "SELECT count(*) FROM core_job WHERE state = 'running' "
            "AND started_at > to_timestamp(%s)"
        )
        return bool(stack.query(sql, since)[0][0])

    return look


def count_done(stack: Stack) -> int:
    """Pages read and passages embedded so far."""
    sql = "SELECT coalesce(sum(pages_done + chunks_done), 0) FROM documents_documentversion"
    return int(stack.query(sql)[0][0])


def has_done(stack: Stack, target: int) -> Callable[[], bool]:
    """Whether so many pages and passages are done; looks ten times a second."""

    def look() -> bool:
        time.sleep(0.1)
        return count_done(stack) >= target

    return look


def kill_worker(stack: Stack, dice: random.Random, *, kills: int) -> None:
    """Let each worker get a random number of pages and passages done, then kill it."""
    since = 0.0
    for number in range(1, kills + 1):
        if not wait_until(is_working(stack, since), timeout_s=90):
            raise BenchmarkError("The documents were ready before the last kill: use more text.")
        target = count_done(stack) + dice.randint(0, LONGEST_ADVANCE)
        if not wait_until(has_done(stack, target), timeout_s=120):
            raise BenchmarkError(f"Nothing goes on any more: {describe_work(stack)}")
        since = time.time()
        work = describe_work(stack)
        pid = kill_child(stack, ["celery", "workers.celery", "--pool"])
        print(f"kill {number:2}: worker {pid}: {work}", flush=True)


def flush_redis(stack: Stack) -> None:
    """Everything that the broker holds is gone."""
    redis.Redis.from_url(stack.runtime.redis_url).flushall()
    print("Redis flushed", flush=True)


def kill_postgres(stack: Stack) -> None:
    """kill -9 of the postmaster: every connection breaks, and it recovers from its log."""
    work = describe_work(stack)
    pid = kill_child(stack, ["postgres", "-D"])
    print(f"Postgres {pid} killed: {work}", flush=True)

    def answers() -> bool:
        try:
            return bool(stack.query("SELECT 1"))
        except Exception:
            return False

    if not wait_until(answers, timeout_s=90):
        raise BenchmarkError("Postgres did not come back")


def upload_small(stack: Stack, collection: str, *, skip: int) -> list[str]:
    paths = small_files(SMALL_FILES, skip=skip)
    return [
        stack.upload(collection, name=path.name, content=path.read_bytes())["id"] for path in paths
    ]


def disturb(stack: Stack, dice: random.Random, *, kills: int) -> list[str]:
    """All the faults of the ingestion, one after the other; the documents that went through."""
    collection = stack.create_collection("Disturbed")
    pages = make_pages()
    ids = [stack.upload(collection, name="big.pdf", content=write_pdf(pages))["id"]]
    ids += upload_small(stack, collection, skip=0)
    kill_worker(stack, dice, kills=kills)
    await_documents(stack, ids, timeout_s=TIMEOUT_S)
    ids += upload_small(stack, collection, skip=SMALL_FILES)
    flush_redis(stack)
    await_documents(stack, ids, timeout_s=TIMEOUT_S)
    ids.append(stack.upload(collection, name="half.pdf", content=write_pdf(pages[:80]))["id"])
    wait_until(is_working(stack, time.time() - 5), timeout_s=60)
    time.sleep(dice.uniform(1.0, 3.0))
    kill_postgres(stack)
    await_documents(stack, ids, timeout_s=TIMEOUT_S)
    return ids


def compare_undisturbed(stack: Stack) -> int:
    """Upload the PDF once more, in peace; how many passages differ from the disturbed ones."""
    collection = stack.create_collection("Undisturbed")
    content = write_pdf(make_pages())
    document = stack.upload(collection, name="big.pdf", content=content)["id"]
    await_documents(stack, [document], timeout_s=TIMEOUT_S)
    sql = """
        WITH passages AS (
            SELECT k.name AS place, c.position, c.start, c."end", md5(c.text) AS text
            FROM chunking_chunk c JOIN documents_documentversion v ON v.id = c.version_id
            JOIN documents_document d ON d.id = v.document_id
            JOIN documents_collection k ON k.id = d.collection_id WHERE d.name = 'big.pdf')
        SELECT count(*) FROM (
            SELECT position, start, "end", text FROM passages
            GROUP BY 1, 2, 3, 4 HAVING count(DISTINCT place) <> 2 OR count(*) <> 2) different"""
    return int(stack.query(sql)[0][0])


def check_all(stack: Stack) -> bool:
    """Run every check on the database and print what it found."""
    rows: list[tuple[str, ...]] = [("check", "found")]
    faults = 0
    for name, sql in CHECKS.items():
        ((count,),) = stack.query(sql)
        faults += int(count)
        rows.append((name, str(count)))
    different = compare_undisturbed(stack)
    rows.append(("passages unlike those of an undisturbed upload", str(different)))
    ((documents, chunks),) = stack.query(
        "SELECT (SELECT count(*) FROM documents_document), (SELECT count(*) FROM chunking_chunk)"
    )
    print_table(rows)
    print(f"{documents} documents, {chunks} passages\n")
    return faults + different == 0


def ask(stack: Stack, model: str, question: str) -> tuple[str, str]:
    """Stream an answer; its text, and the error or the reason with which it ended."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": question}]}
    headers = {"Authorization": f"Bearer {stack.key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(), headers)
    text, end = "", ""
    for line in connection.getresponse().read().decode().splitlines():
        if not line.startswith("data: ") or line == "data: [DONE]":
            continue
        event: dict[str, Any] = json.loads(line[6:])
        if "error" in event:
            end = "error"
        for choice in event.get("choices", []):
            text += choice["delta"].get("content") or ""
            end = choice.get("finish_reason") or end
    connection.close()
    return text, end


def check_model_faults(stack: Stack) -> bool:
    """A model server that dies in the middle of its answer, and one that answers the next time."""
    collection = stack.call("GET", "collections/")[1]["results"][0]["id"]
    with serve_in_thread() as stub:
        endpoint = {"name": "Stub", "base_url": stub.base_url, "model": "stub", "api_key": ""}
        status, made = stack.call("POST", "endpoints/", endpoint)
        if status != 201:
            raise BenchmarkError(f"Endpoint: {status} {made!r}")
        status, assistant = stack.call(
            "POST", "assistants/", {"name": "Faults", "collections": [collection]}
        )
        if status != 201:
            raise BenchmarkError(f"Assistant: {status} {assistant!r}")
        stack.call("PATCH", f"assistants/{assistant['id']}/", {"endpoint": made["id"]})
        question = "Which Lambda runtimes are there?"
        broken = ask(stack, assistant["slug"], f"{question} [[stub:mid_stream]]")
        sound = ask(stack, assistant["slug"], question)
    states = [
        str(state)
        for (state,) in stack.query(
            "SELECT state FROM chat_message WHERE author = 'assistant' ORDER BY created_at"
        )
    ]
    print(f"model server died mid-stream: {len(broken[0])} characters, then {broken[1]!r}")
    print(f"asked again: {len(sound[0])} characters, then {sound[1]!r}")
    print(f"answers in the database: {', '.join(states)}\n")
    return broken[1] == "error" and sound[1] == "stop" and states == ["interrupted", "done"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--only-operations", action="store_true", help="skip the ingestion")
    options = parser.parse_args()
    if options.only_operations:
        return 0 if check_operations() else 1
    if not TEXT.is_dir():
        print(f"Skipped: the text is not at {TEXT}.")
        return 0
    print(f"seed {options.seed}", flush=True)
    with running_stack() as stack:
        started = time.perf_counter()
        disturb(stack, random.Random(options.seed), kills=options.kills)
        print(f"all documents ended after {time.perf_counter() - started:.0f} s\n", flush=True)
        kept = check_all(stack)
        answered = check_model_faults(stack)
        shared = check_shares(stack, seed=options.seed)
    print("nothing lost, nothing doubled" if kept else "LOST OR DOUBLED")
    print("interrupted answers are marked" if answered else "INTERRUPTED ANSWERS ARE NOT MARKED")
    print("short files never wait" if shared else "SHORT FILES WAIT FOR A LONG ONE")
    operated = check_operations()
    return 0 if kept and answered and shared and operated else 1


if __name__ == "__main__":
    sys.exit(main())
