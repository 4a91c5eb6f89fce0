"""The standard cast of the tests: owner, editor, viewer, stranger, two workspaces, two keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _quick_and_offline(settings: Any, tmp_path: Path) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    from apps.workspaces.middleware import SetupMiddleware

    SetupMiddleware.is_set_up = False


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test database goes last, after the connections that the event loop's threads keep."""
    yield
    from apps.core.aio import close_connections

    close_connections()


@pytest.fixture
def owner(db: None) -> Any:
    from tests.factories import make_user

    return make_user("owner@example.com")


@pytest.fixture
def workspace(owner: Any) -> Any:
    from apps.workspaces.services import create_workspace

    return create_workspace("Acme", owner=owner)


@pytest.fixture
def editor(workspace: Any) -> Any:
    from tests.factories import make_member

    return make_member(workspace, "editor@example.com", "editor")


@pytest.fixture
def viewer(workspace: Any) -> Any:
    from tests.factories import make_member

    return make_member(workspace, "viewer@example.com", "viewer")


@pytest.fixture
def stranger(db: None) -> Any:
    from tests.factories import make_user

    return make_user("stranger@example.com")


@pytest.fixture
def other_workspace(stranger: Any) -> Any:
    """The stranger's own."""
    from apps.workspaces.services import create_workspace

    return create_workspace("Umbrella", owner=stranger)


@pytest.fixture
def client_for() -> Callable[[Any], Any]:
    """A browser in which this user is signed in."""
    from django.test import Client

    def sign_in(user: Any) -> Any:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api(workspace: Any, owner: Any) -> Any:
    """A REST client with a full-scope key of `workspace`."""
    from tests.factories import make_api

    return make_api(workspace, owner)


@pytest.fixture
def other_api(other_workspace: Any, stranger: Any) -> Any:
    from tests.factories import make_api

    return make_api(other_workspace, stranger)
