"""Migrations: none is missing, and each stands on its own."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from tests.architecture.source import ROOT, parse, relative
from tests.architecture.test_imports import imported_modules


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    output = io.StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=output)
    except SystemExit:
        pytest.fail(output.getvalue())


def test_migrations_do_not_depend_on_code_that_will_change() -> None:
    """A model may use a function of an app as its default; nothing else of ours may be imported."""
    found = [
        f"{relative(path)}: {module}"
        for path in sorted((ROOT / "apps").glob("*/migrations/*.py"))
        for module in sorted(imported_modules(parse(path)))
        if module.startswith("apps.") and not module.startswith(("apps.core.ids",))
        if not module.endswith((".models",)) and ".models." not in module
    ]
    assert not found
