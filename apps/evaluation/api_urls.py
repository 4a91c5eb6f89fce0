from __future__ import annotations

from django.urls import path

from apps.evaluation import api, api_analysis, api_arena
from apps.evaluation.lab import api as api_lab

ONE = "experiments/<uuid:experiment_id>"
LAB_RUN = "lab/runs/<uuid:lab_run_id>"
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
    path(f"{ONE}/items/<uuid:item_id>/sentences/", api.ExperimentSentencesView.as_view()),
    path(f"{ONE}/compare/", api.ExperimentCompareView.as_view()),
    path(f"{ONE}/correlations/", api_analysis.CorrelationsView.as_view()),
    path(f"{ONE}/tradeoff/", api_analysis.TradeoffView.as_view()),
    path(f"{ONE}/arena/", api_arena.ArenaView.as_view()),
    path(f"{ONE}/arena/pair/", api_arena.ArenaPairView.as_view()),
    path(f"{ONE}/arena/matches/", api_arena.ArenaMatchesView.as_view()),
    path(f"{ONE}/arena/judge/", api_arena.ArenaJudgeView.as_view()),
    path(f"{ONE}/arena/preferences/", api_arena.ArenaPreferencesView.as_view()),
    path(f"{ONE}/grades/", api_arena.GradesView.as_view()),
    path("judges/", api_arena.JudgesView.as_view()),
    path("judges/bar/", api_arena.JudgeBarView.as_view()),
    path("lab/runs/", api_lab.LabRunsView.as_view()),
    path(f"{LAB_RUN}/", api_lab.LabRunView.as_view()),
    path(f"{LAB_RUN}/cancel/", api_lab.LabRunCancelView.as_view()),
    path(f"{LAB_RUN}/resume/", api_lab.LabRunResumeView.as_view()),
    path(f"{LAB_RUN}/results/", api_lab.LabRunResultsView.as_view()),
    path(f"{GATES}/", api.GateListView.as_view()),
    path(f"{GATES}/<uuid:rule_id>/", api.GateView.as_view()),
    path(
        "assistants/<uuid:assistant_id>/releases/<int:number>/gate/",
        api.ReleaseGateView.as_view(),
    ),
]
