"""The steps before the first request: the model, the tables, the static files.

Each step records the fingerprint it was done for, so that later starts skip it in milliseconds.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.env import write_private

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Step:
    """A command to run once for each value of `fingerprint`, or at every start if that is None."""

    name: str
    message: str
    arguments: tuple[str, ...]
    fingerprint: str | None


def plan_steps(data_dir: Path, *, models_dir: Path, own_database: bool) -> list[Step]:
    """The steps of a start, in order."""
    manage = (sys.executable, str(ROOT / "manage.py"))
    return [
        Step(
            "model",
            "Preparing the embedding model",
            (sys.executable, "-m", "inference.minilm.build", str(models_dir)),
            _digest(
                _contents((ROOT / "inference" / "minilm").glob("*.py")),
                str(models_dir),
                _children(models_dir),
            ),
        ),
        Step(
            "migrate",
            "Bringing the database up to date",
            (*manage, "migrate", "--noinput", "--verbosity", "1"),
            # Tomorrow there may be a different database behind the same address.
            migrations_fingerprint(data_dir) if own_database else None,
        ),
        Step(
            "static",
            "Collecting static files",
            (*manage, "collectstatic", "--noinput", "--clear", "--verbosity", "0"),
            _digest(
                _stats((ROOT / "static").rglob("*")),
                _contents([ROOT / "requirements.txt"]),
                str((data_dir / "static" / "staticfiles.json").exists()),
            ),
        ),
    ]


def migrations_fingerprint(data_dir: Path) -> str:
    """A value that changes with our migrations, the pinned packages, and the cluster."""
    cluster = data_dir / "postgres" / "PG_VERSION"
    return _digest(
        _contents((ROOT / "apps").glob("*/migrations/*.py")),
        _contents([ROOT / "requirements.txt"]),
        _stats([cluster]),
    )


class DoneSteps:
    """The fingerprints of the steps done, in DATA_DIR/run/setup.json."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "run" / "setup.json"
        try:
            self._done: dict[str, str] = dict(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._done = {}

    def covers(self, step: Step) -> bool:
        """Whether `step` was done for the same fingerprint."""
        return step.fingerprint is not None and self._done.get(step.name) == step.fingerprint

    def add(self, step: Step) -> None:
        """Remember that `step` was done."""
        if step.fingerprint is not None and not self.covers(step):
            self._done[step.name] = step.fingerprint
            write_private(self.path, json.dumps(self._done, indent=2) + "\n")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _contents(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _stats(paths: Iterable[Path]) -> str:
    lines = []
    for path in sorted(paths):
        if path.is_file():
            status = path.stat()
            lines.append(f"{path}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}")
    return "\n".join(lines)


def _children(folder: Path) -> str:
    """The names and sizes of the files in `folder`, so that a deleted model is built again."""
    if not folder.is_dir():
        return ""
    return "\n".join(
        f"{path.relative_to(folder)}:{path.stat().st_size}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
