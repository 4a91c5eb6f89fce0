from __future__ import annotations

from django.urls import path

from apps.chat import api
from apps.chat.asking import api as asking
from apps.chat.conversations import api as conversations

urlpatterns = [
    path("conversations/", conversations.ConversationsView.as_view(), name="api_conversations"),
    path("conversations/delete/", conversations.ConversationsDeleteView.as_view()),
    path(
        "conversations/<uuid:conversation_id>/",
        conversations.ConversationView.as_view(),
        name="api_conversation",
    ),
    path(
        "conversations/<uuid:conversation_id>/files/",
        asking.ConversationFilesView.as_view(),
        name="api_conversation_files",
    ),
    path(
        "conversations/<uuid:conversation_id>/files/<uuid:file_id>/",
        asking.ConversationFileView.as_view(),
        name="api_conversation_file",
    ),
    path("messages/<uuid:message_id>/", api.MessageView.as_view(), name="api_message"),
    path(
        "messages/<uuid:message_id>/follow-ups/",
        api.MessageFollowUpsView.as_view(),
        name="api_follow_ups",
    ),
    path("messages/<uuid:message_id>/retry/", api.MessageRetryView.as_view(), name="api_retry"),
]
