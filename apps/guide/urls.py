"""The first steps of a workspace, and the palette."""

from __future__ import annotations

from django.urls import path

from apps.guide import views
from apps.guide.palette import views as palette_views

app_name = "guide"
urlpatterns = [
    path("start/", views.start, name="start"),
    path("start/steps/", views.steps, name="steps"),
    path("start/collection/", views.make_collection, name="collection"),
    path("start/assistant/", views.make_assistant, name="assistant"),
    path("start/dataset/", views.make_dataset, name="dataset"),
    path("start/dismiss/", views.dismiss, name="dismiss"),
    path("start/resume/", views.resume, name="resume"),
    path("upload/", palette_views.upload, name="upload"),
    path("palette/", palette_views.palette, name="palette"),
]
