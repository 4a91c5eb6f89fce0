"""The walls between workspaces: every row has one, every address checks one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, path
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.api_auth import ApiKeyAuthentication, HasScope
from apps.workspaces.decorators import workspace_view
from apps.workspaces.models import Workspace
from tests.architecture.source import ROOT, parse, relative

# Rows of no workspace.
SHARED_MODELS = {
    "workspaces.User": "a person may be a member of several workspaces",
    "workspaces.Workspace": "the tenant itself",
}

# Addresses of no workspace, by the name of their pattern.
OPEN_VIEWS = {
    "home": "leads to one of one's own workspaces",
    "healthz": "says that the process answers",
    "readyz": "says what the process lacks",
    "status": "counts jobs and bytes over all workspaces, for people who are signed in",
    "styleguide": "the components, without data",
    "schema": "the shape of the API, without data",
    "setup": "makes the first account while there is none",
    "login": "the way in",
    "logout": "the way out",
    "account_login": "leads to the way in",
    "socialaccount_login_cancelled": "leads to the way in",
    "account_inactive": "leads to the way in",
    "socialaccount_signup": "leads to the way in",
    "openid_connect_login": "the way in through a provider",
    "openid_connect_callback": "the way back from it, guarded by its state",
    "mfa_login_webauthn": "the way in with a passkey",
    "mfa_authenticate": "the second step of the way in",
    "sign_in_demands": "for members: what a workspace asks of their sign-in",
    "mfa_index": "one's own second factor",
    "mfa_activate_totp": "one's own second factor",
    "mfa_deactivate_totp": "one's own second factor",
    "mfa_view_recovery_codes": "one's own second factor",
    "mfa_generate_recovery_codes": "one's own second factor",
    "mfa_add_webauthn": "one's own passkeys",
    "mfa_remove_webauthn": "one's own passkeys",
    "account_reauthenticate": "asks whoever is signed in once more",
    "mfa_reauthenticate": "asks whoever is signed in once more",
    "mfa_reauthenticate_webauthn": "asks whoever is signed in once more",
    "password": "one's own password",
    "set_password": "guarded by the token in the link",
    "invite_accept": "guarded by the token in the link",
    "workspace_create": "makes a new workspace",
}
MODULES_WITH_VIEWS = ("*views*.py", "api*.py", "*_api.py")
QUERY_SHORTCUTS = {"get_object_or_404", "get_list_or_404", "aget_object_or_404"}


# Rows


def own_models() -> list[type[models.Model]]:
    return [model for model in django_apps.get_models() if model.__module__.startswith("apps.")]


def fault_of_model(model: type[models.Model]) -> str:
    """What is wrong with the workspace key of a model; empty if nothing is."""
    try:
        field = model._meta.get_field("workspace")
    except FieldDoesNotExist:
        return "has no workspace"
    if not isinstance(field, models.ForeignKey) or field.related_model is not Workspace:
        return "its workspace is no key to Workspace"
    if field.null:
        return "its workspace may be null"
    if field.remote_field.on_delete is not models.CASCADE:
        return "outlives its workspace"
    return ""


def test_every_row_belongs_to_a_workspace_and_goes_with_it() -> None:
    faults = {
        model._meta.label: fault
        for model in own_models()
        if model._meta.label not in SHARED_MODELS and (fault := fault_of_model(model))
    }
    assert not faults


def test_no_exception_is_stale() -> None:
    labels = {model._meta.label for model in own_models()}
    assert set(SHARED_MODELS) <= labels
    names = {name for name, _ in views_with_names()}
    assert set(OPEN_VIEWS) <= names
    for name, view in views_with_names():
        assert not (name in OPEN_VIEWS and enforces_workspace(view)), f"{name} needs no exception"


# Addresses


def views_with_names(
    patterns: list[Any] | None = None, *, namespace: str = ""
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every view that an address leads to, with the pattern's name, or its route if it has none."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from views_with_names(pattern.url_patterns, namespace=inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name or pattern.pattern}", pattern.callback


def enforces_workspace(view: Callable[..., Any]) -> bool:
    """Whether the view checks a membership or a key before anything else."""
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if view_class is None or not issubclass(view_class, APIView):
        return bool(getattr(view, "enforces_workspace", False))
    return (
        issubclass(view_class, WorkspaceAPIView)
        and HasScope in view_class.permission_classes
        and ApiKeyAuthentication in view_class.authentication_classes
    )


def test_every_address_checks_a_workspace_or_says_why_not() -> None:
    found = [
        f"{name} ({view.__module__})"
        for name, view in views_with_names()
        if not enforces_workspace(view) and name not in OPEN_VIEWS
    ]
    assert not found


# Queries


def direct_queries(tree: ast.Module, *, tenant_models: set[str]) -> list[int]:
    """The lines where a view reaches for a table itself instead of asking access or selectors."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager"}:
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            if owner in tenant_models:
                lines.append(node.lineno)
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in QUERY_SHORTCUTS:
                lines.append(node.lineno)
    return lines


def tenant_model_names() -> set[str]:
    return {model.__name__ for model in own_models() if model._meta.label not in SHARED_MODELS}


def view_modules() -> list[Path]:
    return sorted(
        {
            file
            for pattern in MODULES_WITH_VIEWS
            for file in (ROOT / "apps").rglob(pattern)
            if not file.name.endswith("_urls.py")
        }
    )


def test_views_ask_for_objects_and_never_query_tables() -> None:
    modules = view_modules()
    assert len(modules) > 40
    names = tenant_model_names()
    found = [
        f"{relative(file)}:{line}"
        for file in modules
        for line in direct_queries(parse(file), tenant_models=names)
    ]
    assert not found, "use access.py or selectors.py"


# The guards themselves


@pytest.mark.parametrize(
    "source",
    [
        "def view(request): return Document.objects.get(pk=1)",
        "def view(request): return get_object_or_404(Document, pk=1)",
        "def view(request):\n    return models.Document.objects.filter(name='x')",
    ],
)
def test_a_planted_query_is_found(source: str) -> None:
    assert direct_queries(ast.parse(source), tenant_models={"Document"}) != []


def test_a_planted_view_without_a_check_is_found() -> None:
    def bare(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    class Rest(WorkspaceAPIView):
        pass

    class OpenRest(WorkspaceAPIView):
        permission_classes = (AllowAny,)

    class ForeignRest(APIView):
        enforces_workspace = True

    patterns = [
        path("bare/", bare, name="bare"),
        path("checked/", workspace_view()(bare), name="checked"),
        path("rest/", Rest.as_view(), name="rest"),
        path("open/", OpenRest.as_view(), name="open"),
        path("foreign/", ForeignRest.as_view(), name="foreign"),
    ]
    checked = {name for name, view in views_with_names(patterns) if enforces_workspace(view)}
    assert checked == {"checked", "rest"}


def test_a_planted_model_without_a_wall_is_found() -> None:
    class Bare(models.Model):
        class Meta:
            app_label = "planted"

    class Nullable(models.Model):
        workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True)

        class Meta:
            app_label = "planted"

    class Outliving(models.Model):
        workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT)

        class Meta:
            app_label = "planted"

    try:
        assert fault_of_model(Bare) == "has no workspace"
        assert fault_of_model(Nullable) == "its workspace may be null"
        assert fault_of_model(Outliving) == "outlives its workspace"
    finally:
        del django_apps.all_models["planted"]
        django_apps.clear_cache()
