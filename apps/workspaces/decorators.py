"""The one door to a workspace's pages: it turns the slug into a checked membership."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from apps.core.aio import run_db
from apps.workspaces.access import get_membership
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role, User
from apps.workspaces.services import Actor
from apps.workspaces.signin.policy import DemandsUnmetError, list_unmet

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
    if list_unmet(request, user, entered.workspace):
        raise DemandsUnmetError(entered.workspace)
    if request.session.get(LAST_WORKSPACE) != slug:
        request.session[LAST_WORKSPACE] = slug
    return entered


def _lead_to_demands(request: HttpRequest, error: DemandsUnmetError) -> HttpResponseBase:
    """To the page that says what the workspace asks of a sign-in; htmx follows by its header."""
    response = redirect("sign_in_demands", slug=error.workspace.slug)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": response["Location"]})
    return response


def workspace_view(*, role: Role = Role.VIEWER) -> Callable[[View], View]:
    """For views under `/w/<slug>/`: members only, and only with this role or a higher one.

    The view is called as `view(request: WorkspaceRequest, **other_url_arguments)`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *, slug: str, **kwargs: Any) -> HttpResponseBase:
            try:
                entered = _enter(request, cast(User, request.user), slug, role)
            except DemandsUnmetError as error:
                return _lead_to_demands(request, error)
            return view(entered, **kwargs)

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
            try:
                entered = await run_db(_enter, request, user, slug, role)
            except DemandsUnmetError as error:
                return _lead_to_demands(request, error)
            return await view(entered, **kwargs)

        wrapped.enforces_workspace = True  # type: ignore[attr-defined]
        return wrapped

    return decorate
