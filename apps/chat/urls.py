from __future__ import annotations

from django.urls import path

from apps.chat import stream_views, views
from apps.chat.asking import views as asking
from apps.chat.conversations import views as conversations

app_name = "chat"
urlpatterns = [
    path("assistants/<slug:assistant_slug>/", views.new, name="new"),
    path("assistants/<slug:assistant_slug>/ask/", stream_views.ask, name="ask"),
    path(
        "assistants/<slug:assistant_slug>/chat/<uuid:conversation_id>/",
        views.conversation,
        name="conversation",
    ),
    path("assistants/<slug:assistant_slug>/chat/", conversations.listing, name="listing"),
    path("conversations/delete/", conversations.delete_selected, name="delete_selected"),
    path("conversations/<uuid:conversation_id>/rename/", conversations.rename, name="rename"),
    path("conversations/<uuid:conversation_id>/pin/", conversations.pin, name="pin"),
    path("assistants/<slug:assistant_slug>/files/", asking.attach, name="attach"),
    path(
        "assistants/<slug:assistant_slug>/scope/documents/",
        asking.scope_documents,
        name="scope_documents",
    ),
    path("assistants/<slug:assistant_slug>/examples/", asking.examples, name="examples"),
    path("answers/<uuid:message_id>/follow-ups/", asking.follow_ups, name="follow_ups"),
    path("conversations/<uuid:conversation_id>/files/", asking.files, name="files"),
    path(
        "conversations/<uuid:conversation_id>/files/<uuid:file_id>/remove/",
        asking.remove,
        name="remove_file",
    ),
    path("conversations/<uuid:conversation_id>/export/", views.export, name="export"),
    path("conversations/<uuid:conversation_id>/delete/", views.delete, name="delete"),
    path("questions/<uuid:message_id>/edit/", stream_views.edit, name="edit"),
    path("answers/<uuid:message_id>/events/", stream_views.events, name="events"),
    path("answers/<uuid:message_id>/stop/", stream_views.stop, name="stop"),
    path("answers/<uuid:message_id>/regenerate/", stream_views.regenerate, name="regenerate"),
]
