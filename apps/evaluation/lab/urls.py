"""Addresses of the lab, in the namespace of evaluation."""

from __future__ import annotations

from django.urls import path

from apps.evaluation.lab import run_views, views

ROOT = "evaluate/lab"
ONE = f"{ROOT}/runs/<uuid:lab_run_id>"
urlpatterns = [
    path(f"{ROOT}/", views.lab, name="lab"),
    path(f"{ROOT}/save/", views.save, name="lab_save"),
    path(f"{ROOT}/measure/", run_views.measure, name="lab_measure"),
    path(f"{ROOT}/runs/", run_views.runs, name="lab_runs"),
    path(f"{ONE}/", run_views.run, name="lab_run"),
    path(f"{ONE}/cancel/", run_views.cancel, name="lab_run_cancel"),
    path(f"{ONE}/resume/", run_views.resume, name="lab_run_resume"),
    path(f"{ONE}/delete/", run_views.delete, name="lab_run_delete"),
]
