"""Whether the REST API keeps to its OpenAPI schema, whatever it is sent.

    make bench-schema        or   python -m tests.benchmarks.bench_schema [--seconds N] [--seed N]

schemathesis sends an installation of its own what the schema allows and what it forbids, one
operation at a time and several after one another. It fails on a status of 500 and above, and on a
status, content type or body that the schema does not have.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.harness import ROOT, BenchmarkError, Stack, print_table, running_stack

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "unsupported_method",
)  # fmt: skip
LIMITS = {"RATE_LIMIT_KEY": "1000000", "RATE_LIMIT_WORKSPACE": "1000000"}
PROMPT = "{{ passages }}\n{{ question }}"
HANDBOOK = b"# Handbook\n\nEmployees get 25 days of annual leave a year.\n"


def furnish(stack: Stack) -> None:
    """One of what other things are made of, so that requests get further than 404."""
    collection = stack.create_collection("Handbook")
    stack.upload(collection, name="handbook.md", content=HANDBOOK)
    for path, body in (
        ("assistants/", {"name": "Desk", "collections": [collection]}),
        ("datasets/", {"name": "Cases"}),
        (
            "prompts/",
            {"name": "Brief", "system": "Answer.", "user": PROMPT},
        ),
    ):
        status, answer = stack.call("POST", path, body)
        if status != 201:
            raise BenchmarkError(f"{path}: {status} {answer!r}")


def fuzz(stack: Stack, *, seconds: int, seed: int, report: Path) -> int:
    address = f"http://127.0.0.1:{stack.port}"
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/api/schema/",
        "--url", address, "--header", f"Authorization: Bearer {stack.key}",
        "--checks", ",".join(CHECKS), "--max-time", str(seconds), "--seed", str(seed),
        "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off",
        "--report", "json", "--report-json-path", str(report), "--no-color",
    ]  # fmt: skip
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.benchmarks.schema_hooks",
    }
    # What it remembers of a run stays in the folder where it runs.
    return subprocess.run(command, cwd=report.parent, env=env, check=False).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_stack(variables=LIMITS) as stack:
        furnish(stack)
        report = Path(folder) / "report.json"
        code = fuzz(stack, seconds=options.seconds, seed=options.seed, report=report)
        if not report.exists():
            raise BenchmarkError(f"schemathesis ended with {code} and without a report.")
        totals = json.loads(report.read_text())
    cases = totals["test_cases"]
    counts = (
        totals["operations"]["tested"], cases["generated"], cases["with_failures"],
        cases["unique_failures"], len(totals["errors"]),
    )  # fmt: skip
    print_table(
        [("operations", "requests", "failed", "failures", "errors"), tuple(map(str, counts))]
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
