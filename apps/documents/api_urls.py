"""REST addresses of collections and documents."""

from __future__ import annotations

from django.urls import path

from apps.documents import api
from apps.documents.bulk import api as bulk

urlpatterns = [
    path("collections/", api.CollectionsView.as_view(), name="api_collections"),
    path("collections/<uuid:collection_id>/", api.CollectionView.as_view(), name="api_collection"),
    path(
        "collections/<uuid:collection_id>/documents/",
        api.CollectionDocumentsView.as_view(),
        name="api_collection_documents",
    ),
    path(
        "collections/<uuid:collection_id>/changes/",
        bulk.ChangesView.as_view(),
        name="api_document_changes",
    ),
    path(
        "collections/<uuid:collection_id>/changes/<uuid:change_id>/",
        bulk.ChangeView.as_view(),
        name="api_document_change",
    ),
    path("documents/<uuid:document_id>/", api.DocumentView.as_view(), name="api_document"),
    path(
        "documents/<uuid:document_id>/text/",
        api.DocumentTextView.as_view(),
        name="api_document_text",
    ),
    path(
        "documents/<uuid:document_id>/file/",
        api.DocumentFileView.as_view(),
        name="api_document_file",
    ),
    path(
        "documents/<uuid:document_id>/retry/",
        api.DocumentRetryView.as_view(),
        name="api_document_retry",
    ),
    path(
        "documents/<uuid:document_id>/cancel/",
        api.DocumentCancelView.as_view(),
        name="api_document_cancel",
    ),
    path(
        "documents/<uuid:document_id>/versions/",
        api.DocumentVersionsView.as_view(),
        name="api_document_versions",
    ),
]
