"""REST addresses of the search, of indexes and of passages."""

from __future__ import annotations

from django.urls import path

from apps.retrieval.chunks import api as passage_api
from apps.retrieval.indexes.api_urls import index_patterns
from apps.retrieval.search import api

urlpatterns = [
    path("search/", api.SearchView.as_view(), name="api_search"),
    *index_patterns,
    path(
        "documents/<uuid:document_id>/passages/",
        passage_api.DocumentPassagesView.as_view(),
        name="api_document_passages",
    ),
    path(
        "documents/<uuid:document_id>/passage-edits/",
        passage_api.DocumentEditsView.as_view(),
        name="api_document_passage_edits",
    ),
    path("passages/<int:passage_id>/", passage_api.PassageView.as_view(), name="api_passage"),
    path(
        "passages/<int:passage_id>/split/",
        passage_api.PassageSplitView.as_view(),
        name="api_passage_split",
    ),
    path(
        "passages/<int:passage_id>/merge/",
        passage_api.PassageMergeView.as_view(),
        name="api_passage_merge",
    ),
    path(
        "passages/<int:passage_id>/disable/",
        passage_api.PassageDisableView.as_view(),
        name="api_passage_disable",
    ),
    path(
        "passage-edits/<uuid:edit_id>/",
        passage_api.PassageEditView.as_view(),
        name="api_passage_edit",
    ),
]
