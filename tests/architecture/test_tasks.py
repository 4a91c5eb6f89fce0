"""Celery carries wake-ups and nothing else.

The worker runs threads, for which Celery enforces no time limit; a `time_limit` on a task would be
a promise that nobody keeps. What may take long is a job with a heartbeat, and the parser's own
child process is what a limit can end. So a task is named, thin, and late to acknowledge.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from celery import Celery

from apps.core.models import JobKind
from tests.architecture.source import CODE_FOLDERS, ROOT, parse, python_files, relative
from workers.celery import app
from workers.dispatch import QUEUE_OF
from workers.queues import Queue
from workers.runner import HANDLERS, SLOTS
from workers.schedule import BEAT_SCHEDULE

DECORATORS = {"task", "shared_task"}
MAX_STATEMENTS = 3
PLAIN_TYPES = {"str", "int", "bool", "list[str]", "list[int]", "None"}
REQUIRED = {"acks_late": True, "ignore_result": True}
FORBIDDEN_OPTIONS = {"time_limit", "soft_time_limit", "serializer", "queue"}
DRAINED_TOGETHER = {JobKind.EMBED_VERSION}  # many jobs in one batch, so not handled one by one


def faults_of_task(function: ast.FunctionDef, decorator: ast.expr, *, module: str) -> list[str]:
    """What is wrong with one task."""
    if not isinstance(decorator, ast.Call):
        return ["name it: @shared_task(name=…)"]
    options = {keyword.arg: keyword.value for keyword in decorator.keywords}
    faults = [f"{name} has no place here" for name in FORBIDDEN_OPTIONS & options.keys()]
    expected = f"workers.{module}.{function.name}"
    name = options.get("name")
    if not (isinstance(name, ast.Constant) and name.value == expected):
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


def task_decorator(function: ast.FunctionDef) -> ast.expr | None:
    """The decorator that makes the function a task, if one does."""
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if name in DECORATORS:
            return decorator
    return None


def task_faults(root: Path) -> tuple[int, list[str]]:
    """How many tasks there are, and what is wrong with them or with where they are."""
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
            count += 1
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


def test_every_job_has_a_queue_a_handler_and_a_share_of_the_threads() -> None:
    assert set(QUEUE_OF) == set(JobKind)
    assert set(SLOTS) == set(JobKind)
    assert set(HANDLERS) | DRAINED_TOGETHER == set(JobKind)
    assert not set(HANDLERS) & DRAINED_TOGETHER


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
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, path: str, source: str, fault: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)
    count, found = task_faults(tmp_path)
    assert count == 1
    assert any(fault in message for message in found), found


def loaded(celery: Celery) -> Celery:
    """The application with its task modules imported."""
    celery.loader.import_default_modules()
    return celery
