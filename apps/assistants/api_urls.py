from __future__ import annotations

from django.urls import path

from apps.assistants import api

urlpatterns = [
    path("assistants/", api.AssistantListView.as_view()),
    path("assistants/<uuid:assistant_id>/", api.AssistantView.as_view()),
]
