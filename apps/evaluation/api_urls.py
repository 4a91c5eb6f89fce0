from __future__ import annotations

from django.urls import path

from apps.evaluation import api

ONE = "experiments/<uuid:experiment_id>"
GATES = "assistants/<uuid:assistant_id>/gates"

urlpatterns = [
    path("evaluators/", api.EvaluatorsView.as_view()),
    path("experiments/", api.ExperimentListView.as_view()),
    path(f"{ONE}/", api.ExperimentView.as_view()),
    path(f"{ONE}/plan/", api.ExperimentPlanView.as_view()),
    path(f"{ONE}/cancel/", api.ExperimentCancelView.as_view()),
    path(f"{ONE}/resume/", api.ExperimentResumeView.as_view()),
    path(f"{ONE}/summary/", api.ExperimentSummaryView.as_view()),
    path(f"{ONE}/items/", api.ExperimentItemsView.as_view()),
    path(f"{ONE}/compare/", api.ExperimentCompareView.as_view()),
    path(f"{GATES}/", api.GateListView.as_view()),
    path(f"{GATES}/<uuid:rule_id>/", api.GateView.as_view()),
    path(
        "assistants/<uuid:assistant_id>/releases/<int:number>/gate/",
        api.ReleaseGateView.as_view(),
    ),
]
