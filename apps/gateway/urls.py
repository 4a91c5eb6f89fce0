from __future__ import annotations

from django.urls import path

from apps.gateway import embedding_views, views

app_name = "gateway"
urlpatterns = [
    path("settings/models/", views.endpoints, name="endpoints"),
    path("settings/models/<uuid:endpoint_id>/", views.endpoint, name="endpoint"),
    path("settings/models/<uuid:endpoint_id>/test/", views.test_endpoint, name="endpoint_test"),
    path(
        "settings/models/<uuid:endpoint_id>/delete/",
        views.remove_endpoint,
        name="endpoint_delete",
    ),
    path("settings/embedding-models/", embedding_views.embedding_models, name="embedding_models"),
    path(
        "settings/embedding-models/<uuid:model_id>/",
        embedding_views.embedding_model,
        name="embedding_model",
    ),
    path(
        "settings/embedding-models/<uuid:model_id>/test/",
        embedding_views.test_embedding_model,
        name="embedding_model_test",
    ),
    path(
        "settings/embedding-models/<uuid:model_id>/delete/",
        embedding_views.remove_embedding_model,
        name="embedding_model_delete",
    ),
]
