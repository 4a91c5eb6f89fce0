"""Pages of collections and documents."""

from __future__ import annotations

from django.urls import path

from apps.documents import source_views, views
from apps.documents.bulk import views as bulk

app_name = "documents"
urlpatterns = [
    path("documents/", views.collections, name="collections"),
    path("collections/<uuid:collection_id>/", views.collection, name="collection"),
    path("collections/<uuid:collection_id>/edit/", views.edit_collection, name="collection_edit"),
    path(
        "collections/<uuid:collection_id>/delete/",
        views.remove_collection,
        name="collection_delete",
    ),
    path("collections/<uuid:collection_id>/upload/", views.upload, name="upload"),
    path("collections/<uuid:collection_id>/fetch/", views.fetch, name="fetch"),
    path("collections/<uuid:collection_id>/table/", views.table, name="table"),
    path("collections/<uuid:collection_id>/change/", bulk.change, name="change"),
    path("documents/<uuid:document_id>/", source_views.document, name="document"),
    path("documents/<uuid:document_id>/source/", source_views.source, name="source"),
    path(
        "documents/<uuid:document_id>/pages/<int:number>.png",
        source_views.page_image,
        name="page_image",
    ),
    path("documents/<uuid:document_id>/download/", source_views.download, name="download"),
    path("documents/<uuid:document_id>/diff/", source_views.diff, name="diff"),
    path("documents/<uuid:document_id>/retry/", views.retry, name="retry"),
    path("documents/<uuid:document_id>/cancel/", views.cancel, name="cancel"),
    path("documents/<uuid:document_id>/delete/", views.delete, name="delete"),
]
