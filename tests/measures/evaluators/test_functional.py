"""The sandbox holds, and what runs in it is scored: Python tests, SQL, pass@k."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.evaluators.base import Observation, Tools
from measures.evaluators.functional import extract_code, pass_at_k
from measures.evaluators.registry import score
from measures.sandbox.runner import SandboxError, SandboxLimits, run_sandboxed

SHORT = SandboxLimits(seconds=1)


def test_pass_at_k_by_hand() -> None:
    # Two of four are right: of six pairs, one holds neither.
    assert pass_at_k(4, 2, 2) == pytest.approx(5 / 6)
    assert pass_at_k(4, 2, 1) == pytest.approx(0.5)
    assert pass_at_k(3, 2, 2) == 1
    assert pass_at_k(1, 1, 2) is None
    with pytest.raises(ValueError, match="samples"):
        pass_at_k(2, 3, 1)


@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(
    samples: int, data: st.DataObject
) -> None:
    correct, k = data.draw(st.integers(0, samples)), data.draw(st.integers(1, samples))
    draws = list(itertools.combinations(range(samples), k))
    share = sum(any(i < correct for i in draw) for draw in draws) / len(draws)
    assert pass_at_k(samples, correct, k) == pytest.approx(share)
    formula = 1 - math.comb(samples - correct, k) / math.comb(samples, k)
    assert share == pytest.approx(formula)


def test_the_code_of_an_answer() -> None:
    answer = "Try:\n```python\nx = 1\n```\nor\n```python\nx = 2\n```\n```text\nnot this\n```"
    assert extract_code(answer, languages=("python",)) == "x = 2\n"
    assert extract_code("```\ny\n```", languages=("python",)) == "y\n"
    assert extract_code("z = 3", languages=("python",)) == "z = 3"


ESCAPES = """
import os
doors = {
    "read": lambda: open("/etc/hostname").read(),
    "write": lambda: open("/tmp/escaped", "w"),
    "list": lambda: os.listdir("/"),
    "fork": os.fork,
    "run": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
    "socket": lambda: __import__("_socket").socket(),
    "remove": lambda: os.unlink("/tmp/x"),
}
opened = []
for name, door in doors.items():
    try:
        door()
    except (OSError, ImportError):
        continue
    opened.append(name)
print(opened, dict(os.environ))
"""


def test_the_doors_are_closed() -> None:
    answer = run_sandboxed("python", {"code": ESCAPES, "tests": "assert opened == [], opened"})
    assert answer["passed"], answer
    assert answer["printed"] == "[] {'LANG': 'C.UTF-8'}\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import time\ntime.sleep(60)", "Stopped after 2 seconds"),
        ("import os\nos._exit(3)", "without a result"),
        ("import os\nwhile True: os.write(1, b'x' * 65536)", "code"),
    ],
)
def test_what_does_not_end_is_ended(code: str, message: str) -> None:
    with pytest.raises(SandboxError, match=message):
        run_sandboxed("python", {"code": code}, limits=SHORT)


def test_memory_is_limited_and_exceptions_have_their_line() -> None:
    answer = run_sandboxed("python", {"code": "x = 1\ny = bytearray(10**10)"})
    assert answer["error"].startswith("MemoryError")
    assert answer["error"].endswith("(line 2)")


CODE = "```python\ndef double(x):\n    return x * 2\n```"
TESTS = "assert double(2) == 4\nassert double(0) == 0"


async def test_python_that_passes_its_tests() -> None:
    seen = Observation(answer=CODE, extra={"tests": TESTS})
    found = await score("python_tests", seen, tools=Tools())
    assert (found.value, found.label) == (1, "pass")
    wrong = Observation(answer=CODE.replace("2", "3"), extra={"tests": TESTS})
    missed = await score("python_tests", wrong, tools=Tools())
    assert (missed.value, missed.label) == (0, "fail")
    assert missed.reason.startswith("AssertionError")
    bare = await score("python_tests", Observation(answer=CODE), tools=Tools())
    assert bare.status == "not_applicable"


async def test_samples_make_pass_at_k() -> None:
    samples = [CODE.replace("2", "3"), CODE.replace("2", "4")]
    seen = Observation(answer=CODE, extra={"tests": TESTS, "samples": samples})
    one = await score("python_tests", seen, tools=Tools())
    assert one.value == pytest.approx(1 / 3)
    two = await score("python_tests", seen, tools=Tools(), settings={"k": 2})
    assert two.value == pytest.approx(2 / 3)
    assert (two.details["samples"], two.details["correct"]) == (3, 1)
    few = await score("python_tests", seen, tools=Tools(), settings={"k": 4})
    assert few.status == "not_applicable"
    # One sample is a repetition, whatever k is: the experiment joins them.
    alone = Observation(answer=CODE, extra={"tests": TESTS})
    assert (await score("python_tests", alone, tools=Tools(), settings={"k": 4})).value == 1


TABLES = "create table t (a int, b real); insert into t values (1, 0.5), (2, 1.5), (2, 2.5);"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("```sql\nSELECT a, COUNT(*) FROM t GROUP BY a ORDER BY a DESC;\n```", 1),
        ("SELECT a, COUNT(*) FROM t GROUP BY a", 1),
        ("SELECT a, COUNT(b) * 1.0 FROM t GROUP BY a", 1),
        ("SELECT a FROM t", 0),
        ("DROP TABLE t", 0),
        ("SELEC a FROM t", 0),
        ("ATTACH '/etc/passwd' AS x", 0),
    ],
)
async def test_sql_that_gives_the_same_rows(query: str, value: float) -> None:
    seen = Observation(
        answer=query, expected_answers=("SELECT a, COUNT(*) AS n FROM t GROUP BY a",),
        extra={"setup": TABLES},
    )  # fmt: skip
    assert (await score("sql_execution", seen, tools=Tools())).value == value


async def test_order_counts_where_it_was_asked_for_and_a_broken_example_is_a_failure() -> None:
    seen = Observation(
        answer="SELECT b FROM t ORDER BY b DESC", expected_answers=("SELECT b FROM t ORDER BY b",),
        extra={"setup": TABLES},
    )  # fmt: skip
    assert (await score("sql_execution", seen, tools=Tools())).value == 0
    broken = Observation(answer="SELECT 1", expected_answers=("SELEC",), extra={"setup": TABLES})
    assert (await score("sql_execution", broken, tools=Tools())).status == "failed"
