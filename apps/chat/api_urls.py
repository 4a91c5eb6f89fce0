from __future__ import annotations

from django.urls import path

from apps.chat import api

urlpatterns = [
    path("conversations/", api.ConversationsView.as_view(), name="api_conversations"),
    path(
        "conversations/<uuid:conversation_id>/",
        api.ConversationView.as_view(),
        name="api_conversation",
    ),
    path("messages/<uuid:message_id>/", api.MessageView.as_view(), name="api_message"),
    path("messages/<uuid:message_id>/retry/", api.MessageRetryView.as_view(), name="api_retry"),
]
