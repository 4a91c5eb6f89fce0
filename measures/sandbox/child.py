"""Runs code that nobody has read, in a process of its own; started by ``runner.py`` as a script.

Imports only the standard library, with everything that the code may use, before system calls are
filtered: after that the kernel only lets it compute, use memory, read the time and write the
result. No file, no network, no process. Linux on x86-64 and ARM64.
"""

from __future__ import annotations

import bisect  # noqa: F401
import collections
import contextlib
import ctypes
import dataclasses  # noqa: F401
import datetime  # noqa: F401
import decimal  # noqa: F401
import difflib  # noqa: F401
import errno
import fractions  # noqa: F401
import functools  # noqa: F401
import heapq  # noqa: F401
import html  # noqa: F401
import io
import itertools  # noqa: F401
import json
import math
import operator  # noqa: F401
import os
import platform
import random  # noqa: F401
import re
import resource
import sqlite3
import statistics  # noqa: F401
import string  # noqa: F401
import struct
import sys
import textwrap  # noqa: F401
import types
import typing  # noqa: F401
import unicodedata  # noqa: F401
from typing import Any

_NO_NEW_PRIVS, _SECCOMP, _FILTER, _DEATH_SIGNAL, _DUMPABLE = 38, 22, 2, 1, 4
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
# read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn
# madvise mremap sigaltstack futex clock_gettime clock_getres gettimeofday nanosleep
# clock_nanosleep getrandom getpid gettid sched_yield getrusage exit exit_group restart_syscall
_ALLOWED = {
    "x86_64": (0xC000003E, (
        0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 28, 25, 131, 202, 228, 229, 96, 35, 230, 318,
        39, 186, 24, 98, 60, 231, 219,
    )),
    "aarch64": (0xC00000B7, (
        63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 233, 216, 132, 98, 113, 114, 169,
        101, 115, 278, 172, 178, 124, 165, 93, 94, 128,
    )),
}  # fmt: skip
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_FILE_RIGHTS = (1 << 13) - 1
_CODE_UID = 60_601
"""A user that owns nothing."""
_MEGABYTE = 1 << 20
MAX_PRINTED = 2_000
MAX_ROWS = 20_000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def close_doors(*, seconds: int, memory_mb: int) -> None:
    """Drop all rights that are not needed; raises ``OSError`` if the kernel cannot enforce this.

    The filter alone leaves nothing to open or signal. A user that owns nothing and an empty
    Landlock ruleset stand behind it, where there are such.
    """
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: memory_mb * _MEGABYTE,
        resource.RLIMIT_FSIZE: _MEGABYTE,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 8,
    }
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))
    if platform.machine() not in _ALLOWED or not sys.platform.startswith("linux"):
        raise OSError("no system call filter for this system")
    libc = ctypes.CDLL(None, use_errno=True)
    code = b"".join(struct.pack("<HBBI", *step) for step in _build_filter())
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError("the system grants new privileges")
    _leave_files(libc)
    if os.geteuid() == 0:
        _become_nobody_else()
    libc.prctl(_DUMPABLE, 0, 0, 0, 0)  # a change of user sets it again
    libc.prctl(_DEATH_SIGNAL, 9, 0, 0, 0)
    if libc.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        raise OSError("the system takes no system call filter")


def _leave_files(libc: ctypes.CDLL) -> None:
    """No file can be opened any more, by any call, where the kernel has Landlock."""
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack("Q", _FILE_RIGHTS), ctypes.c_size_t(8), 0)
    if ruleset >= 0:
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)


def _become_nobody_else() -> None:
    with contextlib.suppress(OSError):  # a container in which this user does not exist
        os.setgroups([])
        os.setresgid(_CODE_UID, _CODE_UID, _CODE_UID)
        os.setresuid(_CODE_UID, _CODE_UID, _CODE_UID)


def _build_filter() -> list[tuple[int, int, int, int]]:
    """(operation, steps to skip if true, if false, value): what is not listed is refused."""
    architecture, numbers = _ALLOWED[platform.machine()]
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), refuse, (_LOAD, 0, 0, 0)]
    for number in numbers:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    return [*steps, refuse]


def run_python(request: dict[str, Any]) -> dict[str, Any]:
    """Run ``code``, then ``tests``, in one namespace; an exception of the latter is a failure."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for part in ("code", "tests"):
        try:
            exec(compile(request.get(part) or "", part, "exec"), names)  # noqa: S102
        except BaseException as error:
            return {"passed": False, "where": part, "error": describe(error, part)}
    return {"passed": True}


def run_evaluator(request: dict[str, Any]) -> dict[str, Any]:
    """Call the ``evaluate(observation)`` that ``code`` defines with a namespace of plain values."""
    names: dict[str, Any] = {"__name__": "evaluator"}
    try:
        exec(compile(request["code"], "evaluator", "exec"), names)  # noqa: S102
        returned = names["evaluate"](_as_namespace(request["observation"]))
    except BaseException as error:
        return {"error": describe(error, "evaluator")}
    return {"returned": returned if isinstance(returned, dict) else {"value": returned}}


def _as_namespace(value: Any) -> Any:
    if isinstance(value, dict):
        return types.SimpleNamespace(**{str(k): _as_namespace(v) for k, v in value.items()})
    return [_as_namespace(item) for item in value] if isinstance(value, list) else value


def run_sql(request: dict[str, Any]) -> dict[str, Any]:
    """Run two queries on fresh databases made by ``setup`` and compare their rows."""
    results: dict[str, Any] = {}
    for name in ("expected", "query"):
        database = sqlite3.connect(":memory:")
        database.execute("PRAGMA temp_store = MEMORY")
        try:
            database.executescript(request.get("setup") or "")
            rows = database.execute(request[name].strip().rstrip(";")).fetchmany(MAX_ROWS)
        except (sqlite3.Error, sqlite3.Warning) as error:
            return {"passed": False, "where": name, "error": f"{type(error).__name__}: {error}"}
        results[name] = [[_as_cell(cell) for cell in row] for row in rows]
    rows_given, rows_expected = results["query"], results["expected"]
    ordered = re.search(r"\border\s+by\b", request["expected"], re.IGNORECASE)
    same = rows_given == rows_expected if ordered else _bag(rows_given) == _bag(rows_expected)
    return {"passed": same, "rows": len(rows_given), "expected_rows": len(rows_expected)}


def _bag(rows: list[list[Any]]) -> collections.Counter[str]:
    return collections.Counter(map(repr, rows))


def _as_cell(cell: Any) -> Any:
    """Numbers that are equal to six significant digits are equal."""
    if isinstance(cell, float) and math.isfinite(cell):
        cell = float(f"{cell:.6g}")
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def describe(error: BaseException, where: str) -> str:
    """The exception in one line, with the line of the code that it comes from."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == where:
            line = trace.tb_lineno
        trace = trace.tb_next
    place = f" (line {line})" if line else ""
    return f"{type(error).__name__}: {error}"[:400] + place


_MODES = {"python": run_python, "evaluate": run_evaluator, "sql": run_sql}


def main() -> None:
    """Read a request from standard input, answer on standard output, both JSON."""
    request = json.loads(sys.stdin.buffer.read())
    try:
        close_doors(seconds=request["seconds"], memory_mb=request["memory_mb"])
    except (OSError, ValueError) as error:
        answer: dict[str, Any] = {"unavailable": str(error)}
    else:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            answer = _MODES[request["mode"]](request)
        answer["printed"] = printed.getvalue()[:MAX_PRINTED]
    try:
        text = json.dumps(answer, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        text = json.dumps({"error": f"What it returned is not JSON: {error}"})
    os.write(1, text.encode())
    os._exit(0)


if __name__ == "__main__":
    main()
