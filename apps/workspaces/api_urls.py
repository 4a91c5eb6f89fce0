from __future__ import annotations

from django.urls import path

from apps.workspaces.api_views import AuditEventsView, MembersView, WorkspaceView
from apps.workspaces.keys.api import ApiKeyHandOverView, ApiKeysView, ApiKeyView
from apps.workspaces.signin.api import SignInView

urlpatterns = [
    path("workspace/", WorkspaceView.as_view(), name="api_workspace"),
    path("workspace/sign-in/", SignInView.as_view(), name="api_sign_in"),
    path("members/", MembersView.as_view(), name="api_members"),
    path("audit-events/", AuditEventsView.as_view(), name="api_audit_events"),
    path("api-keys/", ApiKeysView.as_view(), name="api_keys"),
    path("api-keys/<uuid:key_id>/", ApiKeyView.as_view(), name="api_key"),
    path("api-keys/<uuid:key_id>/hand-over/", ApiKeyHandOverView.as_view(), name="api_key_owner"),
]
