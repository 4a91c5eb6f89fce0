"""Who has how much of a batch: each workspace and each document its share. Pure.

Without shares a document of thousands of passages would keep every other one waiting for minutes.
With them, batches of short documents stay as even as they were, because passages of one length
cost least together; only next to a long document are they mixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar
from uuid import UUID


class Waiting(Protocol):
    """A passage that waits for its vector. `length` estimates its tokens."""

    @property
    def version_id(self) -> UUID: ...
    @property
    def length(self) -> int: ...


W = TypeVar("W", bound=Waiting)


def choose_group(
    waiting: Sequence[W], *, size: int, turns: Mapping[UUID, tuple[int, int]]
) -> list[W]:
    """The next at most `size` passages of `waiting`, which is sorted by length.

    `turns` says of each document whose turn it is: (what its workspace has had, its place in the
    queue), the smallest first.
    """
    counts = Counter(one.version_id for one in waiting)
    long = [version_id for version_id, count in counts.items() if count > size]
    if not long:
        first = min(counts, key=lambda version_id: turns[version_id])
        return _take_around(waiting, first, size=size)
    short = sorted((v for v in counts if counts[v] <= size), key=lambda v: turns[v])
    group = _take_in_order(waiting, short, room=size // 2)
    long.sort(key=lambda version_id: turns[version_id])
    group += _take_shares(waiting, long, room=size - len(group))
    if len(group) < size:
        taken = {id(one) for one in group}
        group += [one for one in reversed(waiting) if id(one) not in taken][: size - len(group)]
    return group


def _take_around(waiting: Sequence[W], version_id: UUID, *, size: int) -> list[W]:
    """The document's longest passage, and others of about its length."""
    end = 1 + max(at for at, one in enumerate(waiting) if one.version_id == version_id)
    start = max(0, end - size)
    return list(waiting[start : start + size])


def _take_in_order(waiting: Sequence[W], version_ids: Iterable[UUID], *, room: int) -> list[W]:
    """All passages of one document after the other, as far as there is room."""
    by_version: dict[UUID, list[W]] = {}
    for one in waiting:
        by_version.setdefault(one.version_id, []).append(one)
    group: list[W] = []
    for version_id in version_ids:
        group += by_version[version_id][: room - len(group)]
        if len(group) == room:
            break
    return group


def _take_shares(waiting: Sequence[W], version_ids: Sequence[UUID], *, room: int) -> list[W]:
    """As many of each document, its longest first, so that the group is about as long."""
    share = Counter({v: room // len(version_ids) for v in version_ids})
    for version_id in version_ids[: room % len(version_ids)]:
        share[version_id] += 1
    group: list[W] = []
    for one in reversed(waiting):
        if share[one.version_id] > 0:
            share[one.version_id] -= 1
            group.append(one)
    return group
