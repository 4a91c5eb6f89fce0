"""What an operator fears: a full disk, a killed supervisor, a backup that does not come back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from config.servers import free_port, wait_until
from tests.benchmarks.harness import (
    BenchmarkError,
    Stack,
    await_documents,
    await_start,
    create_key,
    encode_form,
    running_stack,
    start_stack,
)

QUESTION = "How many days of leave do people get?"
TEXTS = {
    "leave.md": "# Leave\n\nPeople get 27 days of leave a year. Unused days lapse in March.\n",
    "travel.md": "# Travel\n\nTrains are booked in second class. Hotels cost at most 140 euros.\n",
}
DISK_MB, RESERVE_MB = 2_000, 100


def post(stack: Stack, path: str, body: dict[str, Any]) -> Any:
    """One call of the OpenAI-compatible API."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{stack.port}{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {stack.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def fill(stack: Stack) -> str:
    """Two documents and an assistant that answers from them; its name for the API."""
    collection = stack.create_collection("Handbook")
    ids = [
        stack.upload(collection, name=name, content=text.encode())["id"]
        for name, text in TEXTS.items()
    ]
    await_documents(stack, ids, timeout_s=120)
    body = {"name": "Helper", "collections": [collection]}
    status, assistant = stack.call("POST", "assistants/", body)
    if status != 201:
        raise BenchmarkError(f"Assistant: {status} {assistant!r}")
    return str(assistant["slug"])


def ask(stack: Stack, model: str) -> tuple[str, list[dict[str, Any]]]:
    """The answer to the question, and its citations as the API gives them."""
    messages = [{"role": "user", "content": QUESTION}]
    answer = post(stack, "/v1/chat/completions", {"model": model, "messages": messages})
    return answer["choices"][0]["message"]["content"], list(answer["citations"])


def check_backup(stack: Stack, model: str, *, folder: Path) -> bool:
    """Back up while it runs, restore into a fresh folder, and ask there on another port."""
    archive = folder / "backup.tar"
    before = ask(stack, model)
    print(stack.manage("backup", "--to", str(archive)).strip(), flush=True)
    fresh = folder / "restored"
    restored = Stack(data_dir=fresh, port=0, process=stack.process)
    print(restored.manage("restore", str(archive)).strip(), flush=True)
    with running_stack(data_dir=fresh, key=stack.key) as second:
        after = ask(second, model)
        documents = second.query("SELECT count(*) FROM documents_document")
        is_other = second.port != stack.port
    print(f"asked: {before[0]!r}, {len(before[1])} citations")
    print(f"asked on another port after the restoration: {after[0]!r}, {len(after[1])} citations\n")
    same_documents = documents == stack.query("SELECT count(*) FROM documents_document")
    return bool(before[1]) and before == after and is_other and same_documents


def check_kill(data_dir: Path, *, port: int) -> bool:
    """kill -9 of the supervisor, then at once a start on the same folder and port."""
    stack = start_stack(data_dir, port=port)
    try:
        await_start(stack)
        stack.key = create_key(stack)
        model = fill(stack)
        before = ask(stack, model)
        stack.process.kill()
        stack.process.wait()
        started = time.monotonic()
        stack.process = start_stack(data_dir, port=port).process
        await_start(stack)
        seconds = time.monotonic() - started
        after = ask(stack, model)
        print(f"supervisor killed, ready again after {seconds:.1f} s, answers: {after[0]!r}\n")
        return before == after
    finally:
        stack.process.send_signal(signal.SIGTERM)
        stack.process.wait(30)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path | None]:
    """A file system of this size; None where none can be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="plumbline-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        folder.rmdir()
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def check_full_disk() -> bool:
    """Fill the disk to its reserve, then to the last byte, then make room again."""
    with small_disk(DISK_MB) as folder:
        if folder is None:
            print("disk full: skipped, this machine mounts no file system\n")
            return True
        data_dir = folder / "data"
        data_dir.mkdir()
        with running_stack(data_dir=data_dir, variables={"MIN_FREE_MB": str(RESERVE_MB)}) as stack:
            return _fill_up(stack, filler=folder / "filler")


def _fill_up(stack: Stack, *, filler: Path) -> bool:
    model = fill(stack)
    collection = stack.call("GET", "collections/")[1]["results"][0]["id"]
    before = ask(stack, model)
    _take_all_but(filler, RESERVE_MB // 2)
    refused = _upload_status(stack, collection, "refused.md")
    detail = _disk_detail(stack)
    answered = ask(stack, model) == before
    _take_all_but(filler, 0)
    full = _upload_status(stack, collection, "full.md")
    time.sleep(20)  # long enough for logs, heartbeats and the sweep to meet it
    alive = stack.process.poll() is None
    filler.unlink()
    back = wait_until(lambda: _upload_status(stack, collection, "back.md") < 300, timeout_s=90)
    ids = [str(pk) for (pk,) in stack.query("SELECT id FROM documents_document")]
    states = await_documents(stack, ids, timeout_s=120)
    print(f"disk at its reserve: upload {refused}, {detail!r}, answers go on: {answered}")
    print(f"disk full: upload {full}, supervisor alive after 20 s: {alive}")
    print(f"room again: upload taken: {back}, documents: {states}\n")
    done = states == {"ready": len(ids)} and len(ids) == len(TEXTS) + 1
    return refused == full == 507 and answered and alive and back and done and bool(detail)


def _upload_status(stack: Stack, collection: str, name: str) -> int:
    """How an upload is answered; 599 if it is not."""
    payload, kind = encode_form(name, f"# {name}\n\nSome text.".encode())
    with suppress(OSError):
        path = f"collections/{collection}/documents/"
        return stack.send("POST", path, payload, content_type=kind)[0]
    return 599


def _disk_detail(stack: Stack) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/readyz", timeout=20) as response:
        checks = json.load(response)["checks"]
    return str(next(check["detail"] for check in checks if check["name"] == "disk"))


def _take_all_but(filler: Path, megabytes: int) -> None:
    """Write zeros until only so much is left."""
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            left = os.statvfs(filler).f_bavail * os.statvfs(filler).f_frsize - megabytes * 1_000_000
            if left <= 0:
                return
            file.write(b"\0" * min(left, 1 << 20))


def check_operations() -> bool:
    """All of them, each on an installation of its own."""
    with running_stack() as stack, tempfile.TemporaryDirectory() as folder:
        restored = check_backup(stack, fill(stack), folder=Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        killed = check_kill(Path(folder) / "data", port=free_port())
    held = check_full_disk()
    print("a restored backup answers the same" if restored else "A RESTORED BACKUP DIFFERS")
    print("a killed supervisor comes back" if killed else "A KILLED SUPERVISOR STAYS AWAY")
    print("a full disk is survived" if held else "A FULL DISK IS NOT SURVIVED")
    return restored and killed and held
