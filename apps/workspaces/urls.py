"""A workspace's front door and its settings."""

from __future__ import annotations

from django.urls import path

from apps.workspaces import link_views, views
from apps.workspaces.keys import views as key_views
from apps.workspaces.signin import views as signin_views

app_name = "workspaces"
urlpatterns = [
    path("", views.workspace_home, name="home"),
    path("settings/", views.workspace_settings, name="settings"),
    path("settings/rename/", views.rename, name="rename"),
    path("settings/conversations/", views.conversation_access, name="conversation_access"),
    path("settings/delete/", views.remove_workspace, name="delete"),
    path("settings/profile/", views.profile, name="profile"),
    path("settings/members/", views.members, name="members"),
    path("settings/members/invite/", views.create_invitation, name="invite"),
    path("settings/members/<uuid:member_id>/role/", views.set_member_role, name="member"),
    path("settings/members/<uuid:member_id>/remove/", views.delete_member, name="member_remove"),
    path(
        "settings/invitations/<uuid:invitation_id>/withdraw/",
        views.delete_invitation,
        name="invitation_revoke",
    ),
    path("settings/keys/", key_views.keys, name="keys"),
    path("settings/keys/<uuid:key_id>/revoke/", key_views.revoke_key, name="key_revoke"),
    path("settings/keys/<uuid:key_id>/hand-over/", key_views.hand_over, name="key_hand_over"),
    path("settings/sign-in/", signin_views.policy, name="sign_in"),
    path("settings/audit/", views.audit, name="audit"),
    path("settings/links/", link_views.link_hosts, name="link_hosts"),
    path("leave/", link_views.leave, name="leave"),
]
