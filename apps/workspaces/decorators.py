"""The one door to a workspace's pages: it turns the slug into a checked membership."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.aio import run_db
from apps.workspaces.access import get_membership
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role, User
from apps.workspaces.services import Actor

View = Callable[..., HttpResponseBase]
AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
LAST_WORKSPACE = "workspace"
"""The session's key for the slug that the home page leads back to."""


def _enter(request: HttpRequest, user: User, slug: str, role: Role) -> WorkspaceRequest:
    entered = cast(WorkspaceRequest, request)
    entered.membership = get_membership(user, slug)
    entered.workspace = entered.membership.workspace
    entered.actor = Actor(user=user)
    if not entered.membership.has_role(role):
        raise PermissionDenied
    if request.session.get(LAST_WORKSPACE) != slug:
        request.session[LAST_WORKSPACE] = slug
    return entered


def workspace_view(*, role: Role = Role.VIEWER) -> Callable[[View], View]:
    """For views under `/w/<slug>/`: members only, and only with this role or a higher one.

    The view is called as `view(request: WorkspaceRequest, **other_url_arguments)`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *, slug: str, **kwargs: Any) -> HttpResponseBase:
            return view(_enter(request, cast(User, request.user), slug, role), **kwargs)

        wrapped.enforces_workspace = True  # type: ignore[attr-defined]
        return wrapped

    return decorate


def async_workspace_view(*, role: Role = Role.VIEWER) -> Callable[[AsyncView], AsyncView]:
    """`workspace_view` for async views; the membership is checked on a database thread."""

    def decorate(view: AsyncView) -> AsyncView:
        assert iscoroutinefunction(view)

        @wraps(view)
        async def wrapped(request: HttpRequest, *, slug: str, **kwargs: Any) -> HttpResponseBase:
            user = cast(User, await request.auser())
            entered = await run_db(_enter, request, user, slug, role)
            return await view(entered, **kwargs)

        wrapped.enforces_workspace = True  # type: ignore[attr-defined]
        return wrapped

    return decorate
