"""Celery carries wake-ups and nothing else.

The worker runs threads, for which Celery enforces no time limit; a `time_limit` on a task would be
a promise that nobody keeps. What may take long is a job with a heartbeat, and the parser's own
child process is what a limit can end. So a task is named, thin, and late to acknowledge.
"""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from celery import Celery
from django.utils.module_loading import import_string

from apps.core.models import Job, JobKind
from tests.architecture.source import CODE_FOLDERS, ROOT, parse, python_files, relative
from tests.architecture.test_imports import imported_modules
from workers.celery import app
from workers.kinds import WORKS, Work, load_all, task_name
from workers.queues import Queue
from workers.schedule import BEAT_SCHEDULE
from workers.tasks import jobs as job_tasks

DECORATORS = {"task", "shared_task"}
MAX_STATEMENTS = 3
PLAIN_TYPES = {"str", "int", "bool", "list[str]", "list[int]", "None"}
REQUIRED = {"acks_late": True, "ignore_result": True}
FORBIDDEN_OPTIONS = {"time_limit", "soft_time_limit", "serializer", "queue"}
NAMED_BY_TABLE = "task_name(kind)"
"""How the one function that makes the tasks of all kinds names them."""

LIGHT_MODULES = {"workers", "workers.kinds", "workers.queues", "workers.wakeups"}
"""What the dispatcher may import of ours: it runs in the web process, which must stay small."""


def faults_of_task(function: ast.FunctionDef, decorator: ast.expr, *, module: str) -> list[str]:
    """What is wrong with one task."""
    if not isinstance(decorator, ast.Call):
        return ["name it: @shared_task(name=…)"]
    options = {keyword.arg: keyword.value for keyword in decorator.keywords}
    faults = [f"{name} has no place here" for name in FORBIDDEN_OPTIONS & options.keys()]
    expected = f"workers.{module}.{function.name}"
    name = options.get("name")
    is_literal = isinstance(name, ast.Constant) and name.value == expected
    if not (is_literal or is_made_from_table(decorator)):
        faults.append(f"name it {expected!r}")
    for option, wanted in REQUIRED.items():
        value = options.get(option)
        if not (isinstance(value, ast.Constant) and value.value is wanted):
            faults.append(f"say {option}={wanted}")
    for argument in function.args.args:
        kind = ast.unparse(argument.annotation) if argument.annotation else "nothing"
        if argument.arg != "self" and kind not in PLAIN_TYPES:
            faults.append(f"{argument.arg} is {kind}, which JSON does not carry as an id")
    body = [node for node in function.body if not isinstance(node, ast.Expr | ast.Pass)]
    if len(body) + sum(isinstance(node, ast.Expr) for node in function.body[1:]) > MAX_STATEMENTS:
        faults.append("too long: call a pipeline")
    return faults


def is_made_from_table(decorator: ast.expr) -> bool:
    """Whether this makes the tasks of all kinds: `task_name` says what each of them runs."""
    options = decorator.keywords if isinstance(decorator, ast.Call) else []
    return any(o.arg == "name" and ast.unparse(o.value) == NAMED_BY_TABLE for o in options)


def task_decorator(function: ast.FunctionDef) -> ast.expr | None:
    """The decorator that makes the function a task, if one does."""
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if name in DECORATORS:
            return decorator
    return None


def task_faults(root: Path) -> tuple[int, list[str]]:
    """How many tasks there are, and what is wrong with them or with where they are.

    The function from which every kind has its task counts once for each of them.
    """
    count, found = 0, []
    for path in python_files(*CODE_FOLDERS, root=root):
        for node in ast.walk(parse(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if isinstance(node, ast.AsyncFunctionDef):
                continue
            decorator = task_decorator(node)
            if decorator is None:
                continue
            count += len(JobKind) if is_made_from_table(decorator) else 1
            where = f"{relative(path, root)}:{node.lineno} {node.name}"
            if path.parent != root / "workers" / "tasks":
                found.append(f"{where}: tasks live in workers/tasks")
            faults = faults_of_task(node, decorator, module=path.stem)
            found.extend(f"{where}: {fault}" for fault in faults)
    return count, found


def test_tasks_are_named_thin_and_late_to_acknowledge() -> None:
    count, found = task_faults(ROOT)
    assert not found
    registered = [name for name in loaded(app).tasks if name.startswith("workers.")]
    assert count == len(registered) > 0, "the scan and Celery see different tasks"


def test_every_kind_has_a_task_that_is_named_for_it_and_runs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks = loaded(app).tasks
    run: list[JobKind] = []
    monkeypatch.setattr(job_tasks, "run_due", run.append)
    for kind in JobKind:
        assert task_name(kind) == f"workers.{kind.value}"
        tasks[task_name(kind)]([])
    assert run == list(JobKind)


# What each kind of job is


def faults_of_work(work: Work) -> list[str]:
    """What is wrong with how a kind of job is described."""
    faults = []
    if not (work.handler or work.drain):
        faults.append("nothing does it")
    if work.slots < 1:
        faults.append("it has no thread to run on")
    for name, shape in [
        (work.handler, {"job": Job, "return": type(None)}),
        (work.drain, {"return": int}),
        (work.on_failure, {"job": Job, "code": str, "reason": str, "return": type(None)}),
    ]:
        if not name:
            continue
        try:
            function: Callable[..., object] = import_string(name)
        except ImportError:
            faults.append(f"{name} does not exist")
            continue
        if typing.get_type_hints(function) != shape:
            faults.append(f"{name}{inspect.signature(function)} has another shape")
        if f"{function.__module__}.{function.__qualname__}" != name:
            faults.append(f"{name} is a function of {function.__module__}")
    return faults


def test_every_kind_is_described_and_what_it_names_exists() -> None:
    assert set(WORKS) == set(JobKind)
    faults = {kind: found for kind, work in WORKS.items() if (found := faults_of_work(work))}
    assert not faults
    load_all()


def test_no_function_does_two_kinds() -> None:
    names = [name for work in WORKS.values() for name in (work.handler, work.drain) if name]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("work", "fault"),
    [
        (Work("", Queue.INGEST), "nothing does it"),
        (Work("workers.pipelines.arena.judge_arena", Queue.INGEST, slots=0), "no thread"),
        (Work("workers.pipelines.arena.judge", Queue.INGEST), "does not exist"),
        (Work("workers.pipelines.nowhere.judge_arena", Queue.INGEST), "does not exist"),
        (Work("workers.pipelines.embed.embed_versions", Queue.INGEST), "another shape"),
        (
            Work("", Queue.INGEST, drain="workers.pipelines.arena.judge_arena"),
            "another shape",
        ),
        (
            Work(
                "workers.pipelines.arena.judge_arena",
                Queue.INGEST,
                on_failure="workers.pipelines.versions.fail_version",
            ),
            "another shape",
        ),
        (
            Work("", Queue.INGEST, drain="workers.runner.drain"),
            "another shape",
        ),
        (
            Work("workers.pipelines.sweep.fail_row", Queue.INGEST),
            "is a function of workers.failures",
        ),
    ],
)
def test_a_planted_fault_in_the_table_is_found(work: Work, fault: str) -> None:
    assert any(fault in message for message in faults_of_work(work)), faults_of_work(work)


def modules_of_ours(module: str) -> set[str]:
    """The modules of workers/ that importing one brings along, itself left aside."""
    met: set[str] = set()
    waiting = [module]
    while waiting:
        path = ROOT.joinpath(*waiting.pop().split(".")).with_suffix(".py")
        imported = imported_modules(parse(path)) if path.is_file() else set()
        new = {name for name in imported if name.split(".")[0] == "workers"} - met
        met |= new
        waiting += new
    return {name for name in met if is_module(name)}


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_the_dispatcher_imports_no_handler() -> None:
    assert modules_of_ours("workers.dispatch") <= LIGHT_MODULES
    assert "workers.pipelines.ingest" in modules_of_ours("workers.lifecycle")


def test_a_worker_listens_to_every_queue() -> None:
    listened = {queue.name for queue in loaded(app).conf.task_queues}
    assert listened == {queue.value for queue in Queue}
    assert app.conf.task_default_queue in listened


def test_beat_sends_tasks_that_exist_to_queues_that_exist() -> None:
    tasks = set(loaded(app).tasks)
    assert BEAT_SCHEDULE
    for name, entry in BEAT_SCHEDULE.items():
        assert entry["task"] in tasks, name
        assert Queue(entry["options"]["queue"]), name
        assert entry["options"]["expires"], f"{name}: old ticks must not pile up"


def test_messages_are_json_and_survive_a_lost_worker() -> None:
    conf = loaded(app).conf
    assert conf.task_serializer == "json"
    assert list(conf.accept_content) == ["json"]
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("workers/tasks/a.py", "@shared_task\ndef f(): ...", "name it"),
        ("workers/tasks/a.py", "@app.task(name='f')\ndef f(): ...", "workers.a.f"),
        ("apps/chat/tasks.py", "@shared_task()\ndef f(): ...", "tasks live in workers/tasks"),
        ("workers/tasks/a.py", "@shared_task(time_limit=3)\ndef f(): ...", "time_limit"),
        ("workers/tasks/a.py", "@shared_task()\ndef f(d: Document): ...", "d is Document"),
        ("workers/tasks/a.py", "@shared_task()\ndef f():\n a()\n b()\n c()\n d()\n e()", "long"),
        ("workers/tasks/a.py", "@shared_task(acks_late=False)\ndef f(): ...", "acks_late=True"),
        ("workers/tasks/a.py", "@shared_task(name=task_name(kind))\ndef f(): ...", "acks_late"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, path: str, source: str, fault: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)
    count, found = task_faults(tmp_path)
    assert count == (len(JobKind) if NAMED_BY_TABLE in source else 1)
    assert any(fault in message for message in found), found


def loaded(celery: Celery) -> Celery:
    """The application with its task modules imported."""
    celery.loader.import_default_modules()
    return celery
