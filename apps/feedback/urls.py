from __future__ import annotations

from django.urls import path

from apps.feedback import views

app_name = "feedback"
urlpatterns = [
    path("feedback/", views.listing, name="list"),
    path("feedback/<uuid:feedback_id>/resolve/", views.resolve, name="resolve"),
    path("answers/<uuid:message_id>/feedback/", views.send, name="send"),
    path("assistants/<slug:assistant_slug>/feedback/", views.of_assistant, name="of_assistant"),
]
