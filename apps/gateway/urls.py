from __future__ import annotations

from django.urls import path

from apps.gateway import views

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
]
