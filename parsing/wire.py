"""Frames between the sandbox child and the process that asked: JSON, or bytes for an image.

JSON, not pickle: what comes out of a child that read a hostile file must not be able to run code.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import asdict
from typing import Any

import orjson

from parsing.types import Block, Limits, LineBox, Opened, ParsedPage, ParseError

_HEADER = struct.Struct(">cI")
JSON_FRAME, BYTES_FRAME = b"J", b"B"
MAX_FRAME = 512 * 1024 * 1024
MAX_FILES = 16
"""Files in one request."""


class WireError(Exception):
    """The other side closed in the middle of a frame, or sent what is no frame."""


def send_json(sock: socket.socket, *messages: dict[str, Any]) -> None:
    """Send JSON frames, all at once."""
    bodies = [orjson.dumps(message) for message in messages]
    sock.sendall(b"".join(_HEADER.pack(JSON_FRAME, len(body)) + body for body in bodies))


def send_bytes(sock: socket.socket, body: bytes) -> None:
    """Send one frame of bytes."""
    sock.sendall(_HEADER.pack(BYTES_FRAME, len(body)) + body)


class FrameReader:
    """Takes whatever arrives and gives whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes as they came from the socket."""
        self._buffer += data

    def next_frame(self) -> dict[str, Any] | bytes | None:
        """The next whole frame, or None if more bytes are needed."""
        if len(self._buffer) < _HEADER.size:
            return None
        kind, size = _HEADER.unpack_from(self._buffer)
        if kind not in (JSON_FRAME, BYTES_FRAME) or size > MAX_FRAME:
            raise WireError("not a frame")
        end = _HEADER.size + size
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        if kind == BYTES_FRAME:
            return body
        message = orjson.loads(body)
        if not isinstance(message, dict):
            raise WireError("not a message")
        return message


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes from a blocking socket; WireError if it closes before."""
    chunks: list[bytes] = []
    while size:
        data = sock.recv(min(size, 1 << 20))
        if not data:
            raise WireError("closed")
        chunks.append(data)
        size -= len(data)
    return b"".join(chunks)


def pack_item(item: Opened | ParsedPage) -> dict[str, Any]:
    """A message for one result; blocks and boxes as plain lists to keep it small."""
    if isinstance(item, Opened):
        return {"opened": asdict(item)}
    blocks = [[block.kind, block.level, block.start, block.end] for block in item.blocks]
    boxes = [[box.start, box.end, box.x0, box.y0, box.x1, box.y1] for box in item.boxes]
    return {
        "page": {
            "number": item.number, "text": item.text, "label": item.label, "note": item.note,
            "width": item.width, "height": item.height, "confidence": item.confidence,
            "blocks": blocks, "boxes": boxes,
        }
    }  # fmt: skip


def unpack_item(message: dict[str, Any]) -> Opened | ParsedPage:
    """The result in a message; raises the ParseError in it."""
    if "error" in message:
        raise ParseError(str(message["error"]["code"]), str(message["error"]["reason"]))
    if "opened" in message:
        return Opened(**message["opened"])
    page = dict(message["page"])
    page["blocks"] = tuple(Block(*block) for block in page["blocks"])
    page["boxes"] = tuple(LineBox(*box) for box in page["boxes"])
    return ParsedPage(**page)


def pack_error(error: ParseError) -> dict[str, Any]:
    """A message for an error."""
    return {"error": {"code": error.code, "reason": error.reason}}


def pack_limits(limits: Limits) -> dict[str, Any]:
    """Limits as a message part; read back by `Limits(**part)`."""
    return asdict(limits)
