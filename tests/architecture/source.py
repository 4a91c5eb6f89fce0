"""Reading our own source: what the tests in this folder share."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("apps", "config", "inference", "measures", "parsing", "workers")


def python_files(*folders: str, root: Path = ROOT) -> Iterator[Path]:
    """Our Python files below `folders`, migrations left aside."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def relative(path: Path, root: Path = ROOT) -> str:
    """The path as messages show it."""
    return path.relative_to(root).as_posix()


def tracked_files() -> list[Path]:
    """The files that git knows; without git, everything that it would not ignore."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        names = [relative(path) for path in ROOT.rglob("*") if ".venv" not in path.parts]
    else:
        names = done.stdout.split("\0")
    return [path for name in sorted(set(names)) if name and (path := ROOT / name).is_file()]
