"""REST addresses of indexes."""

from __future__ import annotations

from django.urls import path

from apps.retrieval.indexes import api as index_api

index_patterns = [
    path(
        "collections/<uuid:collection_id>/indexes/",
        index_api.IndexesView.as_view(),
        name="api_indexes",
    ),
    path("indexes/<uuid:index_id>/", index_api.IndexAPIView.as_view(), name="api_index"),
    path(
        "indexes/<uuid:index_id>/comparison/",
        index_api.IndexComparisonView.as_view(),
        name="api_index_comparison",
    ),
    path(
        "indexes/<uuid:index_id>/cut-anew/",
        index_api.IndexCutAnewView.as_view(),
        name="api_index_cut_anew",
    ),
    path("indexes/<uuid:index_id>/swap/", index_api.IndexSwapView.as_view(), name="api_index_swap"),
    path("indexes/<uuid:index_id>/stop/", index_api.IndexStopView.as_view(), name="api_index_stop"),
    path(
        "indexes/<uuid:index_id>/continue/",
        index_api.IndexContinueView.as_view(),
        name="api_index_continue",
    ),
]
