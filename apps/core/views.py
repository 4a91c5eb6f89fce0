"""Pages outside workspaces: the entry, health, and errors."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from apps.core import health
from apps.core.api import TITLES
from apps.core.disk.space import NO_ROOM, is_full
from apps.core.formats import format_bytes

API_PATHS = ("/api/", "/v1/")


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is checked: a dead database must not restart it."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve: 200 or 503, with what is missing."""
    body = health.as_json(health.run_checks())
    return JsonResponse(body, status=200 if body["ready"] else 503)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the workspace opened last, else the oldest one, else the page to create one."""
    memberships = request.user.memberships.order_by("created_at")  # type: ignore[union-attr]
    slugs = list(memberships.values_list("workspace__slug", flat=True))
    if not slugs:
        return redirect("workspace_create")
    last = request.session.get("workspace")
    return redirect("workspaces:home", slug=last if last in slugs else slugs[0])


@never_cache
@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """The state of the installation, for anyone signed in. It names no workspace."""
    checks = [*health.run_checks(), health.check_sweep()]
    sizes = health.measure_sizes()
    return render(
        request,
        "core/status.html",
        {
            "is_ok": all(check.ok for check in checks),
            "services": [
                {"name": check.name.capitalize(), "is_ok": check.ok, "detail": check.detail}
                for check in checks
            ],
            "queues": health.list_queues() if checks[0].ok else [],
            "sizes": [
                ("Database", format_bytes(sizes.database)),
                ("Uploaded files", format_bytes(sizes.files)),
                ("Redis", format_bytes(sizes.redis)),
            ],
            "version": settings.VERSION,
            "started_at": health.STARTED_AT,
        },
    )


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component on one page."""
    return render(request, "core/styleguide.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "core/errors/csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404, "There is nothing at this address.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 403, "This is not allowed.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 400, "The request could not be understood.")


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of errors, rendered without a context: whatever broke might break that too.

    A full disk has a page of its own. Django calls this while it handles the error.
    """
    if is_full(sys.exception()):
        if request.path.startswith(API_PATHS):
            return _problem(507, NO_ROOM)
        return HttpResponse(render_to_string("core/errors/507.html"), status=507)
    if request.path.startswith(API_PATHS):
        return _problem(500, "The server could not do this. It was logged; try again.")
    return HttpResponse(render_to_string("core/errors/500.html"), status=500)


def _error(request: HttpRequest, code: int, detail: str) -> HttpResponse:
    if request.path.startswith(API_PATHS):
        return _problem(code, detail)
    return render(request, f"core/errors/{code}.html", status=code)


def _problem(code: int, detail: str) -> HttpResponse:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(code, "Error"),
        "status": code,
        "detail": detail,
    }
    return JsonResponse(body, status=code, content_type="application/problem+json")
