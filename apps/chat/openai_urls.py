from __future__ import annotations

from django.urls import path

from apps.chat import openai_views

urlpatterns = [
    path("models", openai_views.models, name="openai_models"),
    path("models/<str:name>", openai_views.model, name="openai_model"),
    path("chat/completions", openai_views.chat_completions, name="openai_chat_completions"),
    path("<path:path>", openai_views.nothing, name="openai_nothing"),
]
