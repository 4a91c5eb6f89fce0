from __future__ import annotations

from django.urls import path

from apps.feedback import views
from apps.feedback.conversations import views as conversations

app_name = "feedback"
urlpatterns = [
    path("feedback/", views.listing, name="list"),
    path("feedback/<uuid:feedback_id>/resolve/", views.resolve, name="resolve"),
    path("answers/<uuid:message_id>/feedback/", views.send, name="send"),
    path("assistants/<slug:assistant_slug>/feedback/", views.of_assistant, name="of_assistant"),
    path("conversations/", conversations.listing, name="conversations"),
    path(
        "assistants/<slug:assistant_slug>/conversations/",
        conversations.of_assistant,
        name="conversations_of_assistant",
    ),
    path("conversations/<uuid:conversation_id>/", conversations.conversation, name="conversation"),
    path("conversations/<uuid:conversation_id>/review/", conversations.review, name="review"),
]
