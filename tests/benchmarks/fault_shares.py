"""A long document does not keep short ones waiting: a log of 50,000 lines, then ten short files."""

from __future__ import annotations

import random
import time
from functools import partial

from config.servers import wait_until
from tests.benchmarks.harness import BenchmarkError, Stack, print_table

LOG_LINES = 50_000
SHORT_FILES = 10
TIMEOUT_S = 300.0
LEVELS = ("INFO", "WARN", "DEBUG", "ERROR")
WORDS = [
    "pump",
    "valve",
    "sensor",
    "cache",
    "worker",
    "queue",
    "request",
    "socket",
    "index",
    "buffer",
    "retry",
    "timeout",
]


def make_log(lines: int, dice: random.Random) -> bytes:
    """Lines as services write them, no two alike."""
    rows = [
        f"2026-11-30T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z "
        f"{dice.choice(LEVELS)} {dice.choice(WORDS)}[{dice.randint(1, 9999)}]: "
        f"{dice.choice(WORDS)} {dice.choice(WORDS)} took {dice.randint(1, 9000)} ms"
        for number in range(lines)
    ]
    return "\n".join(rows).encode()


def check_shares(stack: Stack, *, seed: int) -> bool:
    """Whether all short files were found while the log was still being embedded."""
    dice = random.Random(seed)
    collection = stack.create_collection("Shares")
    log = stack.upload(collection, name="service.log", content=make_log(LOG_LINES, dice))["id"]
    if not wait_until(lambda: embedded(stack, log)[0] > 0, timeout_s=TIMEOUT_S):
        raise BenchmarkError("The log is not being embedded.")
    rows: list[tuple[str, ...]] = [("file", "found after s", "passages of the log")]
    is_kept = True
    for number in range(SHORT_FILES):
        code = f"ZX-{dice.randint(100_000, 999_999)}"
        text = f"# Notice {number}\n\nThe locker of team {number} has the code {code}.\n"
        began = time.perf_counter()
        stack.upload(collection, name=f"notice-{number}.md", content=text.encode())
        was_found = wait_until(partial(finds, stack, collection, code), timeout_s=60)
        seconds = time.perf_counter() - began
        done, total = embedded(stack, log)
        is_kept = is_kept and was_found and done < total
        shown = f"{seconds:.1f}" if was_found else "never"
        rows.append((f"notice-{number}.md", shown, f"{done:,} of {total:,}"))
    print_table(rows)
    stack.call("DELETE", f"documents/{log}/")
    return is_kept


def embedded(stack: Stack, document: str) -> tuple[int, int]:
    """How many passages of a document's newest version have their vector, and how many it has."""
    sql = (
        "SELECT chunks_done, num_chunks FROM documents_documentversion WHERE document_id = %s "
        "ORDER BY number DESC LIMIT 1"
    )
    ((done, total),) = stack.query(sql, document)
    return int(done), int(total)


def finds(stack: Stack, collection: str, code: str) -> bool:
    """Whether a search for the code finds the file that holds it."""
    body = {"query": f"team with the locker code {code}", "collections": [collection], "limit": 3}
    status, found = stack.call("POST", "search/", body)
    if status != 200:
        raise BenchmarkError(f"Search: {status} {found!r}")
    return code in str(found)
