"""A server with `/v1/embeddings` for tests: vectors by words, failures on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from zlib import crc32

TOO_LONG = "This model's maximum context length is 256 tokens."


class EmbeddingServer(ThreadingHTTPServer):
    """Texts that share words have close vectors. Set the attributes to make it misbehave."""

    daemon_threads = True

    def __init__(self, dimensions: int = 16) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.dimensions = dimensions
        self.key = ""
        self.max_chars = 10_000
        self.failures: list[int] = []  # statuses of the next answers
        self.inputs: list[list[str]] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def vector(self, text: str) -> list[float]:
        """Not of length one, as some servers give them."""
        values = [0.0] * self.dimensions
        for word in text.lower().split():
            values[crc32(word.strip(".,?!:").encode()) % self.dimensions] += 2.0
        return values if any(values) else [1.0, *values[1:]]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = cast(EmbeddingServer, self.server)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = asked["input"]
        server.inputs.append(texts)
        if server.key and self.headers.get("Authorization") != f"Bearer {server.key}":
            self._answer(401, {"error": "unauthorized"})
        elif server.failures:
            self._answer(server.failures.pop(0), {"error": {"message": "not now"}})
        elif any(len(text) > server.max_chars for text in texts):
            self._answer(400, {"error": {"message": TOO_LONG, "code": 400}})
        else:
            rows = [
                {"index": n, "object": "embedding", "embedding": server.vector(text)}
                for n, text in enumerate(texts)
            ]
            # Servers may answer in any order: the index counts.
            self._answer(200, {"object": "list", "model": asked["model"], "data": rows[::-1]})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def serve_embeddings(dimensions: int = 16) -> Iterator[EmbeddingServer]:
    """A running server, stopped at the end of the block."""
    server = EmbeddingServer(dimensions)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
