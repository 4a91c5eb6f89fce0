from __future__ import annotations

from django.urls import path

from apps.prompts import views

app_name = "prompts"
PROMPT = "prompts/<uuid:prompt_id>/"
VERSION = f"{PROMPT}versions/<str:version_name>/"
urlpatterns = [
    path("prompts/", views.listing, name="list"),
    path("prompts/new/", views.create, name="create"),
    path("prompts/import/", views.upload, name="import"),
    path(PROMPT, views.prompt, name="prompt"),
    path(f"{PROMPT}rename/", views.rename, name="rename"),
    path(f"{PROMPT}labels/<str:label>/delete/", views.delete_label, name="remove_label"),
    path(f"{PROMPT}delete/", views.delete, name="delete"),
    path(VERSION, views.version, name="version"),
    path(f"{VERSION}edit/", views.edit, name="edit"),
    path(f"{VERSION}label/", views.move_label, name="label"),
    path(f"{VERSION}file/", views.download, name="file"),
]
