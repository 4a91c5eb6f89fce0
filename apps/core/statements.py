"""Statements to Postgres below Django's cursor, where a round trip or a plan is worth saving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import orjson
import psycopg
from django.db import connection

from apps.core.text import storable_json

PREPARE_AFTER = 2
"""Executions of one statement on one connection before it is prepared."""


@contextmanager
def open_raw_cursor() -> Iterator[psycopg.RawCursor[tuple[Any, ...]]]:
    """A cursor of Django's connection, in its transaction, for statements with `$1`."""
    with connection.wrap_database_errors, psycopg.RawCursor(get_raw_connection()) as cursor:
        yield cursor


def get_raw_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """The connection below Django's, which prepares what is executed again and again."""
    connection.ensure_connection()
    raw = cast("psycopg.Connection[tuple[Any, ...]]", connection.connection)
    if raw.prepare_threshold is None:  # Django's own cursors never prepare, so this is for ours
        raw.prepare_threshold = PREPARE_AFTER
        # Planning a search costs as much as running it in a thousand passages.
        raw.execute("SET plan_cache_mode = force_generic_plan")
    return raw


def to_json(value: Any) -> str:
    """JSON for a `jsonb` parameter, without what Postgres cannot hold. May raise TypeError."""
    with suppress(orjson.JSONEncodeError):  # half of a surrogate pair, or no JSON at all
        text = orjson.dumps(value).decode()
        if "\\u0000" not in text:  # nearly always, so that cleaning comes second
            return text
    return orjson.dumps(storable_json(value)).decode()
