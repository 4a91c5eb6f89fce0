"""Authentication of the REST API: a workspace's key, its scopes, its rate limit."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.core.ratelimit import count_request
from apps.workspaces.keys.access import KeyAccess, find_key
from apps.workspaces.keys.throttle import count_refusal
from apps.workspaces.models import Role, Scope


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`."""

    def authenticate(self, request: Request) -> tuple[None, KeyAccess] | None:
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            raise _refuse(request, "Send the key as 'Authorization: Bearer KEY'.")
        access = find_key(parts[1].decode("latin-1"))
        if access is None:
            raise _refuse(request, "This API key is not known, or it was revoked.")
        limited = count_request(
            [
                ("key", str(access.key.pk), settings.RATE_LIMIT_KEY),
                ("workspace", str(access.workspace_id), settings.RATE_LIMIT_WORKSPACE),
            ]
        )
        if limited:
            raise Throttled(wait=limited.retry_after_s)
        return None, access

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="plumbline"'


def _refuse(request: Request, reason: str) -> AuthenticationFailed | Throttled:
    """Why there is no way in: no valid key, or too many requests without one."""
    limited = count_refusal(request._request)
    return Throttled(wait=limited.retry_after_s) if limited else AuthenticationFailed(reason)


class HasScope(BasePermission):
    """The key has the scope that the view names for the method, and its owner the view's role."""

    def has_permission(self, request: Request, view: object) -> bool:
        access = request.auth
        if not isinstance(access, KeyAccess):
            return False
        default = Scope.READ if request.method in ("GET", "HEAD", "OPTIONS") else Scope.WRITE
        scopes: dict[str, Scope] = getattr(view, "scopes", {})
        if not access.has_role(getattr(view, "role", Role.VIEWER)):
            self.message = "The role of this API key's owner does not allow this."
            return False
        self.message = "This API key does not have the scope for this."
        return scopes.get(request.method or "", default) in access.scopes


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.workspaces.api_auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
