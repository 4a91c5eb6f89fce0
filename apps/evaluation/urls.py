from __future__ import annotations

from django.urls import path

from apps.evaluation.experiments import model_choice_views, outcome_views, views
from apps.evaluation.gates import views as gate_views
from apps.evaluation.review import arena_views, guideline_views, judge_views

app_name = "evaluation"
ROOT = "evaluate/experiments"
ONE = f"{ROOT}/<uuid:experiment_id>"
ASSISTANT = "assistants/<slug:assistant_slug>"

urlpatterns = [
    path("evaluate/", views.listing, name="list"),
    path("evaluate/judges/", judge_views.judges, name="judges"),
    path(f"{ASSISTANT}/evaluate/", views.of_assistant, name="of_assistant"),
    path(f"{ASSISTANT}/evaluate/new/", views.new, name="new"),
    path(f"{ASSISTANT}/gates/", gate_views.gates, name="gates"),
    path(f"{ASSISTANT}/gates/<uuid:rule_id>/remove/", gate_views.remove_gate, name="remove_gate"),
    path(f"{ASSISTANT}/models/", model_choice_views.models, name="models"),
    path(f"{ASSISTANT}/guideline/", guideline_views.guideline, name="guideline"),
    path(
        f"{ASSISTANT}/guideline/<uuid:criterion_id>/", guideline_views.criterion, name="criterion"
    ),
    path(
        f"{ASSISTANT}/guideline/<uuid:criterion_id>/remove/",
        guideline_views.remove_line,
        name="remove_line",
    ),
    path(f"{ONE}/", views.experiment, name="experiment"),
    path(f"{ONE}/progress/", views.progress, name="progress"),
    path(f"{ONE}/cancel/", views.cancel, name="cancel"),
    path(f"{ONE}/resume/", views.resume, name="resume"),
    path(f"{ONE}/delete/", views.delete, name="delete"),
    path(f"{ONE}/gates/", gate_views.verdicts, name="verdicts"),
    path(f"{ONE}/compare/", outcome_views.compare, name="compare"),
    path(f"{ONE}/analysis/", outcome_views.analysis, name="analysis"),
    path(f"{ONE}/grade/", arena_views.grade, name="grade"),
    path(f"{ONE}/arena/", arena_views.arena, name="arena"),
    path(f"{ONE}/arena/judge/", arena_views.judge, name="judge"),
    path(f"{ONE}/arena/preferences.jsonl", arena_views.preferences, name="preferences"),
    path(f"{ONE}/answers/<uuid:item_id>/", outcome_views.item, name="item"),
]
