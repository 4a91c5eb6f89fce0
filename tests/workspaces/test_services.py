from __future__ import annotations

from typing import Any

import pytest

from apps.workspaces.keys.access import find_key
from apps.workspaces.keys.services import create_api_key, revoke_api_key
from apps.workspaces.models import Membership, Role
from apps.workspaces.services import (
    Actor,
    InvitationError,
    LastOwnerError,
    accept_invitation,
    change_role,
    create_first_owner,
    create_workspace,
    invite,
    remove_member,
)


def test_the_first_owner_is_made_once(db: None) -> None:
    arguments = {"name": "Ada", "password": "a long password", "workspace_name": "Acme"}
    assert create_first_owner("ada@example.com", **arguments) is not None
    assert create_first_owner("eve@example.com", **arguments) is None


def test_slugs_do_not_collide(owner: Any) -> None:
    slugs = [create_workspace("Acme", owner=owner).slug for _ in range(3)]
    assert slugs == ["acme", "acme-2", "acme-3"]


def test_a_key_opens_its_workspace_until_it_is_revoked(workspace: Any, owner: Any) -> None:
    actor = Actor(user=owner)
    key, secret = create_api_key(workspace, name="ci", actor=actor)
    access = find_key(secret)
    assert access is not None
    assert access.workspace_id == workspace.pk
    assert secret not in key.key_hash
    revoke_api_key(key, actor=actor)
    assert find_key(secret) is None


def test_an_invitation_works_once(workspace: Any, owner: Any, stranger: Any) -> None:
    _, token = invite(
        workspace, email="stranger@example.com", role=Role.EDITOR, actor=Actor(user=owner)
    )
    accept_invitation(token, user=stranger)
    assert Membership.objects.get(user=stranger, workspace=workspace).role == Role.EDITOR
    with pytest.raises(InvitationError):
        accept_invitation(token, user=stranger)


def test_the_last_owner_stays(workspace: Any, owner: Any) -> None:
    membership = Membership.objects.get(user=owner, workspace=workspace)
    with pytest.raises(LastOwnerError):
        change_role(membership, role=Role.VIEWER, actor=Actor(user=owner))
    with pytest.raises(LastOwnerError):
        remove_member(membership, actor=Actor(user=owner))
