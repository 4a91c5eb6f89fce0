"""A model server that replays what it is given, for replies that the stub does not know."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ReplayedModel:
    """`events` are sent as a stream, whatever is asked; `seen` are the requests' bodies.

    At /rerank the last text is the best one; `reranked` are the bodies of these requests. With
    `refusal`, chats are answered by a 400 with this message.
    """

    events: list[bytes] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    reranked: list[dict[str, Any]] = field(default_factory=list)
    refusal: str = ""
    base_url: str = ""
    pause_s: float = 0.0
    """Between two events, so that they arrive one by one."""

    def say(self, *texts: Any, finish: str = "stop", size: int = 0, **delta: Any) -> None:
        """Reply with these contents, cut into pieces of `size` characters if it is given."""
        pieces: list[Any] = []
        for text in texts:
            if size and isinstance(text, str):
                pieces += [text[at : at + size] for at in range(0, len(text), size)]
            else:
                pieces.append(text)
        self.events = [event({"content": piece}) for piece in pieces]
        if delta:
            self.events.append(event(delta))
        self.events += [event({}, finish=finish), b"data: [DONE]\n\n"]


def event(delta: dict[str, Any], *, finish: str | None = None) -> bytes:
    """One server-sent event of a completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


@contextmanager
def replay_model() -> Iterator[ReplayedModel]:
    """A server on a free port of the loopback, until the block ends."""
    model = ReplayedModel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            if self.path.endswith("/rerank"):
                model.reranked.append(body)
                count = len(body["documents"])
                rows = [{"index": n, "relevance_score": float(n)} for n in range(count)]
                self.send_json(200, {"results": rows})
                return
            model.seen.append(body)
            if model.refusal:
                self.send_json(400, {"error": {"message": model.refusal, "code": 400}})
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for part in model.events:
                self.wfile.write(part)
                self.wfile.flush()
                time.sleep(model.pause_s)

        def send_json(self, status: int, payload: dict[str, Any]) -> None:
            data = json.dumps(payload).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
