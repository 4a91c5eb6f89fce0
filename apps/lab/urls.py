from __future__ import annotations

from django.urls import path

from apps.lab import candidate_views, run_views, views

app_name = "lab"
ROOT = "evaluate/lab"
ONE = f"{ROOT}/runs/<uuid:lab_run_id>"

urlpatterns = [
    path(f"{ROOT}/", views.lab, name="lab"),
    path(f"{ROOT}/save/", views.save, name="save"),
    path(f"{ROOT}/candidate/", candidate_views.use_profile, name="use_profile"),
    path(f"{ROOT}/measure/", run_views.measure, name="measure"),
    path(f"{ROOT}/runs/", run_views.runs, name="runs"),
    path(f"{ONE}/", run_views.run, name="run"),
    path(f"{ONE}/candidate/", candidate_views.use_measured, name="use_measured"),
    path(f"{ONE}/cancel/", run_views.cancel, name="run_cancel"),
    path(f"{ONE}/resume/", run_views.resume, name="run_resume"),
    path(f"{ONE}/delete/", run_views.delete, name="run_delete"),
]
