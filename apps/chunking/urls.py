from __future__ import annotations

from django.urls import path

from apps.chunking import views

app_name = "chunking"
urlpatterns = [
    path("collections/<uuid:collection_id>/chunking/", views.chunking, name="preview"),
    path("collections/<uuid:collection_id>/chunking/profiles/", views.keep_profile, name="keep"),
]
