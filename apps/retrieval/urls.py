from __future__ import annotations

from django.urls import path

from apps.retrieval import index_views, views

app_name = "retrieval"
urlpatterns = [
    path("search/", views.search_page, name="search"),
    path("collections/<uuid:collection_id>/indexes/", index_views.indexes, name="indexes"),
    path(
        "collections/<uuid:collection_id>/indexes/progress/",
        index_views.progress,
        name="index_progress",
    ),
    path("indexes/<uuid:index_id>/compare/", index_views.compare, name="index_compare"),
    path(
        "indexes/<uuid:index_id>/questions/<uuid:query_id>/delete/",
        index_views.remove_question,
        name="index_question_delete",
    ),
    path("indexes/<uuid:index_id>/swap/", index_views.swap, name="index_swap"),
    path("indexes/<uuid:index_id>/stop/", index_views.stop, name="index_stop"),
    path("indexes/<uuid:index_id>/continue/", index_views.go_on, name="index_continue"),
    path("indexes/<uuid:index_id>/delete/", index_views.throw_away, name="index_discard"),
]
