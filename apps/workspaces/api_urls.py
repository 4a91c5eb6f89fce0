from __future__ import annotations

from django.urls import path

from apps.workspaces.api_views import AuditEventsView, MembersView, WorkspaceView

urlpatterns = [
    path("workspace/", WorkspaceView.as_view(), name="api_workspace"),
    path("members/", MembersView.as_view(), name="api_members"),
    path("audit-events/", AuditEventsView.as_view(), name="api_audit_events"),
]
