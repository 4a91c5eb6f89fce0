from __future__ import annotations

from django.urls import path

from apps.lab import api

ONE = "lab/runs/<uuid:lab_run_id>"

urlpatterns = [
    path("lab/runs/", api.LabRunsView.as_view()),
    path(f"{ONE}/", api.LabRunView.as_view()),
    path(f"{ONE}/candidate/", api.LabRunCandidateView.as_view()),
    path(f"{ONE}/cancel/", api.LabRunCancelView.as_view()),
    path(f"{ONE}/resume/", api.LabRunResumeView.as_view()),
    path(f"{ONE}/results/", api.LabRunResultsView.as_view()),
]
