"""A secret sentence goes through everything that fails, and no log repeats it."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from celery import Celery
from django.db import DatabaseError, connection, transaction
from django.test import Client

from apps.core.logs import JsonFormatter, describe_error
from apps.core.models import Job, JobKind
from apps.workspaces.models import User, Workspace
from workers.failures import fail_internally

SECRET = "The merger with Initech closes on Friday"

logger = logging.getLogger("tests.logs")
logger.setLevel(logging.INFO)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, as the programs write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    assert SECRET not in log.getvalue()
    assert "Initech" not in log.getvalue()
    return [orjson.loads(line) for line in log.getvalue().splitlines()]


def break_unique_rule() -> None:
    with transaction.atomic():
        Workspace.objects.create(name=SECRET, slug=SECRET[:60])
        Workspace.objects.create(name="Other", slug=SECRET[:60])


def ask(statement: str, *values: str) -> Callable[[], None]:
    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)

    return run


DATABASE = [
    (break_unique_rule, "sqlstate 23505"),
    (ask("SELECT %s::int", SECRET), "sqlstate 22P02"),
    (ask("SELECT %s::date", SECRET), "sqlstate 22007"),
    (ask(f'SELECT "{SECRET}" FROM workspaces_user'), "sqlstate 42703"),
    (ask("SELECT to_tsquery('english', %s)", f"({SECRET}"), "sqlstate 42601"),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("fail", "code"), DATABASE)
def test_errors_of_the_database(log: io.StringIO, fail: Callable[[], None], code: str) -> None:
    server_log = Path(os.environ["DATA_DIR"], "logs", "postgres.log")
    before = server_log.stat().st_size

    with pytest.raises(DatabaseError, match=r"Initech|already exists") as caught:
        fail()
    logger.error("it failed", exc_info=caught.value)
    logger.warning("it failed: %s", caught.value)
    logger.warning("%(what)s failed", {"what": caught.value})
    logger.warning(caught.value)

    written = lines(log)
    assert len(written) == 4
    assert code in written[0]["exception"]
    assert "tests/core/test_logs.py" in written[0]["exception"]
    with server_log.open("rb") as file:
        file.seek(before)
        assert b"Initech" not in file.read()


def chained() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error


def grouped() -> None:
    raise ExceptionGroup(SECRET, [ValueError(SECRET), KeyError(SECRET)])


@pytest.mark.parametrize(
    ("fail", "types"),
    [
        (chained, ["RuntimeError", "caused by ValueError"]),
        (lambda: dict[str, int]()[SECRET], ["KeyError"]),
        (grouped, ["ExceptionGroup", "  | ValueError", "  | KeyError"]),
        (lambda: Path(f"/nowhere/{SECRET}").read_text(), ["FileNotFoundError (ENOENT)"]),
        (lambda: (b"\xff" + SECRET.encode()).decode(), ["UnicodeDecodeError"]),
        (lambda: orjson.loads(f'{{"a": {SECRET}'), ["orjson.JSONDecodeError"]),
    ],
)
def test_errors_of_python(log: io.StringIO, fail: Callable[[], Any], types: list[str]) -> None:
    try:
        fail()
    except Exception as error:
        logger.exception("it failed: %r", error)

    [line] = lines(log)
    for name in types:
        assert any(text.startswith(name) for text in line["exception"].splitlines()), line


@pytest.mark.django_db
def test_a_page_that_fails(
    log: io.StringIO,
    client_for: Callable[[User], Client],
    owner: User,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("apps.workspaces.views.list_members", fail)
    client = client_for(owner)
    client.raise_request_exception = False

    assert client.get(f"/w/acme/settings/members/?q={SECRET}").status_code == 500
    [line] = lines(log)
    assert "ValueError" in line["exception"]


def test_a_task_that_fails(log: io.StringIO) -> None:
    app = Celery("tests", set_as_current=False)

    @app.task(name="tests.fail")
    def fail(text: str) -> None:
        raise ValueError(text)

    fail.apply(args=(SECRET,), kwargs={})

    [line] = lines(log)
    assert line["message"].startswith("Task tests.fail[")
    assert "ValueError" in line["exception"]


@pytest.mark.django_db
def test_a_job_that_fails(log: io.StringIO, workspace: Workspace) -> None:
    job = Job.objects.create(
        workspace_id=workspace.pk, kind=JobKind.SEED_DEMO, key="1", payload={"text": SECRET}
    )
    try:
        raise LookupError(SECRET)
    except LookupError as error:
        fail_internally(job, error)

    assert any("LookupError" in line.get("exception", "") for line in lines(log))


def test_a_thread_that_fails(log: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    from apps.core.logs import _log_thread

    hook, threading.excepthook = threading.excepthook, _log_thread
    try:
        thread = threading.Thread(target=fail, name="reader")
        thread.start()
        thread.join()
    finally:
        threading.excepthook = hook

    [line] = lines(log)
    assert line["message"] == "reader failed"


async def test_a_coroutine_that_nobody_waits_for(log: io.StringIO) -> None:
    async def fail() -> None:
        raise ValueError(SECRET)

    task = asyncio.ensure_future(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()

    assert [line["message"] for line in lines(log)] == ["Task exception was never retrieved"]


def test_the_readers_of_documents(log: io.StringIO, tmp_path: Path, capfd: Any) -> None:
    from parsing.service import ParserService
    from parsing.types import Limits, ParseError

    service = ParserService()
    try:
        for name in ("a.docx", "b.pdf", "c.json", "d.xlsx", "e.eml"):
            path = tmp_path / name
            path.write_bytes(b"PK\x03\x04%PDF-1.7 {" + SECRET.encode())
            try:
                for _ in service.parse(path, filename=name, limits=Limits()):
                    pass
            except ParseError as error:
                logger.warning("not read: %s", error)
    finally:
        service.close()

    lines(log)
    out, err = capfd.readouterr()
    assert "Initech" not in out + err


def test_what_is_said_of_an_error() -> None:
    class RefusedError(Exception):
        code = "forbidden"

    class ChattyError(Exception):
        code = SECRET

    assert describe_error(RefusedError(SECRET)).endswith("RefusedError (code forbidden)")
    assert describe_error(ChattyError(SECRET)).endswith("ChattyError")
    assert (
        describe_error(ConnectionRefusedError(111, "x")) == "ConnectionRefusedError (ECONNREFUSED)"
    )
    assert describe_error(ImportError(SECRET, name="numpy")) == "ImportError (numpy)"
