"""What nothing but tests uses is dead: it goes, together with its tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.architecture.source import CODE_FOLDERS, ROOT, parse, python_files, relative

FOLDERS = ("apps", "config", "inference", "measures", "workers")
"""Where definitions are looked at. Uses are looked for in the code of every folder."""

# Found by their names: by Django, by Celery, by a loop of ours over modules.
HOOKS = {
    "Command": "a management command",
    "EVALUATORS": "collected by measures.evaluators.registry from every module beside it",
    "app_name": "read by Django's URL resolver",
    "handler400": "read by Django's URL resolver",
    "handler403": "read by Django's URL resolver",
    "handler404": "read by Django's URL resolver",
    "handler500": "read by Django's URL resolver",
    "urlpatterns": "read by Django's URL resolver",
}
REGISTRARS = {"register", "shared_task", "signals"}
"""Decorators that hand a function to a framework begin with one of these."""

# Used by nothing that we can see from here.
EXCEPTIONS = {
    "apps/retrieval/models.py:FrequentTerm": "a table that SQL reads and writes",
    "apps/retrieval/models.py:Posting": "a table that SQL reads and writes",
    "apps/workspaces/api_auth.py:ApiKeyScheme": "found by drf-spectacular as a subclass",
    "inference/stub_server.py:serve_in_thread": "the model server that tests ask",
    "measures/statistics.py:auroc": "benchmarks publish it",
}


@dataclass(slots=True)
class Source:
    """What a file defines at its top level, imports, and uses."""

    definitions: dict[str, tuple[int, int]] = field(default_factory=dict)
    """First and last line by name."""

    imports: set[str] = field(default_factory=set)
    uses: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    strings: set[str] = field(default_factory=set)
    """Those that may be dotted names of functions."""


def read_source(tree: ast.Module) -> Source:
    """The definitions, imports and uses of a file."""
    source = Source()
    for statement in tree.body:
        for name in defined_names(statement):
            last = statement.end_lineno or statement.lineno
            source.definitions[name] = (statement.lineno, last)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            source.imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source.imports.add(f"{node.module}")
            source.imports.update(f"{node.module}.{alias.name}" for alias in node.names)
            for alias in node.names:
                source.uses[alias.name].append(node.lineno)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            source.uses[node.id].append(node.lineno)
        elif isinstance(node, ast.Attribute):
            source.uses[node.attr].append(node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            note_string(source, node.value, line=node.lineno)
    return source


def note_string(source: Source, value: str, *, line: int) -> None:
    """A dotted name, or an annotation in quotes."""
    if re.fullmatch(r"\w+(\.\w+)+", value):
        source.strings.add(value)
    elif re.fullmatch(r"[\w\[\], |]+", value):
        for word in re.findall(r"\w+", value):
            if word[0].isupper():
                source.uses[word].append(line)


def defined_names(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines, but for those that a decorator hands over."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        roots = {re.split(r"\W", ast.unparse(one), maxsplit=1)[0] for one in node.decorator_list}
        if not roots & REGISTRARS:
            yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    yield part.id


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def is_hook(path: str, name: str) -> bool:
    """Whether a framework finds it by its name or its place."""
    is_setting = path == "config/settings.py"
    is_app = path.endswith("/apps.py") and name.endswith("Config")
    is_dunder = name.startswith("__")
    return name in HOOKS or is_setting or is_app or is_dunder


def dead_code(root: Path) -> set[str]:
    """`path:name` of what is defined and used nowhere, its own body left aside."""
    files = [
        *root.glob("*.py"),
        *(path for name in CODE_FOLDERS for path in (root / name).rglob("*.py")),
    ]
    sources = {relative(path, root): read_source(parse(path)) for path in files}
    dotted = {name for source in sources.values() for name in source.strings}
    importers: dict[str, set[str]] = defaultdict(set)
    for path, source in sources.items():
        for module in source.imports:
            importers[module].add(path)
    dead = set()
    for path in (relative(path, root) for path in python_files(*FOLDERS, root=root)):
        module = module_name(path)
        for name, (first, last) in sources[path].definitions.items():
            full = f"{module}.{name}"
            users = (importers[module] | importers[full]) - {path}
            is_used = (
                is_hook(path, name)
                or full in dotted
                or any(not first <= line <= last for line in sources[path].uses[name])
                or any(sources[user].uses[name] for user in users)
            )
            if not is_used:
                dead.add(f"{path}:{name}")
    return dead


def test_nothing_is_kept_for_its_tests_alone() -> None:
    dead = dead_code(ROOT)
    assert dead <= set(EXCEPTIONS), "remove it, with its tests"
    assert dead == set(EXCEPTIONS), "drop the exceptions that nobody needs any more"


@pytest.mark.parametrize(
    ("planted", "is_dead"),
    [
        ("", True),
        ("from apps.a.work import forgotten", False),
        ("from apps.a import work\nwork.forgotten()", False),
        ("HANDLER = 'apps.a.work.forgotten'", False),
        ("def forgotten(): ...\nforgotten()", True),  # another one of the same name
        ("import apps.a.work\n'forgotten'", True),
    ],
)
def test_planted_dead_code_is_found(tmp_path: Path, planted: str, is_dead: bool) -> None:
    for path, text in [
        (
            "apps/a/work.py",
            "def forgotten():\n    return forgotten()\n\n\ndef used(): ...\n\n\nused()\n",
        ),
        ("apps/a/user.py", planted),
        ("tests/test_work.py", "from apps.a.work import forgotten\nforgotten()\n"),
    ]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert ("apps/a/work.py:forgotten" in dead_code(tmp_path)) is is_dead
    assert "apps/a/work.py:used" not in dead_code(tmp_path)
