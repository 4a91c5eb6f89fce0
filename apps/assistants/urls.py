from __future__ import annotations

from django.urls import path

from apps.assistants import playground_views, release_views, views

app_name = "assistants"
urlpatterns = [
    path("assistants/", views.listing, name="list"),
    path("playground/", playground_views.playground, name="playground"),
    path("playground/run/", playground_views.run, name="playground_run"),
    path("assistants/new/create/", views.create, name="create"),
    path("assistants/<slug:assistant_slug>/recipe/", views.recipe, name="recipe"),
    path("assistants/<slug:assistant_slug>/releases/", release_views.releases, name="releases"),
    path(
        "assistants/<slug:assistant_slug>/releases/<int:number>/",
        release_views.release,
        name="release",
    ),
    path(
        "assistants/<slug:assistant_slug>/releases/<int:number>/promote/",
        release_views.promote_release,
        name="promote",
    ),
    path("assistants/<slug:assistant_slug>/prompt/", release_views.use_prompt, name="use_prompt"),
    path("assistants/<slug:assistant_slug>/delete/", views.delete, name="delete"),
    path("assistants/<slug:assistant_slug>/share/", views.share, name="share"),
]
