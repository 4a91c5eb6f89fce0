from __future__ import annotations

from django.urls import path

from apps.feedback import api

urlpatterns = [
    path("messages/<uuid:message_id>/feedback/", api.MessageFeedbackView.as_view()),
    path("feedback/", api.FeedbackListView.as_view()),
]
