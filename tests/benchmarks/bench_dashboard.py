"""How long the pages of an experiment take the server, with 100,000 scores behind them.

    make bench-dashboard     or   python -m tests.benchmarks.bench_dashboard [--scores N]

A workspace of an installation of its own gets a finished experiment with so many scores, written
straight into its tables, and 24 smaller ones. Each page is asked 20 times in this process, through
all of the middleware, view and templates; the figures are what the server spends on it, without
the network. The goal is 300 ms for the dashboard.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import Any

from tests.benchmarks.harness import print_table, running_stack

GOAL_MS = 300.0
ROUNDS = 20
SMALLER = 24


def set_up(database_url: str, redis_url: str, data_dir: str) -> None:
    """Make this process a part of the installation."""
    os.environ |= {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DATA_DIR": data_dir,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "WARNING",
    }
    import django

    django.setup()


def fill(scores: int) -> tuple[Any, Any]:
    """The large experiment and the owner of its workspace."""
    from apps.core.ids import uuid7
    from apps.evaluation.models import Experiment, Summary
    from apps.workspaces.models import Workspace
    from tests.evaluation.scale import make_large_experiment

    workspace = Workspace.objects.get(name="Benchmark")
    large = make_large_experiment(workspace, scores=scores)
    sums = list(Summary.objects.filter(experiment=large))
    releases = list(large.releases.all())
    for number in range(SMALLER):
        copy = Experiment.objects.get(pk=large.pk)
        copy.pk, copy.name = uuid7(), f"Earlier {number}"
        copy._state.adding = True
        copy.save()
        copy.releases.set(releases)
        for row in sums:
            row.pk, row.experiment = None, copy
            row._state.adding = True
        Summary.objects.bulk_create(sums)
    owner = workspace.memberships.get(role="owner").user
    return large, owner


def measure(client: Any, path: str) -> tuple[list[float], int]:
    """Milliseconds of each round, and the number of queries of one."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        client.get(path)
    queries = len(caught)  # before the next request begins a new log
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        response = client.get(path)
        times.append((time.perf_counter() - started) * 1000)
        if response.status_code != 200:
            raise RuntimeError(f"{path}: {response.status_code}")
    return sorted(times), queries


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, default=100_000)
    options = parser.parse_args()
    with running_stack() as stack:
        runtime = stack.runtime
        set_up(runtime.database_url, runtime.redis_url, str(stack.data_dir))
        from django.db import connections
        from django.test import Client

        large, owner = fill(options.scores)
        ((stored,),) = stack.query("SELECT count(*) FROM evaluation_score")
        client = Client()
        client.force_login(owner)
        base = f"/w/{large.workspace.slug}"
        one = f"{base}/evaluate/experiments/{large.pk}/"
        pages = {
            "dashboard, 25 experiments": f"{base}/evaluate/",
            "an assistant's dashboard": f"{base}/assistants/{large.assistant.slug}/evaluate/",
            "the experiment": one,
            "two releases compared": f"{one}compare/",
            "analysis": f"{one}analysis/",
        }
        rows: list[tuple[str, ...]] = [("page", "queries", "p50", "p95", "goal")]
        met = True
        for name, path in pages.items():
            times, queries = measure(client, path)
            p95 = times[int(len(times) * 0.95) - 1]
            has_goal = "dashboard" in name or name == "the experiment"
            met &= not has_goal or p95 < GOAL_MS
            rows.append(
                (
                    name, str(queries), f"{statistics.median(times):.0f} ms", f"{p95:.0f} ms",
                    f"{GOAL_MS:.0f} ms" if has_goal else "",
                )
            )  # fmt: skip
        connections.close_all()
    print(f"{stored:,} scores of one experiment, {SMALLER} more experiments beside it\n")
    print_table(rows)
    print("\nthe goal is met" if met else "\nTHE GOAL IS MISSED")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
