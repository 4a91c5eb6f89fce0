from __future__ import annotations

from django.urls import path

from apps.prompts import api

PROMPT = "prompts/<uuid:prompt_id>/"
VERSION = f"{PROMPT}versions/<str:version_name>/"
urlpatterns = [
    path("prompts/", api.PromptsView.as_view()),
    path("prompts/import/", api.PromptImportView.as_view()),
    path(PROMPT, api.PromptView.as_view()),
    path(f"{PROMPT}versions/", api.PromptVersionsView.as_view()),
    path(VERSION, api.PromptVersionView.as_view()),
    path(f"{VERSION}file/", api.PromptFileView.as_view()),
    path(f"{PROMPT}labels/<str:label>/", api.PromptLabelView.as_view()),
]
