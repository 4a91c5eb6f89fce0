"""Logs as JSON lines with the id of the request or job, and never with the text of documents.

An exception's message may quote what somebody wrote: Postgres repeats the values of a row, `int()`
what is no number, `KeyError` the key. So only what is known to hold no such text is logged: the
type, codes, names of our own tables, and where it happened.
"""

from __future__ import annotations

import datetime as dt
import errno
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import orjson

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_FOLDERS = sorted((os.path.abspath(path) for path in sys.path if path), key=len, reverse=True)
_MAX_CAUSES = 8


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname,
            "logger": record.name,
            "message": _write_message(record),
        }
        if identifier := correlation_id.get():
            line["id"] = identifier
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = "\n".join(_write_exception(record.exc_info[1]))
        return orjson.dumps(line).decode()


def describe_error(error: BaseException) -> str:
    """An exception without its message: its type, and codes and names that we chose ourselves."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _dotted(kind)
    details = ", ".join(_safe_details(error))
    return f"{name} ({details})" if details else name


def keep_texts_out() -> None:
    """Close the ways around the formatter.

    A thread that ends by an exception would print its message, and so would a log line that cannot
    be formatted its arguments.
    """
    threading.excepthook = _log_thread
    logging.raiseExceptions = False


def _log_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        name = arguments.thread.name if arguments.thread else "a thread"
        logging.getLogger("threading").error("%s failed", name, exc_info=arguments.exc_value)


def _write_message(record: logging.LogRecord) -> str:
    data = getattr(record, "data", None)
    if record.name == "celery.app.trace" and isinstance(data, dict):
        # Celery's own sentence has the exception's message in it, and a task's arguments.
        return f"Task {data.get('name')}[{data.get('id')}] {data.get('description', '')}".rstrip()
    message = _replace_errors(record).getMessage()
    # What asyncio adds below its first line is the exception's message and the callback's values.
    return message.partition("\n")[0] if record.name == "asyncio" else message


def _replace_errors(record: logging.LogRecord) -> logging.LogRecord:
    """The record with exceptions among its arguments described instead of quoted."""
    values: Any = record.args
    if isinstance(values, dict):
        args: Any = {name: _describe(value) for name, value in values.items()}
    elif isinstance(values, tuple):
        args = tuple(_describe(value) for value in values)
    else:
        args = values
    copy = logging.makeLogRecord(record.__dict__)
    copy.msg, copy.args = _describe(record.msg), args
    return copy


def _describe(value: Any) -> Any:
    return describe_error(value) if isinstance(value, BaseException) else value


def _write_exception(error: BaseException) -> Iterator[str]:
    """The frames of an exception and of what caused it, the outermost exception first."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen and len(seen) < _MAX_CAUSES:
        yield f"{'caused by ' if seen else ''}{describe_error(current)}"
        for frame, line in traceback.walk_tb(current.__traceback__):
            code = frame.f_code
            yield f"  {_shorten(code.co_filename)}:{line} in {code.co_name}"
        seen.append(current)
        if isinstance(current, BaseExceptionGroup):
            for part in current.exceptions[:_MAX_CAUSES]:
                yield from (f"  | {text}" for text in _write_exception(part))
        hidden = None if current.__suppress_context__ else current.__context__
        current = current.__cause__ or hidden


def _safe_details(error: BaseException) -> Iterator[str]:
    if isinstance(error, OSError) and error.errno is not None:
        yield errno.errorcode.get(error.errno, str(error.errno))
    elif isinstance(error, ImportError) and error.name:
        yield error.name
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and state:
        yield f"sqlstate {state}"
        diagnosis = getattr(error, "diag", None)
        for name in ("table_name", "column_name", "constraint_name"):
            if value := getattr(diagnosis, name, None):
                yield f"{name.removesuffix('_name')} {value}"
    for name in ("kind", "code"):
        value = getattr(error, name, None)
        if isinstance(value, str) and value.isidentifier() and len(value) <= 40:
            yield f"{name} {value}"


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _shorten(path: str) -> str:
    """A file's path below the folder that it was imported from."""
    for folder in _FOLDERS:
        if path.startswith(f"{folder}{os.sep}"):
            return path[len(folder) + 1 :]
    return path
