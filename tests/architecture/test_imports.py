"""Imports point one way. An edge that is not in ALLOWED needs an ADR first."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from django.apps import apps as django_apps

from tests.architecture.source import ROOT, parse, python_files, relative

BASE = {"core", "workspaces"}
READING = BASE | {"gateway", "traces", "documents", "prompts", "chunking", "retrieval"}
ANSWERING = READING | {"guardrails", "assistants", "agents"}
JUDGING = ANSWERING | {"chat", "feedback", "datasets"}

ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "workspaces": {"core"},
    "gateway": BASE,
    "traces": BASE,
    "documents": BASE,
    "prompts": BASE,
    "chunking": BASE | {"documents"},
    "retrieval": BASE | {"traces", "documents", "chunking"},
    "guardrails": READING - {"prompts"},
    "assistants": READING | {"guardrails"},
    "agents": READING | {"guardrails", "assistants"},
    "chat": ANSWERING - {"gateway", "chunking"},
    "feedback": BASE | {"traces", "assistants", "chat"},
    "datasets": ANSWERING | {"chat", "feedback"},
    "lab": JUDGING,
    "evaluation": JUDGING | {"lab"},
    "guide": JUDGING | {"lab", "evaluation"},
    "finetuning": JUDGING | {"lab", "evaluation"},
    "monitoring": JUDGING | {"lab", "evaluation", "finetuning"},
}

# Apps that have their place and are not there yet. Nobody imports `monitoring`.
PLANNED = {"guardrails", "agents", "finetuning", "monitoring"}

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
# What every folder may import: where the environment and the data directory are read, what a
# database can keep of a text, and typed options. They import nothing but Python's own library, so
# importing them brings nothing along.
OPEN_TO_ALL = ("apps.core.options", "apps.core.text", "config.env", "config.lockfile")
# But for what is imported where it is used, so that nobody else pays for it.
LAZY = {
    "apps.core.options": {"regex"},  # patterns are checked by what matches them
}

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


def is_open_to_all(module: str) -> bool:
    """Whether it is one of those modules, or a name that is taken from one."""
    return module in OPEN_TO_ALL or module.rpartition(".")[0] in OPEN_TO_ALL


def heavy_imports(module: str, *, root: Path) -> list[str]:
    """What a module that is open to all must not import: other code of ours, and packages.

    The packages that it lies in count too, as they are run whenever it is imported.
    """
    *packages, name = module.split(".")
    files = [root.joinpath(*packages, f"{name}.py")]
    files += [
        root.joinpath(*packages[:depth], "__init__.py") for depth in range(1, len(packages) + 1)
    ]
    return [
        f"{relative(file, root)}: {found}"
        for file in files
        for found in sorted(imported_modules(parse(file)))
        if found.split(".")[0] not in sys.stdlib_module_names | LAZY.get(module, set())
        and not is_open_to_all(found)
        and not any(other.startswith(f"{found}.") for other in OPEN_TO_ALL)
    ]


def forbidden_imports(root: Path) -> list[str]:
    """Imports that FORBIDDEN rules out, and relative ones, which would slip past it."""
    found = []
    for folder, banned in FORBIDDEN.items():
        for path in python_files(folder, root=root):
            tree = parse(path)
            for module in sorted(imported_modules(tree)):
                if module.split(".")[0] in banned and not is_open_to_all(module):
                    found.append(f"{relative(path, root)}: {folder} must not import {module}")
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.level:
                    found.append(f"{relative(path, root)}:{node.lineno}: relative import")
    return found


def test_every_app_has_a_rule() -> None:
    apps = {path.parent.name for path in (ROOT / "apps").glob("*/__init__.py")}
    ruled = set(ALLOWED) - PLANNED
    assert apps == ruled, f"add or drop a rule for, or move out of PLANNED: {sorted(apps ^ ruled)}"


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


@pytest.mark.parametrize("module", OPEN_TO_ALL)
def test_what_is_open_to_all_imports_nothing_of_ours_and_no_package(module: str) -> None:
    assert not heavy_imports(module, root=ROOT)


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
        ("apps/chat/views.py", "import workers.tasks.jobs"),
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
    ("path", "line", "finding"),
    [
        ("apps/core/text.py", "from django.db import connection", "text.py: django.db"),
        ("apps/core/text.py", "import regex", "text.py: regex"),
        ("apps/core/text.py", "from apps.core.ids import uuid7", "text.py: apps.core.ids"),
        ("apps/core/text.py", "from apps.core import text_diff", "text.py: apps.core.text_diff"),
        ("apps/core/__init__.py", "import numpy", "apps/core/__init__.py: numpy"),
        ("apps/__init__.py", "from workers import celery", "apps/__init__.py: workers"),
    ],
)
def test_a_planted_import_of_what_is_open_to_all_is_found(
    tmp_path: Path, path: str, line: str, finding: str
) -> None:
    for file in ("apps/__init__.py", "apps/core/__init__.py", "apps/core/text.py"):
        plant(tmp_path, file, "import re\n")
    plant(tmp_path, path, line)
    assert any(finding in message for message in heavy_imports("apps.core.text", root=tmp_path))


def test_only_the_module_itself_is_open_to_all() -> None:
    assert is_open_to_all("apps.core.text")
    assert is_open_to_all("apps.core.text.storable")
    assert not is_open_to_all("apps.core.text_diff")
    assert not is_open_to_all("apps.core")


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
