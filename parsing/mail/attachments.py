"""What is attached to a mail, read by the reader of its own format within the mail's limits."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from parsing.engine import parse_file
from parsing.source import Source
from parsing.types import Limits, Opened, ParsedPage, ParseError

MAX_DEPTH = 8
MAX_ATTACHMENTS = 500
MAX_SECONDS_SHARE = 0.7
"""Share of the time for a page: all of a mail is read before its first page is handed on."""

_SILENT = frozenset((
    "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature",
    "application/pgp-keys",
))  # fmt: skip
_SUFFIXES = {
    "text/html": ".html", "text/csv": ".csv", "text/markdown": ".md", "text/plain": ".txt",
    "text/calendar": ".ics", "application/json": ".json", "text/tab-separated-values": ".tsv",
}  # fmt: skip
_MAX_NAMED = 10


class AttachmentReader:
    """Reads attachments one after the other and keeps what could not be read, and why."""

    def __init__(self, source: Source) -> None:
        limits = source.limits
        self._source = source
        self._deadline = time.monotonic() + MAX_SECONDS_SHARE * limits.page_seconds
        self._chars, self._pages, self._count = limits.output_chars // 2, limits.pages, 0
        self._unread: list[tuple[str, str]] = []

    @property
    def note(self) -> str:
        """What was not read and why, as sentences; empty if all of it was."""
        if not self._unread:
            return ""
        parts = [f"{name} ({reason.rstrip('.')})" for name, reason in self._unread[:_MAX_NAMED]]
        left = len(self._unread) - _MAX_NAMED
        more = f"; and {left:,} more" if left > 0 else ""
        return f"Attachments that were not read: {'; '.join(parts)}{more}."

    @property
    def is_late(self) -> bool:
        """Whether the time for all of the mail is spent."""
        return time.monotonic() > self._deadline

    def refuse(self, name: str, reason: str) -> None:
        """Record that an attachment was not read."""
        self._unread.append((name or "without a name", reason))

    def read(
        self, data: bytes, *, name: str, media_type: str, first: int, depth: int
    ) -> list[ParsedPage]:
        """Pages numbered from `first`; none where the attachment cannot be read."""
        self._count += 1
        if media_type in _SILENT:
            return []
        reason = self._find_obstacle(data, depth)
        if reason:
            self.refuse(name, reason)
            return []
        pages: list[ParsedPage] = []
        try:
            for page in self._parse(data, _filename(name, media_type), depth):
                label = f"Attachment {name}".strip() + (f": {page.label}" if page.label else "")
                pages.append(replace(
                    page, number=first + len(pages), label=label[:200], boxes=(), width=0.0,
                    height=0.0,
                ))  # fmt: skip
        except ParseError as error:
            self.refuse(name, error.reason)
        except Exception as error:  # readers meet every kind of damage
            self.refuse(name, f"it seems to be damaged: {type(error).__name__}")
        if not any(page.text.strip() for page in pages):
            return []
        self._pages -= len(pages)
        self._chars -= sum(len(page.text) for page in pages)
        return pages

    def _find_obstacle(self, data: bytes, depth: int) -> str:
        if not data:
            return "it is empty"
        if self._count > MAX_ATTACHMENTS:
            return f"a mail is read with {MAX_ATTACHMENTS} attachments at most"
        if depth >= MAX_DEPTH:
            return "mails are nested too deeply"
        if time.monotonic() > self._deadline:
            return "the others took all the time"
        if self._pages < 1 or self._chars < 1:
            return "the mail holds too much text"
        return ""

    def _parse(self, data: bytes, filename: str, depth: int) -> Iterator[ParsedPage]:
        seconds = max(1.0, self._deadline - time.monotonic())
        limits = self._source.limits
        shared: Limits = replace(
            limits,
            page_seconds=seconds,
            output_chars=self._chars,
            pages=self._pages,
            expanded_mb=max(1, limits.expanded_mb // 4),
        )
        note = ""
        total = 0
        for item in parse_file(
            io.BytesIO(data),
            filename=filename,
            first_page=1,
            limits=shared,
            ocr=self._source.ocr,
            depth=depth + 1,
            await_turn=self._source.await_turn,
        ):
            if isinstance(item, Opened):
                note, total = item.metadata.get("note", ""), item.pages_total
                continue
            yield replace(item, note=f"{note} {item.note}".strip())
            note = ""
            if time.monotonic() > self._deadline and item.number < total:
                raise ParseError("timeout", f"only {item.number:,} of {total:,} pages, for time")


def _filename(name: str, media_type: str) -> str:
    """The name to tell the format from, with the ending of the declared type if it has none."""
    if PurePath(name).suffix or media_type not in _SUFFIXES:
        return name
    return f"{name or 'attachment'}{_SUFFIXES[media_type]}"
