from __future__ import annotations

from django.urls import path

from apps.chat import openai_views

urlpatterns = [
    path("models", openai_views.models, name="openai_models"),
    path("chat/completions", openai_views.chat_completions, name="openai_chat_completions"),
]
