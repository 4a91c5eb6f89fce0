"""All addresses: pages under /w/<workspace>/, REST under /api/v1/, the OpenAI-compatible /v1/."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from apps.core import views as core_views

APPS = [
    "workspaces",
    "gateway",
    "traces",
    "documents",
    "chunking",
    "retrieval",
    "prompts",
    "assistants",
    "chat",
    "feedback",
    "datasets",
    "lab",
    "evaluation",
    "guide",
]

urlpatterns = [
    path("", core_views.home, name="home"),
    path("healthz", core_views.healthz, name="healthz"),
    path("readyz", core_views.readyz, name="readyz"),
    path("status", core_views.status, name="status"),
    path("styleguide/", core_views.styleguide, name="styleguide"),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("", include("apps.workspaces.account_urls")),
    path("v1/", include("apps.chat.openai_urls")),
    *[path("w/<slug:slug>/", include(f"apps.{app}.urls")) for app in APPS],
    *[path("api/v1/", include(f"apps.{app}.api_urls")) for app in APPS],
]

handler404 = "apps.core.views.not_found"
handler403 = "apps.core.views.forbidden"
handler400 = "apps.core.views.bad_request"
handler500 = "apps.core.views.server_error"
