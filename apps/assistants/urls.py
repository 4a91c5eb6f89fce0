from __future__ import annotations

from django.urls import path

from apps.assistants import views

app_name = "assistants"
urlpatterns = [
    path("assistants/", views.listing, name="list"),
    path("assistants/new/create/", views.create, name="create"),
    path("assistants/<slug:assistant_slug>/recipe/", views.recipe, name="recipe"),
    path(
        "assistants/<slug:assistant_slug>/releases/<int:number>/restore/",
        views.restore,
        name="restore",
    ),
    path("assistants/<slug:assistant_slug>/delete/", views.delete, name="delete"),
    path("assistants/<slug:assistant_slug>/share/", views.share, name="share"),
]
