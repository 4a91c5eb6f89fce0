"""Rows for tests, made through the services that the product itself uses."""

from __future__ import annotations

from typing import Any

from django.test import Client

from apps.workspaces.models import Membership, User, Workspace
from apps.workspaces.services import Actor, create_api_key, create_user

PASSWORD = "correct horse battery"


class ApiClient(Client):
    """A client that sends and reads JSON and carries a key."""

    key: str

    def __init__(self, key: str) -> None:
        super().__init__(headers={"authorization": f"Bearer {key}"})
        self.key = key

    def post_json(self, path: str, data: Any = None) -> Any:
        return self.post(path, data or {}, content_type="application/json")

    def patch_json(self, path: str, data: Any) -> Any:
        return self.patch(path, data, content_type="application/json")


def make_user(email: str) -> User:
    return create_user(email, name=email.split("@")[0].title(), password=PASSWORD)


def make_member(workspace: Workspace, email: str, role: str) -> User:
    user = make_user(email)
    Membership.objects.create(workspace=workspace, user=user, role=role)
    return user


def make_api(workspace: Workspace, user: User, scopes: list[str] | None = None) -> ApiClient:
    _, secret = create_api_key(workspace, name="test", actor=Actor(user=user), scopes=scopes)
    return ApiClient(secret)
