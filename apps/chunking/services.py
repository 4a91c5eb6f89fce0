"""Writes of passages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction

from apps.chunking.cutting import cut_pages
from apps.chunking.models import Chunk, ChunkingProfile
from apps.chunking.profiles import read_values
from apps.chunking.splitters import Piece
from apps.chunking.strategies import DEFAULT_STRATEGY, STRATEGIES, get_strategy
from apps.chunking.units import CountTokens, PageText, join_pages
from apps.core.embedder import get_embedder
from apps.documents.models import DocumentVersion, Page
from apps.workspaces.models import Workspace

DEFAULT_PROFILE = "Standard"
HEADING_CHARS = 500

Splitter = Callable[..., list[Piece]]


def _splitter(key: str) -> Splitter:
    def cut(
        pages: Sequence[PageText], *, params: dict[str, Any], count_tokens: CountTokens
    ) -> list[Piece]:
        return cut_pages(pages, splitter=key, values=params)

    return cut


SPLITTERS: dict[str, Splitter] = {key: _splitter(key) for key in STRATEGIES}


def default_profile(workspace: Workspace) -> ChunkingProfile:
    """The profile that new collections use; made at its first use."""
    profile, _ = ChunkingProfile.objects.get_or_create(
        workspace=workspace,
        name=DEFAULT_PROFILE,
        defaults={
            "splitter": DEFAULT_STRATEGY,
            "params": get_strategy(DEFAULT_STRATEGY).defaults(),
        },
    )
    return profile


def split_version(version: DocumentVersion, *, profile: ChunkingProfile) -> int:
    """Cut the version's pages into passages and store them; returns how many there are.

    Doing it again changes nothing while pages and profile are the same, so vectors that exist
    stay. Otherwise the old passages go, with their vectors and postings, in one transaction.
    """
    pages = _read_pages(version)
    pieces = SPLITTERS[profile.splitter](
        pages, params=_read_params(profile), count_tokens=get_embedder().count_tokens
    )
    text = join_pages([page.text for page in pages])
    chunks = [
        Chunk(
            workspace_id=version.workspace_id,
            version=version,
            profile=profile,
            position=position,
            text=text[piece.start : piece.end],
            heading=piece.heading[:HEADING_CHARS],
            start=piece.start,
            end=piece.end,
            first_page=piece.first_page,
            last_page=piece.last_page,
            num_tokens=piece.num_tokens,
        )
        for position, piece in enumerate(pieces)
    ]
    _replace(version, chunks, profile=profile)
    return len(chunks)


@transaction.atomic
def _replace(
    version: DocumentVersion, chunks: Sequence[Chunk], *, profile: ChunkingProfile
) -> None:
    # Two workers may be at the same version for a moment, after one was taken for dead.
    DocumentVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    old = Chunk.objects.filter(version=version, profile=profile)
    before = list(old.select_for_update().order_by("position"))
    if [_key(chunk) for chunk in before] == [_key(chunk) for chunk in chunks]:
        return
    old.delete()
    Chunk.objects.bulk_create(chunks, batch_size=500)


def _key(chunk: Chunk) -> tuple[int, int, int, str, str]:
    return chunk.position, chunk.start, chunk.end, chunk.heading, chunk.text


def _read_pages(version: DocumentVersion) -> list[PageText]:
    rows = Page.objects.filter(version=version).order_by("number")
    return [
        PageText(number=number, text=text, start=start, blocks=blocks)
        for number, text, start, blocks in rows.values_list("number", "text", "start", "blocks")
    ]


def _read_params(profile: ChunkingProfile) -> dict[str, Any]:
    return read_values(profile)


__all__ = ["SPLITTERS", "CountTokens", "default_profile", "split_version"]
