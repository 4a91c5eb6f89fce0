from __future__ import annotations

from django.urls import path

from apps.retrieval.indexes import views as index_views
from apps.retrieval.passages import views as passage_views
from apps.retrieval.search import views

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
    path("indexes/<uuid:index_id>/vectors/", index_views.change_vectors, name="index_vectors"),
    path("indexes/<uuid:index_id>/cut-anew/", index_views.cut_anew, name="index_cut_anew"),
    path("indexes/<uuid:index_id>/swap/", index_views.swap, name="index_swap"),
    path("indexes/<uuid:index_id>/stop/", index_views.stop, name="index_stop"),
    path("indexes/<uuid:index_id>/continue/", index_views.go_on, name="index_continue"),
    path("indexes/<uuid:index_id>/delete/", index_views.throw_away, name="index_discard"),
    path("passages/<int:passage_id>/", passage_views.passage, name="passage"),
    path("passages/<int:passage_id>/edit/", passage_views.edit, name="passage_edit"),
    path("passages/<int:passage_id>/split/", passage_views.split, name="passage_split"),
    path("passages/<int:passage_id>/merge/", passage_views.merge, name="passage_merge"),
    path("passages/<int:passage_id>/disable/", passage_views.disable, name="passage_disable"),
    path("passage-edits/<uuid:edit_id>/revert/", passage_views.revert, name="passage_revert"),
]
