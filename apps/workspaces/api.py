"""The base of the REST views. It is apart from `api_auth`, which the framework imports itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core.rest.strict import refuse_unknown
from apps.workspaces.keys.access import KeyAccess
from apps.workspaces.models import Role, Scope, Workspace
from apps.workspaces.services import Actor


class WorkspaceAPIView(APIView):
    """Base of every REST view: `self.workspace_id` is the key's, and there is no other.

    `role` is the least that the key's owner must have, where a scope alone would open too much.
    """

    enforces_workspace = True
    scopes: dict[str, Scope] = {}
    role: Role = Role.VIEWER
    pagination_class: type[BasePagination] | None = None
    """For views whose GET gives pages; without it, a list is all there is."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown(self, request)

    @property
    def access(self) -> KeyAccess:
        access = self.request.auth
        assert isinstance(access, KeyAccess)
        return access

    @property
    def workspace_id(self) -> UUID:
        return self.access.workspace_id

    @property
    def workspace(self) -> Workspace:
        return self.access.key.workspace

    @property
    def actor(self) -> Actor:
        return Actor(api_key=self.access.key)
