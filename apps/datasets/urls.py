from __future__ import annotations

from django.urls import path

from apps.datasets import example_views, views

app_name = "datasets"
ROOT = "evaluate/datasets"
ONE = f"{ROOT}/<uuid:dataset_id>"

urlpatterns = [
    path(f"{ROOT}/", views.datasets, name="list"),
    path(f"{ONE}/", views.dataset, name="dataset"),
    path(f"{ONE}/edit/", views.edit, name="edit"),
    path(f"{ONE}/delete/", views.delete, name="delete"),
    path(f"{ONE}/freeze/", views.freeze, name="freeze"),
    path(f"{ONE}/versions/<int:number>/", views.version, name="version"),
    path(f"{ONE}/versions/<int:number>/export.<str:kind>", views.export, name="export"),
    path(f"{ONE}/examples/new/", example_views.new, name="example_new"),
    path(f"{ONE}/examples/bulk/", example_views.bulk, name="bulk"),
    path("evaluate/examples/<uuid:example_id>/", example_views.example, name="example"),
    path("evaluate/examples/<uuid:example_id>/remove/", example_views.remove, name="remove"),
]
