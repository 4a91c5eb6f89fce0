"""A whole installation as `make run` starts it: in a new directory, on a free port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from config.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0
STOP_SECONDS = 30.0
# What the other tests set for themselves (see tests/stack.py) and a real installation has not.
NOT_OURS = ("DATABASE_URL", "REDIS_URL", "EMBEDDER", "LOG_LEVEL", "PLUMBLINE_TEST_STACK")


class Installation:
    """A supervisor with all that it runs, and what a script would do with it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        self.env |= {"DATA_DIR": str(data_dir), "HOST": "127.0.0.1", "PORT": str(self.port)}
        self._log = data_dir.parent / "output.txt"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "config.supervisor"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        """Return when `/readyz` says yes. Raises RuntimeError with the output if it never does."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.3)
        raise RuntimeError(f"It did not start:\n{self.output()[-4000:]}")

    def output(self) -> str:
        """What the supervisor and its children have printed so far."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def create_workspace(self, name: str, *, owner: str) -> dict[str, str]:
        """Run the command of that name; returns its JSON: workspace, slug, api_key, owner."""
        done = subprocess.run(
            [sys.executable, "manage.py", "create_workspace", name, "--owner", owner],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        result: dict[str, str] = json.loads(done.stdout)
        return result


class Rest:
    """The REST API of one workspace."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}/api/v1/"
        self._key = key

    def call(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        """Send JSON and return the JSON that comes back. Raises HTTPError on a refusal."""
        body = None if fields is None else json.dumps(fields).encode()
        return self._send(method, path, body, "application/json")

    def upload(self, collection: str, *, name: str, content: bytes) -> Any:
        """Upload one file into a collection; returns its document."""
        line = "a-line-that-no-file-holds"
        head = (
            f"--{line}\r\nContent-Disposition: form-data; name=file; filename={name}\r\n"
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{line}--\r\n".encode()
        kind = f"multipart/form-data; boundary={line}"
        return self._send("POST", f"collections/{collection}/documents/", body, kind)

    def wait_until_ready(self, document: str, *, seconds: float = 90.0) -> Any:
        """Return the document when it can be searched."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.call("GET", f"documents/{document}/")
            if found["state"] not in {"queued", "processing"}:
                return found
            time.sleep(0.3)
        raise TimeoutError(f"{document} is still {found['state']}")

    def _send(self, method: str, path: str, body: bytes | None, kind: str) -> Any:
        request = urllib.request.Request(self._url + path, data=body, method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error
        return json.loads(text) if text else None
