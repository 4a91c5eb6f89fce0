"""What people do to chunks: edit, split, merge, disable and tag them, and undo that.

Each change is stored as a ChunkEdit, which survives another split; a job makes it searchable.
Only disabling takes effect immediately.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.chunking.cutting import token_room
from apps.chunking.edits import hash_text, map_cut
from apps.chunking.models import TAG_CHARS, Chunk, ChunkEdit
from apps.chunking.planning import read_pages
from apps.chunking.spans import strip_span
from apps.chunking.table_rows import embedded_text
from apps.chunking.units import join_pages
from apps.core.embedder import get_embedder
from apps.core.text import storable
from apps.documents.models import Document, DocumentVersion
from apps.retrieval.passages.edit_jobs import enqueue_refresh
from apps.retrieval.passages.rows import remove_chunks
from apps.workspaces.services import Actor, record_audit

MAX_TEXT_CHARS = 20_000
MAX_TAGS = 20


class EditError(Exception):
    """The change is not possible; the message says why, and what to do instead."""


def edit_chunk(chunk: Chunk, *, text: str, actor: Actor) -> ChunkEdit:
    """Change what a chunk says. Restoring the source's own words undoes the edit.

    Raises EditError for text that is empty or more than the embedding model reads.
    """
    text = storable(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text or len(text) > MAX_TEXT_CHARS:
        raise EditError("A passage must have text. To leave it out, disable it.")
    _check_size(chunk, text)
    with transaction.atomic():
        original = _lock_and_read(chunk)
        edit = _note(chunk, original, actor=actor, text="" if text == original else text)
        _finish(chunk, edit, action="passage.edited", actor=actor)
    return edit


def disable_chunk(chunk: Chunk, *, actor: Actor) -> ChunkEdit:
    """Take a chunk out of every search, including its text in the overlap of neighbours."""
    with transaction.atomic():
        original = _lock_and_read(chunk)
        edit = _note(chunk, original, actor=actor, is_disabled=True)
        inside = Chunk.objects.filter(
            version=chunk.version_id, start__gte=chunk.start, end__lte=chunk.end
        )
        remove_chunks(list(inside.values_list("pk", flat=True)))
        _finish(chunk, edit, action="passage.disabled", actor=actor)
    return edit


def tag_chunk(chunk: Chunk, *, tags: Sequence[str], actor: Actor) -> ChunkEdit | None:
    """Replace a chunk's tags; returns None if no change is left to store.

    Raises EditError if there are too many tags, or too long ones.
    """
    clean = list(dict.fromkeys(tag for raw in tags if (tag := " ".join(raw.split()))))
    if len(clean) > MAX_TAGS or any(len(tag) > TAG_CHARS for tag in clean):
        raise EditError(f"Give at most {MAX_TAGS} tags of at most {TAG_CHARS} characters.")
    with transaction.atomic():
        original = _lock_and_read(chunk)
        edit = _find(chunk)
        if edit is None and not clean:
            return None
        if edit is None:
            edit = _new(chunk, original, actor=actor, is_fixed=False)
        edit.tags = clean
        _save(edit)
        _finish(chunk, edit, action="passage.tagged", actor=actor)
        if clean or edit.is_fixed:
            return edit
        edit.delete()
    return None


def split_chunk(chunk: Chunk, *, at: int, actor: Actor) -> list[ChunkEdit]:
    """Split a chunk in two; `at` is an offset into its text. Raises EditError at either end."""
    left, right = chunk.text[:at].strip(), chunk.text[at:].strip()
    if at <= 0 or not left or not right:
        raise EditError("Choose a place inside the passage, with text on both sides.")
    with transaction.atomic():
        original = _lock_and_read(chunk)
        _refuse_pending(chunk)
        cut = chunk.start + map_cut(chunk.text, at, original=original)
        full = _full_text(chunk.version)
        spans = [strip_span(full, chunk.start, cut), strip_span(full, cut, chunk.end)]
        if any(start >= end for start, end in spans):
            raise EditError("Choose a place inside the passage, with text on both sides.")
        is_edited = chunk.text != original
        _release([_find(chunk)])
        edits = [
            _write(chunk, span, full, actor=actor, text=text if is_edited else "")
            for span, text in zip(spans, (left, right), strict=True)
        ]
        _finish(chunk, edits[0], action="passage.split", actor=actor)
    return edits


def merge_chunk(chunk: Chunk, *, actor: Actor) -> ChunkEdit:
    """Merge a chunk with the next one.

    Raises EditError if there is no next one, if something disabled or changed lies between them,
    or if the embedding model cannot read both together.
    """
    with transaction.atomic():
        _lock_and_read(chunk)
        _refuse_pending(chunk)
        following = (
            Chunk.objects.select_related("edit")
            .filter(version=chunk.version_id, profile=chunk.profile_id, position__gt=chunk.position)
            .order_by("position")
            .first()
        )
        if following is None:
            raise EditError("This is the last passage: there is none to merge it with.")
        _refuse_pending(following)
        span = (min(chunk.start, following.start), max(chunk.end, following.end))
        full = _full_text(chunk.version)
        text = _merge_texts(chunk, following, full)
        _check_size(chunk, text or full[slice(*span)])
        edits = [_find(chunk), _find(following)]
        _refuse_between(chunk, span, [edit for edit in edits if edit is not None])
        _release(edits)
        edit = _write(chunk, span, full, actor=actor, text=text)
        _finish(chunk, edit, action="passage.merged", actor=actor)
    return edit


def revert_edit(edit: ChunkEdit, *, actor: Actor) -> None:
    """Undo a change: the stretch is cut by the profile and reads like the source again."""
    with transaction.atomic():
        Document.objects.select_for_update(no_key=True).get(pk=edit.document_id)
        record_audit(
            edit.workspace_id, actor=actor, action="passage.reverted", subject=edit.document,
            detail={"start": edit.start, "end": edit.end},
        )  # fmt: skip
        enqueue_refresh(edit.workspace_id, edit.document_id)
        edit.delete()


# Shared by the changes


def _check_size(chunk: Chunk, text: str) -> None:
    words = embedded_text(text, chunk.table_head)
    counts = get_embedder().count_tokens([chunk.heading, words])
    room = token_room()
    if sum(counts) > room:
        raise EditError(
            f"This has {counts[1]:,} tokens, and with its heading path the embedding model reads "
            f"{room - counts[0]:,}. Shorten it, or split it first."
        )


def _lock_and_read(chunk: Chunk) -> str:
    """Lock the document, and return what the source says where the chunk stands.

    Raises EditError if the chunk has changed since it was looked up.
    """
    Document.objects.select_for_update(no_key=True).get(pk=chunk.version.document_id)
    known = Chunk.objects.filter(pk=chunk.pk, start=chunk.start, end=chunk.end, text=chunk.text)
    if not known.exists():
        raise EditError("This passage was changed a moment ago. Load the page and try again.")
    return _full_text(chunk.version)[chunk.start : chunk.end]


def read_wanted(chunk: Chunk) -> str:
    """What a chunk will say once the job for its last edit has run."""
    edit = _find(chunk)
    if edit is None or not edit.is_fixed:
        return chunk.text
    return edit.text or edit.original


def _refuse_pending(chunk: Chunk) -> None:
    """Raise EditError for a chunk whose last edit has not been made searchable yet."""
    if read_wanted(chunk) != chunk.text:
        raise EditError(
            "The last change of this passage is still being made searchable. Try again in a moment."
        )


def _full_text(version: DocumentVersion) -> str:
    return join_pages([page.text for page in read_pages(version)])


def _find(chunk: Chunk) -> ChunkEdit | None:
    """The change of exactly this chunk, if there is one."""
    if chunk.edit_id is not None:
        return ChunkEdit.objects.filter(pk=chunk.edit_id).first()
    return ChunkEdit.objects.filter(
        document=chunk.version.document_id, start=chunk.start, end=chunk.end
    ).first()


def _new(chunk: Chunk, original: str, *, actor: Actor, is_fixed: bool = True) -> ChunkEdit:
    return ChunkEdit(
        workspace_id=chunk.workspace_id, document_id=chunk.version.document_id, start=chunk.start,
        end=chunk.end, original=original, original_hash=hash_text(original), is_fixed=is_fixed,
        created_by=actor.user,
    )  # fmt: skip


def _note(
    chunk: Chunk, original: str, *, actor: Actor, text: str = "", is_disabled: bool = False
) -> ChunkEdit:
    """Store a change of exactly this chunk, replacing an earlier one."""
    edit = _find(chunk) or _new(chunk, original, actor=actor)
    edit.start, edit.end = chunk.start, chunk.end
    edit.original, edit.original_hash = original, hash_text(original)
    edit.is_fixed, edit.is_disabled = True, is_disabled
    edit.text = edit.text if is_disabled else text
    _save(edit)
    return edit


def _write(chunk: Chunk, span: tuple[int, int], full: str, *, actor: Actor, text: str) -> ChunkEdit:
    """Store a fixed stretch; tags that it already has are kept."""
    original = full[slice(*span)]
    known = ChunkEdit.objects.filter(
        document=chunk.version.document_id, start=span[0], end=span[1]
    ).first()
    edit = known or _new(chunk, original, actor=actor)
    edit.start, edit.end = span
    edit.original, edit.original_hash = original, hash_text(original)
    edit.is_fixed, edit.is_disabled, edit.text = True, False, text
    _save(edit)
    return edit


def _save(edit: ChunkEdit) -> None:
    # An older change, made to another version, may claim the same place. It is replaced.
    ChunkEdit.objects.filter(document=edit.document_id, start=edit.start, end=edit.end).exclude(
        pk=edit.pk
    ).delete()
    edit.updated_at = timezone.now()
    edit.save()


def _release(edits: Sequence[ChunkEdit | None]) -> None:
    """Drop stretches that become part of others; their tags remain on the text."""
    for edit in edits:
        if edit is None:
            continue
        if edit.tags:
            edit.is_fixed, edit.text = False, ""
            _save(edit)
        else:
            edit.delete()


def _refuse_between(chunk: Chunk, span: tuple[int, int], own: Sequence[ChunkEdit]) -> None:
    others = ChunkEdit.objects.filter(
        Q(start__lt=span[1]), Q(end__gt=span[0]), document=chunk.version.document_id, is_fixed=True
    ).exclude(pk__in=[edit.pk for edit in own])
    if others.exists():
        raise EditError("Between the two stands a disabled passage. Enable it first.")


def _merge_texts(chunk: Chunk, following: Chunk, full: str) -> str:
    """The text of both chunks, or "" if together they say what the source says."""
    sources = (full[chunk.start : chunk.end], full[following.start : following.end])
    if (chunk.text, following.text) == sources:
        return ""
    gap = full[chunk.end : following.start] if following.start > chunk.end else ""
    return f"{chunk.text}{gap or chr(10) * 2}{following.text}"


def _finish(chunk: Chunk, edit: ChunkEdit, *, action: str, actor: Actor) -> None:
    detail: dict[str, Any] = {"start": edit.start, "end": edit.end}
    record_audit(
        chunk.workspace_id, actor=actor, action=action, subject=chunk.version.document,
        detail=detail,
    )  # fmt: skip
    enqueue_refresh(chunk.workspace_id, chunk.version.document_id)
