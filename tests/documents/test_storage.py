from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from apps.documents.storage import (
    TooLargeError,
    blob_root,
    locate_blob,
    receive_blob,
    remove_abandoned_uploads,
    remove_blob,
)

WORKSPACE = UUID(int=7)


def files() -> list[str]:
    return [str(path.name) for path in blob_root().rglob("*") if path.is_file()]


def test_bytes_are_kept_under_their_hash() -> None:
    incoming = receive_blob(WORKSPACE, [b"one ", b"two"], limit=100)
    digest = hashlib.sha256(b"one two").hexdigest()
    assert (incoming.sha256, incoming.size) == (digest, 7)
    assert incoming.place() == f"{WORKSPACE}/{digest[:2]}/{digest}"
    assert locate_blob(incoming.name).read_bytes() == b"one two"
    incoming.discard()
    assert files() == [digest]


def test_placing_the_same_bytes_twice_leaves_one_file() -> None:
    for _ in range(2):
        receive_blob(WORKSPACE, [b"same"], limit=100).place()
    assert len(files()) == 1


def test_what_is_discarded_leaves_nothing() -> None:
    receive_blob(WORKSPACE, [b"gone"], limit=100).discard()
    assert files() == []


def test_the_limit_is_kept_while_bytes_arrive() -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b"x" * 10

    with pytest.raises(TooLargeError) as caught:
        receive_blob(WORKSPACE, endless(), limit=35)
    assert caught.value.limit == 35
    assert len(taken) == 4
    assert files() == []


def test_exactly_the_limit_is_allowed() -> None:
    assert receive_blob(WORKSPACE, [b"x" * 35], limit=35).size == 35


def test_a_sender_that_breaks_off_leaves_nothing() -> None:
    def broken() -> Iterator[bytes]:
        yield b"begin"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        receive_blob(WORKSPACE, broken(), limit=100)
    assert files() == []


def test_removing_twice_is_harmless() -> None:
    name = receive_blob(WORKSPACE, [b"x"], limit=100).place()
    remove_blob(name)
    remove_blob(name)
    assert files() == []


def test_uploads_of_a_dead_process_are_removed_after_a_while() -> None:
    old = receive_blob(WORKSPACE, [b"old"], limit=100)
    new = receive_blob(WORKSPACE, [b"new"], limit=100)
    day_ago = time.time() - 86_400
    os.utime(old.path, (day_ago, day_ago))
    assert remove_abandoned_uploads(older_than_s=3600) == 1
    assert not old.path.exists()
    assert new.path.exists()
