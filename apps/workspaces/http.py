"""The request as a workspace view sees it."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from apps.workspaces.models import Membership, User, Workspace
from apps.workspaces.services import Actor


class WorkspaceRequest(HttpRequest):
    user: User
    workspace: Workspace
    membership: Membership
    htmx: HtmxDetails
    actor: Actor
