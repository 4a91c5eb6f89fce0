"""The fork server: all readers loaded once, one forked child per request.

Started by `ParserService` as `python -m parsing.zygote` with a socket as standard
input. A request comes with descriptors: the file (or several plain texts), where results go, and
where the child's end is told. When the asking side closes the last of these, the child is killed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from parsing import engine, sandbox
from parsing.render import render_file
from parsing.types import Limits, ParseError
from parsing.wire import (
    MAX_FILES,
    WireError,
    pack_error,
    pack_item,
    receive_exactly,
    send_bytes,
    send_json,
)

_OCR_FORMATS = frozenset({"pdf", "png", "jpeg", "tiff", "webp", "gif", "bmp"})


@dataclass(slots=True)
class _Child:
    pid: int
    status: socket.socket


class Zygote:
    """Waits for requests, forks, reaps."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()

    def run(self) -> None:
        """Serve until the asking side closes its socket; then no child is left."""
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._control, selectors.EVENT_READ, "control")
        self._selector.register(self._wake, selectors.EVENT_READ, "wake")
        try:
            while self._serve_once():
                pass
        finally:
            for child in list(self._children.values()):
                self._kill(child)

    def _serve_once(self) -> bool:
        for key, _ in self._selector.select():
            if key.data == "control":
                if not self._accept():
                    return False
            elif key.data == "wake":
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(4096)
            else:
                self._kill(key.data)
        self._reap()
        return True

    def _accept(self) -> bool:
        try:
            head, fds, _, _ = socket.recv_fds(self._control, 4, MAX_FILES + 2)
            if len(head) < 4:
                head += receive_exactly(self._control, 4 - len(head)) if head else b""
            if not head:
                return False
            body = receive_exactly(self._control, int.from_bytes(head, "big"))
        except (OSError, WireError):
            return False
        *file_fds, data_fd, status_fd = fds
        status = socket.socket(fileno=status_fd)
        pid = os.fork()
        if pid == 0:
            self._become_child(orjson.loads(body), file_fds, data_fd, status)
        for fd in (*file_fds, data_fd):
            os.close(fd)
        child = _Child(pid=pid, status=status)
        self._children[pid] = child
        self._selector.register(status, selectors.EVENT_READ, child)
        return True

    def _become_child(
        self, request: dict[str, Any], file_fds: list[int], data_fd: int, status: socket.socket
    ) -> None:
        """In the child: drop what belongs to the server, read what was asked for, exit."""
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for sock in (self._control, self._wake, self._waker, status):
                sock.close()
            for child in self._children.values():
                child.status.close()
            with socket.socket(fileno=data_fd) as data:
                serve_request(request, files=[os.fdopen(fd, "rb") for fd in file_fds], data=data)
            code = 0
        finally:
            os._exit(code)

    def _kill(self, child: _Child) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(child.status)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child.pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is None:
                continue
            self._kill(child)
            report = {"status": os.waitstatus_to_exitcode(status), "max_rss_kb": usage.ru_maxrss}
            with contextlib.suppress(OSError):
                child.status.sendall(orjson.dumps(report))
            child.status.close()


def serve_request(request: dict[str, Any], *, files: list[BinaryIO], data: socket.socket) -> None:
    """Read one document and send its pages, or one page's picture, then a final message.

    Or several plain texts: then what is read of each is followed by its number.
    """
    limits = Limits(**request["limits"])
    size = sum(os.fstat(file.fileno()).st_size for file in files)
    sandbox.confine_child(limits, file_bytes=size)
    try:
        if request["operation"] == "plain":
            _serve_plain(request, limits, files=files, data=data)
        else:
            _serve(request, limits, file=files[0], data=data)
        send_json(data, {"done": True})
    except ParseError as error:
        send_json(data, pack_error(error))
    except MemoryError:
        gc.collect()
        send_json(data, pack_error(engine.memory_error(limits)))
    except OSError as error:
        if isinstance(error, BrokenPipeError | ConnectionError):
            return
        send_json(data, pack_error(_damaged(error)))
    except Exception as error:
        # Readers meet every kind of damage; each of their errors means the same to the sender.
        send_json(data, pack_error(_damaged(error)))


def _serve(request: dict[str, Any], limits: Limits, *, file: BinaryIO, data: socket.socket) -> None:
    if request["operation"] == "render":
        source = engine.open_source(file, filename=request["filename"], limits=limits)
        send_bytes(data, render_file(source, page=request["page"], width_px=request["width_px"]))
        return

    def await_turn() -> None:
        send_json(data, {"turn": "asked"})
        receive_exactly(data, 1)

    items = engine.parse_file(
        file,
        filename=request["filename"],
        first_page=request["first_page"],
        limits=limits,
        ocr=request["ocr"],
        await_turn=await_turn,
    )
    for item in items:
        send_json(data, pack_item(item))


def _serve_plain(
    request: dict[str, Any], limits: Limits, *, files: list[BinaryIO], data: socket.socket
) -> None:
    for number, (file, filename) in enumerate(zip(files, request["filenames"], strict=True)):
        items = None
        with contextlib.suppress(Exception):  # it is read again by itself, and tells then
            items = engine.parse_plain(file, filename=filename, limits=limits)
        if items is not None:
            send_json(data, *map(pack_item, items), {"read": number})


def _damaged(error: Exception) -> ParseError:
    return ParseError(
        "corrupt",
        f"This file could not be read: it seems to be damaged ({type(error).__name__}). "
        "Open it in the program that made it, save it again, and upload that copy.",
    )


def main() -> None:
    """Load everything, give up privileges, serve."""
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    engine.preload()
    sandbox.isolate_process()
    gc.collect()
    gc.freeze()
    control.sendall(b"R")
    Zygote(control).run()


if __name__ == "__main__":
    main()
