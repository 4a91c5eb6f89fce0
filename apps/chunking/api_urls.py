"""REST addresses of chunking."""

from __future__ import annotations

from django.urls import path

from apps.chunking import api

urlpatterns = [
    path("chunking/strategies/", api.StrategiesView.as_view(), name="api_chunking_strategies"),
    path("chunking/profiles/", api.ProfilesView.as_view(), name="api_chunking_profiles"),
    path(
        "documents/<uuid:document_id>/chunking-preview/",
        api.PreviewView.as_view(),
        name="api_chunking_preview",
    ),
]
