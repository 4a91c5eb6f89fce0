"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source import CODE_FOLDERS, ROOT, parse, python_files, relative

MAX_FILE = 500
MAX_TEST_FILE = 600
MAX_FUNCTION = 60

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
