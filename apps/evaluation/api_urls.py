from __future__ import annotations

from django.urls import path

from apps.evaluation.experiments import analysis_api, api
from apps.evaluation.gates import api as gates_api
from apps.evaluation.review import api as review_api
from apps.evaluation.verdicts import api as verdicts_api

ONE = "experiments/<uuid:experiment_id>"
GATES = "assistants/<uuid:assistant_id>/gates"

urlpatterns = [
    path("evaluators/", api.EvaluatorsView.as_view()),
    path("evaluators/presets/", api.PresetsView.as_view()),
    path("experiments/", api.ExperimentListView.as_view()),
    path(f"{ONE}/", api.ExperimentView.as_view()),
    path(f"{ONE}/plan/", api.ExperimentPlanView.as_view()),
    path(f"{ONE}/cancel/", api.ExperimentCancelView.as_view()),
    path(f"{ONE}/resume/", api.ExperimentResumeView.as_view()),
    path(f"{ONE}/summary/", api.ExperimentSummaryView.as_view()),
    path(f"{ONE}/items/", api.ExperimentItemsView.as_view()),
    path(f"{ONE}/items/<uuid:item_id>/sentences/", api.ExperimentSentencesView.as_view()),
    path(f"{ONE}/compare/", api.ExperimentCompareView.as_view()),
    path(f"{ONE}/verdicts/", verdicts_api.VerdictsView.as_view()),
    path(f"{ONE}/correlations/", analysis_api.CorrelationsView.as_view()),
    path(f"{ONE}/mistakes/", analysis_api.MistakesView.as_view()),
    path(f"{ONE}/tradeoff/", analysis_api.TradeoffView.as_view()),
    path(f"{ONE}/arena/", review_api.ArenaView.as_view()),
    path(f"{ONE}/arena/pair/", review_api.ArenaPairView.as_view()),
    path(f"{ONE}/arena/matches/", review_api.ArenaMatchesView.as_view()),
    path(f"{ONE}/arena/judge/", review_api.ArenaJudgeView.as_view()),
    path(f"{ONE}/arena/preferences/", review_api.ArenaPreferencesView.as_view()),
    path(f"{ONE}/grades/", review_api.GradesView.as_view()),
    path(f"{ONE}/judges/", review_api.ExperimentJudgesView.as_view()),
    path("judges/", review_api.JudgesView.as_view()),
    path("judges/bar/", review_api.JudgeBarView.as_view()),
    path("assistants/<uuid:assistant_id>/guideline/", review_api.GuidelineView.as_view()),
    path(f"{GATES}/", gates_api.GateListView.as_view()),
    path(f"{GATES}/<uuid:rule_id>/", gates_api.GateView.as_view()),
    path(
        "assistants/<uuid:assistant_id>/releases/<int:number>/gate/",
        gates_api.ReleaseGateView.as_view(),
    ),
]
