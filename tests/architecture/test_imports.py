"""Imports point one way. An edge that is not in ALLOWED needs an ADR first."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.apps import apps as django_apps

from tests.architecture.source import ROOT, parse, python_files, relative

ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "workspaces": {"core"},
    "gateway": {"core", "workspaces"},
    "traces": {"core", "workspaces"},
    "documents": {"core", "workspaces"},
    "prompts": {"core", "workspaces"},
    "chunking": {"core", "workspaces", "documents"},
    "retrieval": {"core", "workspaces", "traces", "documents", "chunking"},
    "assistants": {
        "core", "workspaces", "gateway", "traces", "documents", "prompts", "chunking", "retrieval",
    },
    "chat": {"core", "workspaces", "traces", "documents", "prompts", "retrieval", "assistants"},
    "feedback": {"core", "workspaces", "traces", "assistants", "chat"},
    "datasets": {
        "core", "workspaces", "gateway", "traces", "documents", "prompts", "chunking", "retrieval",
        "assistants", "chat", "feedback",
    },
    "lab": {
        "core", "workspaces", "gateway", "traces", "documents", "prompts", "chunking", "retrieval",
        "assistants", "chat", "feedback", "datasets",
    },
    "evaluation": {
        "core", "workspaces", "gateway", "traces", "documents", "prompts", "chunking", "retrieval",
        "assistants", "chat", "feedback", "datasets", "lab",
    },
}  # fmt: skip

# What stands on its own: no Django, no tenants, nothing of what is built with it.
WITHOUT_FRAMEWORK = {"apps", "celery", "config", "django", "rest_framework", "tests", "workers"}

# What a folder of ours, or one package in it, must never import.
FORBIDDEN: dict[str, set[str]] = {
    "apps": {"celery", "config", "kombu", "tests", "workers"},
    "inference": WITHOUT_FRAMEWORK | {"measures", "parsing"},
    "measures": WITHOUT_FRAMEWORK | {"parsing"},
    "parsing": WITHOUT_FRAMEWORK | {"inference", "measures"},
    "workers": {"tests"},
    "config": {"tests"},
}
# What every folder may import, because it imports nothing of ours and no Django itself: where the
# environment and the data directory are read, and typed options.
OPEN_TO_ALL = ("config.env", "apps.core.options")

# Started before Django or beside it, and small because of that.
WITHOUT_DJANGO = {
    path.stem for path in (ROOT / "config").glob("*.py")
} - {"__init__", "settings", "urls", "asgi"}  # fmt: skip

# Foreign keys follow the imports; these point up, by name only, and say why.
UPWARD_KEYS = {
    ("core", "workspaces"): "a job belongs to a workspace and goes with it",
}


def imported_modules(tree: ast.Module) -> set[str]:
    """Every module that the file imports, with what it takes from it, at any depth of the code."""
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            modules.add(node.module)
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
    return modules


def wrong_app_imports(root: Path) -> list[str]:
    """Imports from one app to another that ALLOWED does not list."""
    found = []
    for path in python_files("apps", root=root):
        owner = path.relative_to(root).parts[1]
        modules = (module.split(".") for module in imported_modules(parse(path)))
        targets = {parts[1] for parts in modules if parts[0] == "apps" and len(parts) > 1}
        wrong = (targets & set(ALLOWED)) - {owner} - ALLOWED.get(owner, set())
        found += [f"{relative(path, root)}: {owner} must not import {app}" for app in sorted(wrong)]
    return found


def is_open(module: str) -> bool:
    """Whether it is one of OPEN_TO_ALL, or a name in one."""
    return any(module == name or module.startswith(f"{name}.") for name in OPEN_TO_ALL)


def forbidden_imports(root: Path) -> list[str]:
    """Imports that FORBIDDEN rules out, and relative ones, which would slip past it."""
    found = []
    for folder, banned in FORBIDDEN.items():
        for path in python_files(folder, root=root):
            tree = parse(path)
            for module in sorted(imported_modules(tree)):
                if module.split(".")[0] in banned and not is_open(module):
                    found.append(f"{relative(path, root)}: {folder} must not import {module}")
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.level:
                    found.append(f"{relative(path, root)}:{node.lineno}: relative import")
    return found


def foreign_imports(root: Path, name: str) -> list[str]:
    """What of ours or of Django a module and its neighbours load, with the packages around it.

    A neighbour, which is a module of the same folder, may be imported; it is looked at too.
    """
    ours = {package.parent.name for package in root.glob("*/__init__.py")} | {"django"}
    folder, waiting, seen, foreign = name.rpartition(".")[0], [name], {name}, []
    while waiting:
        path = root / Path(*waiting.pop().split(".")).with_suffix(".py")
        packages = [root / part / "__init__.py" for part in path.relative_to(root).parents][:-1]
        for file in [path, *packages]:
            for module in sorted(imported_modules(parse(file))):
                neighbour = root / Path(*module.split(".")).with_suffix(".py")
                if module.split(".")[0] not in ours or module == folder:
                    continue
                if module.rpartition(".")[0] == folder and neighbour.is_file():
                    waiting += {module} - seen
                    seen.add(module)
                elif module.rpartition(".")[0] not in seen:
                    foreign.append(f"{relative(file, root)}: {module}")
    return foreign


def test_every_app_has_a_rule() -> None:
    apps = {path.parent.name for path in (ROOT / "apps").glob("*/__init__.py")}
    assert apps == set(ALLOWED), f"add or drop a rule for {sorted(apps ^ set(ALLOWED))}"


def test_the_rules_have_no_cycle() -> None:
    def visit(app: str, trail: tuple[str, ...]) -> None:
        assert app not in trail, " -> ".join((*trail, app))
        for target in ALLOWED[app]:
            visit(target, (*trail, app))

    for app in ALLOWED:
        visit(app, ())


def test_apps_import_only_what_lies_below_them() -> None:
    assert not wrong_app_imports(ROOT)


def test_nobody_imports_what_is_none_of_its_business() -> None:
    assert not forbidden_imports(ROOT)


@pytest.mark.parametrize("name", OPEN_TO_ALL)
def test_what_is_open_to_all_stands_on_nothing(name: str) -> None:
    assert foreign_imports(ROOT, name) == []


def test_what_runs_beside_django_does_not_import_it() -> None:
    heavy = {"django", "celery", "apps", "workers", "inference", "numpy"}
    found = [
        f"config/{name}.py: {module}"
        for name in sorted(WITHOUT_DJANGO)
        for module in sorted(imported_modules(parse(ROOT / "config" / f"{name}.py")))
        if module.split(".")[0] in heavy
    ]
    assert not found


def test_foreign_keys_point_the_way_that_imports_do() -> None:
    found, used = [], set()
    for model in django_apps.get_models():
        owner = model._meta.app_label
        if owner not in ALLOWED:
            continue
        for field in model._meta.get_fields():
            related = field.related_model if field.concrete and field.is_relation else None
            if related is None or isinstance(related, str):
                continue
            target = related._meta.app_label
            if target == owner or target in ALLOWED[owner] or target not in ALLOWED:
                continue
            used.add((owner, target))
            if (owner, target) not in UPWARD_KEYS:
                found.append(f"{model.__name__}.{field.name}: {owner} points up to {target}")
    assert not found
    assert used == set(UPWARD_KEYS), "drop the exceptions that nobody needs any more"


@pytest.mark.parametrize(
    ("path", "line", "finding"),
    [
        ("apps/core/models.py", "from apps.chat import models", "core must not import chat"),
        ("apps/chat/a.py", "import apps.feedback.models", "chat must not import feedback"),
        (
            "apps/chat/b.py",
            "def f():\n    from apps import feedback",
            "chat must not import feedback",
        ),
    ],
)
def test_a_planted_app_import_is_found(tmp_path: Path, path: str, line: str, finding: str) -> None:
    plant(tmp_path, path, line)
    assert [finding in message for message in wrong_app_imports(tmp_path)] == [True]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("apps/chat/views.py", "from celery import shared_task"),
        ("apps/chat/views.py", "import workers.tasks.ingest"),
        ("parsing/pdf.py", "from django.conf import settings"),
        ("inference/client.py", "import django"),
        ("inference/client.py", "from apps.gateway.models import Endpoint"),
        ("inference/client.py", "from . import types"),
    ],
)
def test_a_planted_forbidden_import_is_found(tmp_path: Path, path: str, line: str) -> None:
    plant(tmp_path, path, line)
    assert any(path in message for message in forbidden_imports(tmp_path))


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ({"options": "import json"}, []),
        ({"options": "from apps.core import text", "text": "import re"}, []),
        ({"options": "import django.db"}, ["apps/core/options.py: django.db"]),
        (
            {"options": "from apps.core import text", "text": "from apps.chat.models import A"},
            ["apps/core/text.py: apps.chat.models", "apps/core/text.py: apps.chat.models.A"],
        ),
        ({"options": "", "__init__": "import django"}, ["apps/core/__init__.py: django"]),
    ],
)
def test_a_planted_foundation_is_looked_through(
    tmp_path: Path, lines: dict[str, str], finding: list[str]
) -> None:
    for package in ("apps/__init__.py", "apps/core/__init__.py"):
        plant(tmp_path, package, "")
    for name, text in lines.items():
        plant(tmp_path, f"apps/core/{name}.py", text)
    assert foreign_imports(tmp_path, "apps.core.options") == finding


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
