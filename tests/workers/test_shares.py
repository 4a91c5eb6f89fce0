"""Short documents and other workspaces never wait for a long document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from apps.core.embedder import get_embedder
from apps.core.jobs import enqueue
from apps.core.models import JobKind
from apps.documents.models import Collection, DocumentVersion, VersionState
from tests.workers.helpers import upload
from workers import claims
from workers.claims import claim_due, claim_swarm
from workers.pipelines import embed
from workers.pipelines.shares import choose_group
from workers.runner import drain


@dataclass(frozen=True, slots=True)
class Passage:
    version_id: UUID
    length: int


def passages(number: int, *lengths: int) -> list[Passage]:
    return [Passage(UUID(int=number), length) for length in lengths]


def choose(waiting: list[Passage], turns: dict[int, tuple[int, int]], size: int = 4) -> list[str]:
    waiting.sort(key=lambda one: one.length)
    group = choose_group(
        waiting, size=size, turns={UUID(int=number): turn for number, turn in turns.items()}
    )
    return [f"{one.version_id.int}:{one.length}" for one in group]


def test_short_documents_share_a_group_by_length() -> None:
    waiting = passages(1, 10, 50) + passages(2, 48, 9) + passages(3, 47, 11)
    # The first document's longest passage, and the three next to it in length.
    group = choose(waiting, {1: (0, 0), 2: (0, 1), 3: (0, 2)})
    assert group == ["3:11", "3:47", "2:48", "1:50"]


def test_a_long_document_leaves_half_of_a_group_to_short_ones() -> None:
    waiting = passages(1, 90, 91, 92, 93, 94, 95) + passages(2, 10) + passages(3, 20)
    group = choose(waiting, {1: (0, 0), 2: (0, 1), 3: (0, 2)})
    assert sorted(group) == ["1:94", "1:95", "2:10", "3:20"]


def test_the_workspace_that_had_least_comes_first() -> None:
    waiting = passages(1, *range(80, 90)) + passages(2, 10, 11) + passages(3, 20, 21)
    group = choose(waiting, {1: (0, 0), 2: (9, 1), 3: (2, 2)})
    assert sorted(group) == ["1:88", "1:89", "3:20", "3:21"]


def test_long_documents_share_alike() -> None:
    waiting = passages(1, *range(80, 90)) + passages(2, *range(30, 40))
    assert sorted(choose(waiting, {1: (0, 0), 2: (0, 1)})) == ["1:88", "1:89", "2:38", "2:39"]


@pytest.mark.django_db(transaction=True)
def test_short_documents_are_ready_while_a_long_one_goes_on(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "GROUP_CHUNKS", 4)
    monkeypatch.setattr(embed, "ENOUGH_CHUNKS", 8)
    monkeypatch.setattr(embed, "LANES", 1)
    text = "\n\n".join(f"# Part {number}\n\nWords of part {number}." for number in range(60))
    long = upload(collection, text.encode(), "long.md").version
    drain(JobKind.PARSE_VERSION)
    real = get_embedder().encode
    short: list[DocumentVersion] = []
    groups_until_ready: list[int] = []
    calls = 0

    def encode(texts: Sequence[str]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            for number in range(3):
                body = f"# Short {number}\n\nA page about {number}.\n"
                short.append(upload(collection, body.encode(), f"short-{number}.md").version)
            drain(JobKind.PARSE_VERSION)
        states = DocumentVersion.objects.filter(pk__in=[version.pk for version in short])
        ready = states.filter(state=VersionState.READY).count()
        if short and ready == len(short) and not groups_until_ready:
            groups_until_ready.append(calls)
        return real(texts)

    monkeypatch.setattr(get_embedder(), "encode", encode)
    drain(JobKind.EMBED_VERSION)
    long.refresh_from_db()
    assert (long.state, long.num_chunks) == (VersionState.READY, 60)
    # Fifteen groups and more are the long document's; the short ones were ready among them. Four
    # groups were on their way when they came, and each of the next holds some of the long one.
    assert calls >= 15
    assert groups_until_ready
    assert groups_until_ready[0] < calls - 2


@pytest.mark.django_db(transaction=True)
def test_workspaces_take_turns(workspace: Any, other_workspace: Any) -> None:
    claims._turns.clear()
    for owner, count in ((workspace, 4), (other_workspace, 2)):
        for number in range(count):
            key = f"{owner.pk}-{number}"
            enqueue(JobKind.EMBED_VERSION, workspace_id=owner.pk, key=key, payload={})
    order = [claim_due(JobKind.EMBED_VERSION)[0].workspace_id for _ in range(6)]
    first, second = workspace.pk, other_workspace.pk
    assert order == [first, second, first, second, first, first]


@pytest.mark.django_db(transaction=True)
def test_of_many_that_are_claimed_together_each_workspace_has_some(
    workspace: Any, other_workspace: Any
) -> None:
    claims._turns.clear()
    for owner, count in ((workspace, 20), (other_workspace, 2)):
        for number in range(count):
            key = f"{owner.pk}-{number}"
            enqueue(JobKind.EMBED_VERSION, workspace_id=owner.pk, key=key, payload={})
    together = claim_due(JobKind.EMBED_VERSION, limit=6)
    owners = [job.workspace_id for job in together]
    assert owners.count(other_workspace.pk) == 2
    assert owners.count(workspace.pk) == 4


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_reads_small_files_passes_over_large_ones(workspace: Any) -> None:
    kind = JobKind.PARSE_VERSION
    enqueue(kind, workspace_id=workspace.pk, key="large", payload={})
    enqueue(kind, workspace_id=workspace.pk, key="small", payload={"small": True})
    assert [job.key for job in claim_swarm(kind, limit=12, small_only=True)] == ["small"]
    assert claim_swarm(kind, limit=12, small_only=True) == []
    assert [job.key for job in claim_swarm(kind, limit=12)] == ["large"]
