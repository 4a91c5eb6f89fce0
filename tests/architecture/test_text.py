"""What a database can keep of a text is decided in one place."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import parse, python_files, relative

# `parsing` also drops what a browser refuses, and reads formats that are full of NUL.
FOLDERS = ("apps", "config", "inference", "measures", "workers")
ELSEWHERE = {
    "apps/core/text.py": "the rule itself",
    "inference/openai/stream.py": "keeps half a character until the next event brings the other",
    "config/setup_steps.py": "NUL stands between the parts of what is hashed",
}
LOSSY = {"ignore", "replace"}


def own_rules(tree: ast.Module) -> list[int]:
    """The lines that name NUL or a surrogate, or encode a text as UTF-8 with losses."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in node.value):
                lines.append(node.lineno)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "encode":
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            words = {value.value for value in values if isinstance(value, ast.Constant)}
            if words & LOSSY and "ascii" not in words:
                lines.append(node.lineno)
    return lines


def test_text_is_made_storable_by_one_function() -> None:
    found = {
        relative(path): lines
        for path in python_files(*FOLDERS)
        if (lines := own_rules(parse(path)))
    }
    assert set(found) == set(ELSEWHERE), found


@pytest.mark.parametrize(
    ("line", "is_rule"),
    [
        (r'text.replace("\x00", "")', True),
        (r're.compile("[\ud800-\udfff]")', True),
        ('text.encode("utf-8", "ignore")', True),
        ('text.encode(errors="replace")', True),
        ('text.encode("ascii", "ignore")', False),
        ('text.encode("utf-8")', False),
        (r'data.startswith(b"MZ\x00")', False),
    ],
)
def test_a_planted_rule_is_found(line: str, is_rule: bool) -> None:
    assert bool(own_rules(ast.parse(line))) is is_rule
