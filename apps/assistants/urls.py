from __future__ import annotations

from django.urls import path

from apps.assistants import views
from apps.assistants.contexts import views as context_views
from apps.assistants.playground import views as playground_views
from apps.assistants.probes import views as probe_views
from apps.assistants.releases import views as release_views
from apps.assistants.suggestions import views as suggestion_views

app_name = "assistants"
urlpatterns = [
    path("assistants/", views.listing, name="list"),
    path("collections/<uuid:collection_id>/contexts/", context_views.page, name="contexts"),
    path(
        "collections/<uuid:collection_id>/contexts/progress/",
        context_views.progress,
        name="contexts_progress",
    ),
    path(
        "collections/<uuid:collection_id>/contexts/start/",
        context_views.start,
        name="contexts_start",
    ),
    path(
        "collections/<uuid:collection_id>/contexts/stop/",
        context_views.stop,
        name="contexts_stop",
    ),
    path(
        "collections/<uuid:collection_id>/contexts/remove/",
        context_views.remove,
        name="contexts_remove",
    ),
    path("playground/", playground_views.playground, name="playground"),
    path("playground/run/", playground_views.run, name="playground_run"),
    path("steadiness/", probe_views.listing, name="probes"),
    path("steadiness/questions/", probe_views.start_changed, name="probe_changed"),
    path("steadiness/needle/", probe_views.start_hidden, name="probe_needle"),
    path("steadiness/<uuid:probe_id>/", probe_views.probe, name="probe"),
    path("steadiness/<uuid:probe_id>/cancel/", probe_views.cancel, name="probe_cancel"),
    path("steadiness/<uuid:probe_id>/resume/", probe_views.resume, name="probe_resume"),
    path("steadiness/<uuid:probe_id>/delete/", probe_views.delete, name="probe_delete"),
    path("assistants/new/create/", views.create, name="create"),
    path("assistants/<slug:assistant_slug>/recipe/", views.recipe, name="recipe"),
    path(
        "assistants/<slug:assistant_slug>/recipe/preview/",
        playground_views.preview,
        name="preview",
    ),
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
    path(
        "assistants/<slug:assistant_slug>/suggestions/",
        suggestion_views.suggestions,
        name="suggestions",
    ),
    path(
        "assistants/<slug:assistant_slug>/suggestions/look/",
        suggestion_views.look_for_suggestions,
        name="look_for_suggestions",
    ),
    path(
        "assistants/<slug:assistant_slug>/suggestions/<uuid:suggestion_id>/",
        suggestion_views.change_suggestion,
        name="suggestion",
    ),
    path("assistants/<slug:assistant_slug>/prompt/", release_views.use_prompt, name="use_prompt"),
    path("assistants/<slug:assistant_slug>/delete/", views.delete, name="delete"),
    path("assistants/<slug:assistant_slug>/share/", views.share, name="share"),
]
