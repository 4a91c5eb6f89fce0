"""Reads documents in sandboxed child processes, page by page, from any number of threads."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from parsing.engine import memory_error
from parsing.turns import OcrTurn
from parsing.types import Limits, Opened, ParsedPage, ParseError
from parsing.walls import gaps
from parsing.wire import FrameReader, WireError, pack_limits, unpack_item

_ROOT = Path(__file__).resolve().parents[1]
_RESUMABLE = frozenset({"application/pdf", "image/tiff"})
_KEPT_ENVIRONMENT = ("PATH", "HOME", "TESSDATA_PREFIX", "LD_LIBRARY_PATH", "TMPDIR")
_POLL_SECONDS = 0.5
_DEATH_SECONDS = 0.2
_START_SECONDS = 60.0
DEFAULT_LIMITS = Limits()
RENDER_LIMITS = Limits(seconds=30.0, page_seconds=30.0)
PLAIN_LIMITS = Limits(seconds=20.0, page_seconds=10.0, memory_mb=256)


class _ServerGone(Exception):
    """The fork server died before or while it served the request."""


class _ChildDied(Exception):
    """The child ended without a final message; `error` is what to tell."""

    def __init__(self, error: ParseError) -> None:
        super().__init__(error.reason)
        self.error = error


class ParserService:
    """One fork server per process, started when first needed and again when it has died."""

    def __init__(self, *, max_children: int = 8) -> None:
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(max_children)
        self._turns = threading.BoundedSemaphore(1)
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0
        self._running = 0
        self._used_at = time.monotonic()

    def parse(
        self,
        path: Path,
        *,
        filename: str,
        first_page: int = 1,
        limits: Limits = DEFAULT_LIMITS,
        ocr: bool = True,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Opened | ParsedPage]:
        """Yield what is known of the document, then its pages from `first_page` on.

        Ends with ParseError where the document cannot be read. A page of a PDF or TIFF that
        kills its child is given as an empty page with a note, and the rest is read by another.
        """
        run = _Run(limits=limits, cancelled=cancelled)
        request = {"operation": "parse", "filename": filename, "ocr": ocr}
        opened: Opened | None = None
        at, has_text, bad_pages = first_page, first_page > 1, 0
        while True:
            try:
                for item in self._stream([path], {**request, "first_page": at}, run):
                    if isinstance(item, Opened):
                        if opened is None:
                            opened = item
                            yield item
                        continue
                    if isinstance(item, ParsedPage):
                        at = item.number + 1
                        has_text = has_text or bool(item.text.strip())
                        yield item
                return
            except _ChildDied as died:
                bad_pages += 1
                can_go_on = opened is not None and opened.media_type in _RESUMABLE
                if not can_go_on or opened is None or bad_pages > limits.bad_pages:
                    raise died.error from None
                yield ParsedPage(number=at, text="", note=_page_note(died.error))
                at += 1
                if at > opened.pages_total:
                    if not has_text:
                        raise died.error from None
                    return

    def parse_plain(
        self, files: Sequence[tuple[Path, str]], *, limits: Limits = PLAIN_LIMITS
    ) -> list[list[Opened | ParsedPage] | None]:
        """Read short plain texts, given as (path, filename), in one child: at most MAX_FILES.

        None stands for a file that `parse` has to read by itself, because it is no plain text,
        cannot be read, or was left over when the child died.
        """
        results: list[list[Opened | ParsedPage] | None] = [None] * len(files)
        request = {"operation": "plain", "filenames": [filename for _, filename in files]}
        items: list[Opened | ParsedPage] = []
        run = _Run(limits=limits, cancelled=None)
        with contextlib.suppress(_ChildDied, ParseError, OSError, LookupError):
            for item in self._stream([path for path, _ in files], request, run):
                if isinstance(item, int):
                    results[item], items = items, []
                elif not isinstance(item, bytes):
                    items.append(item)
        return results

    def render_page(
        self, path: Path, *, page: int, width_px: int, limits: Limits = RENDER_LIMITS
    ) -> bytes:
        """PNG of page `page` (from 1) of a PDF or image, `width_px` pixels wide."""
        request = {
            "operation": "render", "filename": path.name, "page": page, "width_px": width_px,
        }  # fmt: skip
        run = _Run(limits=limits, cancelled=None)
        try:
            for item in self._stream([path], request, run):
                if isinstance(item, bytes):
                    return item
        except _ChildDied as died:
            raise died.error from None
        raise ParseError("corrupt", "This page could not be drawn.")

    def close(self) -> None:
        """Stop the fork server and every child. The next parse starts a new one."""
        with self._lock:
            self._stop()

    def release_idle(self, *, seconds: float) -> bool:
        """Stop the fork server if nothing was read for so long; True if it was stopped.

        Its memory belongs to others between uploads. The next parse waits half a second for it.
        """
        with self._lock:
            recent = time.monotonic() - self._used_at < seconds
            if self._server is None or self._running or recent:
                return False
            self._stop()
            return True

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._used_at = time.monotonic()

    def _stream(
        self, paths: Sequence[Path], request: dict[str, Any], run: _Run
    ) -> Iterator[Opened | ParsedPage | bytes | int]:
        """Messages of one child; asks a second fork server if the first is gone at the start."""
        request["limits"] = pack_limits(run.limits)
        with self._slots, self._in_use():
            for attempt in (1, 2):
                started = False
                try:
                    for item in self._exchange(paths, request, run):
                        started = True
                        yield item
                    return
                except _ServerGone:
                    if started or attempt == 2:
                        raise _ChildDied(_crashed()) from None
                    # It closes its sockets before it counts as ended, and would be asked again.
                    self._is_server_gone()
                except _ChildDied:
                    # A server that was just killed takes the request and never forks for it.
                    if started or attempt == 2 or not self._is_server_gone():
                        raise

    def _exchange(
        self, paths: Sequence[Path], request: dict[str, Any], run: _Run
    ) -> Iterator[Opened | ParsedPage | bytes | int]:
        data, data_far = socket.socketpair()
        status, status_far = socket.socketpair()
        with data, status:
            with data_far, status_far, contextlib.ExitStack() as stack:
                files = [stack.enter_context(path.open("rb")).fileno() for path in paths]
                self._send(request, [*files, data_far.fileno(), status_far.fileno()])
            yield from self._receive(data, status, run)

    def _receive(
        self, data: socket.socket, status: socket.socket, run: _Run
    ) -> Iterator[Opened | ParsedPage | bytes | int]:
        """The messages of a child until it is done; one child at a time recognises text."""
        reader = FrameReader()
        with OcrTurn(self._turns) as turn:
            while True:
                chunk = run.receive(data)
                if not chunk:
                    raise run.explain_end(status)
                reader.feed(chunk)
                while (frame := _next_frame(reader)) is not None:
                    turn.give_back()
                    if isinstance(frame, bytes):
                        yield frame
                    elif "done" in frame:
                        return
                    elif "turn" in frame:
                        turn.take(run.check_cancelled)
                        data.sendall(b"G")
                    elif "read" in frame:
                        yield int(frame["read"])
                    else:
                        yield unpack_item(frame)
                    run.check_cancelled()

    def _send(self, request: dict[str, Any], fds: list[int]) -> None:
        body = orjson.dumps(request)
        with self._lock:
            control = self._ensure_server()
            try:
                socket.send_fds(control, [len(body).to_bytes(4, "big")], fds)
                control.sendall(body)
            except OSError:
                self._stop()
                raise _ServerGone from None

    def _ensure_server(self) -> socket.socket:
        if self._owner != os.getpid():
            self._server = self._control = None
        alive = self._server is not None and self._server.poll() is None
        if not alive or self._control is None:
            self._stop()
            self._start()
        if self._control is None:
            raise _ChildDied(_crashed())
        return self._control

    def _is_server_gone(self) -> bool:
        """Whether the fork server has ended, allowing a moment for its end to be noticed."""
        server = self._server
        if server is None:
            return True
        try:
            server.wait(timeout=_DEATH_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _start(self) -> None:
        near, far = socket.socketpair()
        gaps.hide_environment()
        environment = {key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ}
        environment |= {"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "OMP_THREAD_LIMIT": "1"}
        # Libraries of children work on one thread: none may take memory for more.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        with far:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "parsing.zygote"],
                stdin=far.fileno(),
                cwd=_ROOT,
                env=environment,
                start_new_session=True,
            )
        self._owner = os.getpid()
        near.settimeout(_START_SECONDS)
        try:
            ready = near.recv(1)
        except OSError:
            ready = b""
        near.settimeout(None)
        if ready != b"R":
            near.close()
            self._stop()
            raise _ChildDied(
                ParseError(
                    "crashed",
                    "The document reader could not be started. This is not the file's fault: "
                    "try again, and if it happens again tell the administrator.",
                )
            )
        self._control = near

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None and self._owner == os.getpid():
            try:
                self._server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._server = None


class _Run:
    """Time spent waiting on one document's children, and the end it came to."""

    def __init__(self, *, limits: Limits, cancelled: Callable[[], bool] | None) -> None:
        self.limits = limits
        self._cancelled = cancelled
        self._waited = 0.0

    def receive(self, data: socket.socket) -> bytes:
        """The next bytes; empty at the end. Only time spent waiting here counts."""
        page_waited = 0.0
        poller = select.poll()
        poller.register(data, select.POLLIN)
        while True:
            self.check_cancelled()
            started = time.monotonic()
            readable = poller.poll(_POLL_SECONDS * 1000)
            spent = time.monotonic() - started
            page_waited += spent
            self._waited += spent
            if readable:
                with contextlib.suppress(ConnectionError):
                    return data.recv(1 << 18)
                return b""
            if self._waited > self.limits.seconds:
                raise _timed_out(self.limits.seconds)
            if page_waited > self.limits.page_seconds:
                raise _ChildDied(_timed_out(self.limits.page_seconds))

    def check_cancelled(self) -> None:
        """End the parse if the caller no longer wants it."""
        if self._cancelled is not None and self._cancelled():
            raise ParseError("cancelled", "Reading this file was cancelled.")

    def explain_end(self, status: socket.socket) -> Exception:
        """Why the child is gone: the fork server tells how it ended, unless it is gone too."""
        status.settimeout(5.0)
        try:
            report = orjson.loads(status.recv(4096) or b"null")
        except (OSError, orjson.JSONDecodeError):
            report = None
        if not isinstance(report, dict):
            return _ServerGone()
        code = int(report["status"])
        used_mb = int(report["max_rss_kb"]) / 1024
        if code == -24:  # SIGXCPU
            return _timed_out(self.limits.seconds)
        if code == -9 or used_mb > 0.6 * self.limits.memory_mb:
            return _ChildDied(memory_error(self.limits))
        return _ChildDied(_crashed())


def _next_frame(reader: FrameReader) -> dict[str, Any] | bytes | None:
    try:
        return reader.next_frame()
    except WireError:
        raise _ChildDied(_crashed()) from None


def _timed_out(seconds: float) -> ParseError:
    return ParseError(
        "timeout",
        f"Reading this file took longer than {seconds:,.0f} seconds, so it was stopped. "
        "Split it into smaller files.",
    )


def _crashed() -> ParseError:
    return ParseError(
        "crashed",
        "The reader for this kind of file stopped unexpectedly, most likely because the file is "
        "damaged. Nothing else is affected. Save the file again, or convert it to PDF.",
    )


def _page_note(error: ParseError) -> str:
    reasons = {
        "timeout": "it took too long", "memory": "it needs too much memory",
    }  # fmt: skip
    return f"This page could not be read ({reasons.get(error.code, 'it is damaged')})."
