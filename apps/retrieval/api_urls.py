"""REST address of the search."""

from __future__ import annotations

from django.urls import path

from apps.retrieval import api

urlpatterns = [path("search/", api.SearchView.as_view(), name="api_search")]
