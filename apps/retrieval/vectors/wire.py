"""Access to Postgres below Django's cursor: prepared statements, COPY, and binary vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from apps.core.statements import get_raw_connection
from inference.protocols import Vectors


class HalfVector:
    """The value of a `halfvec` parameter."""

    __slots__ = ("values",)

    def __init__(self, values: Vectors) -> None:
        self.values = values


class _HalfVectorDumper(Dumper):
    """pgvector's wire format: count, zero, then half floats, all big-endian."""

    format = Format.BINARY

    def dump(self, obj: HalfVector) -> Buffer:
        header = np.array([len(obj.values), 0], ">u2").tobytes()
        return header + obj.values.astype(">f2").tobytes()


@contextmanager
def open_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """A cursor of Django's connection, in its transaction, with parameters bound on the server."""
    with connection.wrap_database_errors, psycopg.Cursor(get_raw_connection()) as cursor:
        cursor.adapters.register_dumper(HalfVector, _HalfVectorDumper)
        yield cursor


@contextmanager
def open_raw_cursor() -> Iterator[psycopg.RawCursor[tuple[Any, ...]]]:
    """A cursor of Django's connection for statements with `$1`, which are sent unchanged."""
    with connection.wrap_database_errors, psycopg.RawCursor(get_raw_connection()) as cursor:
        cursor.adapters.register_dumper(HalfVector, _HalfVectorDumper)
        yield cursor


@contextmanager
def open_stream(name: str) -> Iterator[psycopg.ServerCursor[tuple[Any, ...]]]:
    """A server-side cursor of this name, which sends rows as they are fetched."""
    with (
        connection.wrap_database_errors,
        psycopg.ServerCursor(get_raw_connection(), name) as cursor,
    ):
        yield cursor
