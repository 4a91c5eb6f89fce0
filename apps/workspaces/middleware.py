"""Until somebody owns the installation, every page leads to the set-up page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.workspaces.models import User

OPEN_PATHS = ("/setup/", "/healthz", "/readyz", "/static/", "/api/", "/v1/", "/status", "/invite/")


class SetupMiddleware:
    """Redirect browsers to `/setup/` while there is no user. Remembers once there is one."""

    is_set_up = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not SetupMiddleware.is_set_up and not request.path.startswith(OPEN_PATHS):
            if not User.objects.exists():
                return redirect("setup")
            SetupMiddleware.is_set_up = True
        return self.get_response(request)
