from __future__ import annotations

from django.urls import path

from apps.feedback import api
from apps.feedback.conversations import api as conversations

urlpatterns = [
    path("messages/<uuid:message_id>/feedback/", api.MessageFeedbackView.as_view()),
    path("feedback/", api.FeedbackListView.as_view()),
    path("workspace/conversations/", conversations.TeamConversationsView.as_view()),
    path(
        "workspace/conversations/<uuid:conversation_id>/",
        conversations.TeamConversationView.as_view(),
    ),
    path(
        "workspace/conversations/<uuid:conversation_id>/review/",
        conversations.ConversationReviewView.as_view(),
    ),
]
