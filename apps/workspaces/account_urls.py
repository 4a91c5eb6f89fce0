"""Addresses outside of any workspace: set-up, sign-in, invitations."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from apps.workspaces import account_views as views

urlpatterns = [
    path("", include("apps.workspaces.signin.urls")),
    path("setup/", views.setup, name="setup"),
    path("login/", views.sign_in, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views.change_password, name="password"),
    path("set-password/<uidb64>/<token>/", views.SetPasswordView.as_view(), name="set_password"),
    path("invite/<str:token>/", views.accept, name="invite_accept"),
    path("workspaces/new/", views.create_another_workspace, name="workspace_create"),
]
