from __future__ import annotations

from django.urls import path

from apps.chat import api
from apps.chat.conversations import api as conversations

urlpatterns = [
    path("conversations/", conversations.ConversationsView.as_view(), name="api_conversations"),
    path("conversations/delete/", conversations.ConversationsDeleteView.as_view()),
    path(
        "conversations/<uuid:conversation_id>/",
        conversations.ConversationView.as_view(),
        name="api_conversation",
    ),
    path("messages/<uuid:message_id>/", api.MessageView.as_view(), name="api_message"),
    path("messages/<uuid:message_id>/retry/", api.MessageRetryView.as_view(), name="api_retry"),
]
