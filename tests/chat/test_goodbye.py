"""A real server that is told to go while a program is reading an answer."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from apps.chat.live import WENT_DOWN
from apps.chat.models import Message
from tests.chat.helpers import QUESTION

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
START_S = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)


@pytest.fixture
def server() -> Iterator[Server]:
    """The server as the supervisor starts it, on the database of this test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = urlsplit(os.environ["DATABASE_URL"])
    name = str(connection.settings_dict["NAME"])
    env = {**os.environ, "DATABASE_URL": url._replace(path=f"/{name}").geturl()}
    process = subprocess.Popen(
        [
            sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port),
            "--lifespan", "on", "--timeout-graceful-shutdown", "3", "--log-level", "warning",
        ],
        cwd=ROOT,
        env=env,
    )  # fmt: skip
    running = Server(process, port)
    try:
        _await_start(running)
        yield running
    finally:
        process.kill()
        process.wait()


def _await_start(server: Server) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert server.process.poll() is None, "the server ended"
        try:
            link = server.open()
            link.request("GET", "/healthz")
            if link.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_a_program_gets_an_error_event_and_the_row_says_why(
    api: Any, desk: Any, server: Server
) -> None:
    body = {
        "model": desk.slug,
        "messages": [{"role": "user", "content": f"{QUESTION} [[stub:stall]]"}],
        "stream": True,
    }
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    link = server.open()
    link.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    response = link.getresponse()
    assert response.status == 200
    first = response.readline()
    server.process.send_signal(signal.SIGTERM)
    events = [line for line in (first + response.read()).decode().split("\n\n") if line]
    assert events[-1] == "data: [DONE]"
    error = json.loads(events[-2].removeprefix("data: "))["error"]
    assert (error["message"], error["code"]) == (WENT_DOWN, "interrupted")
    answer = Message.objects.get(author="assistant")
    assert (answer.state, answer.reason) == ("interrupted", WENT_DOWN)
    assert server.process.wait(timeout=START_S) in (0, -signal.SIGTERM)
