from __future__ import annotations

from django.urls import path

from apps.datasets import capture_views, example_views, review_views, views
from apps.datasets.annotation.urls import urlpatterns as annotation_urls
from apps.datasets.transfer import views as import_views

app_name = "datasets"
ROOT = "evaluate/datasets"
ONE = f"{ROOT}/<uuid:dataset_id>"

urlpatterns = [
    *annotation_urls,
    path(f"{ROOT}/", views.datasets, name="list"),
    path(f"{ONE}/", views.dataset, name="dataset"),
    path(f"{ONE}/edit/", views.edit, name="edit"),
    path(f"{ONE}/delete/", views.delete, name="delete"),
    path(f"{ONE}/freeze/", views.freeze, name="freeze"),
    path(f"{ONE}/versions/<int:number>/", views.version, name="version"),
    path(f"{ONE}/versions/<int:number>/check/", views.check, name="check"),
    path(f"{ONE}/versions/<int:number>/export.<str:kind>", views.export, name="export"),
    path(f"{ONE}/import/", import_views.import_page, name="import"),
    path(f"{ONE}/synthesis/", review_views.synthesis, name="synthesis"),
    path(f"{ONE}/review/", review_views.review, name="review"),
    path(f"{ONE}/examples/new/", example_views.new, name="example_new"),
    path(f"{ONE}/examples/bulk/", example_views.bulk, name="bulk"),
    path("evaluate/from-answer/<uuid:message_id>/", capture_views.from_answer, name="from_answer"),
    path(
        "evaluate/from-feedback/<uuid:feedback_id>/",
        capture_views.from_feedback,
        name="from_feedback",
    ),
    path("evaluate/examples/<uuid:example_id>/", example_views.example, name="example"),
    path("evaluate/examples/<uuid:example_id>/remove/", example_views.remove, name="remove"),
]
