"""Addresses of annotation, in the namespace of datasets."""

from __future__ import annotations

from django.urls import path

from apps.datasets.annotation import views

ONE = "evaluate/annotation/<uuid:annotation_task_id>"
urlpatterns = [
    path("evaluate/datasets/<uuid:dataset_id>/annotation/", views.tasks, name="annotation"),
    path(f"{ONE}/", views.annotate, name="annotate"),
    path(f"{ONE}/agreement/", views.agreement, name="agreement"),
    path(f"{ONE}/delete/", views.delete, name="annotation_delete"),
]
