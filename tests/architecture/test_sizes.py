"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.source import CODE_FOLDERS, ROOT, parse, python_files, relative

MAX_FILE = 500
MAX_TEST_FILE = 600
MAX_FUNCTION = 60
MAX_LOOSE_FILES = 25
MAX_APP_LINES = 9_500
APP_LINES = {"evaluation": 7_500}
"""Rooms that were too large once, and are held to less."""

# What is longer, and why cutting it up would not make it clearer.
LONG_FUNCTIONS: dict[str, str] = {}


def long_functions(tree: ast.Module, *, limit: int) -> list[tuple[str, int]]:
    """Functions with more than `limit` lines, docstring and decorators not counted."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0]
        if ast.get_docstring(node) and len(node.body) > 1:
            first = node.body[1]
        length = (node.end_lineno or 0) - first.lineno + 1
        if length > limit:
            found.append((node.name, length))
    return found


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_are_short() -> None:
    found = [
        f"{relative(path)}: {line_count(path)} lines"
        for folder, limit in [
            *((name, MAX_FILE) for name in CODE_FOLDERS),
            ("tests", MAX_TEST_FILE),
        ]
        for path in python_files(folder)
        if line_count(path) > limit
    ]
    assert not found


def test_functions_are_short() -> None:
    found = {
        f"{relative(path)}:{name}": length
        for path in python_files(*CODE_FOLDERS)
        for name, length in long_functions(parse(path), limit=MAX_FUNCTION)
    }
    assert set(found) == set(LONG_FUNCTIONS), found


def full_rooms(root: Path) -> list[str]:
    """Folders with too many loose files and apps with too many lines, by name and number."""
    files = list(python_files("apps", "inference", "measures", "parsing", "workers", root=root))
    loose = Counter(path.parent for path in files if path.name != "__init__.py")
    full = [
        f"{relative(folder, root)}/: {count} loose files, at most {MAX_LOOSE_FILES}"
        for folder, count in sorted(loose.items())
        if count > MAX_LOOSE_FILES
    ]
    lines: Counter[str] = Counter()
    for path in files:
        folder, app = path.relative_to(root).parts[:2]
        if folder == "apps":
            lines[app] += line_count(path)
    full += [
        f"apps/{app}: {count:,} lines, at most {limit:,}"
        for app, count in sorted(lines.items())
        if count > (limit := APP_LINES.get(app, MAX_APP_LINES))
    ]
    return full


def test_no_room_is_full() -> None:
    assert not full_rooms(ROOT)


def test_a_planted_full_room_is_named(tmp_path: Path) -> None:
    crowded = tmp_path / "apps" / "attic" / "boxes"
    crowded.mkdir(parents=True)
    for number in range(MAX_LOOSE_FILES + 1):
        (crowded / f"box_{number}.py").write_text("x = 1\n")
    long = tmp_path / "apps" / "evaluation"
    long.mkdir()
    (long / "models.py").write_text("x = 1\n" * (APP_LINES["evaluation"] + 1))
    assert full_rooms(tmp_path) == [
        "apps/attic/boxes/: 26 loose files, at most 25",
        "apps/evaluation: 7,501 lines, at most 7,500",
    ]


def test_scripts_and_styles_are_short() -> None:
    found = [
        f"{relative(path)}: {line_count(path)} lines"
        for pattern in ("*.js", "*.css")
        for path in sorted((ROOT / "static").rglob(pattern))
        if line_count(path) > MAX_FILE
    ]
    assert not found


@pytest.mark.parametrize(("lines", "found"), [(3, []), (4, [("f", 4)])])
def test_a_planted_function_is_measured(lines: int, found: list[tuple[str, int]]) -> None:
    body = "\n".join(["    x = 1"] * lines)
    tree = ast.parse(f'@decorated\ndef f():\n    """What it does."""\n{body}\n')
    assert long_functions(tree, limit=3) == found
