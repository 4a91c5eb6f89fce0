from __future__ import annotations

from django.urls import path

from apps.gateway.api import EndpointsView, EndpointTestView, EndpointView
from apps.gateway.embedding_api import (
    EmbeddingModelsView,
    EmbeddingModelTestView,
    EmbeddingModelView,
)

urlpatterns = [
    path("endpoints/", EndpointsView.as_view(), name="api_endpoints"),
    path("endpoints/<uuid:endpoint_id>/", EndpointView.as_view(), name="api_endpoint"),
    path(
        "endpoints/<uuid:endpoint_id>/test/", EndpointTestView.as_view(), name="api_endpoint_test"
    ),
    path("embedding-models/", EmbeddingModelsView.as_view(), name="api_embedding_models"),
    path(
        "embedding-models/<uuid:model_id>/",
        EmbeddingModelView.as_view(),
        name="api_embedding_model",
    ),
    path(
        "embedding-models/<uuid:model_id>/test/",
        EmbeddingModelTestView.as_view(),
        name="api_embedding_model_test",
    ),
]
