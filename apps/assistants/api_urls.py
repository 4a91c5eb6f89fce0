from __future__ import annotations

from django.urls import path

from apps.assistants import api
from apps.assistants.playground import api as playground_api
from apps.assistants.probes import api as probe_api
from apps.assistants.releases import api as release_api
from apps.assistants.suggestions import api as suggestion_api

RELEASE = "assistants/<uuid:assistant_id>/releases/<int:number>/"

urlpatterns = [
    path("playground/", playground_api.PlaygroundView.as_view()),
    path("probes/", probe_api.ProbesView.as_view()),
    path("probes/perturbation/", probe_api.PerturbationsView.as_view()),
    path("probes/needle/", probe_api.NeedlesView.as_view()),
    path("probes/<uuid:probe_id>/", probe_api.ProbeItemView.as_view()),
    path("probes/<uuid:probe_id>/cancel/", probe_api.ProbeCancelView.as_view()),
    path("assistants/", api.AssistantListView.as_view()),
    path("assistants/<uuid:assistant_id>/", api.AssistantView.as_view()),
    path(
        "assistants/<uuid:assistant_id>/suggested-questions/",
        suggestion_api.SuggestionsView.as_view(),
    ),
    path(
        "assistants/<uuid:assistant_id>/suggested-questions/<uuid:suggestion_id>/",
        suggestion_api.SuggestionView.as_view(),
    ),
    path("assistants/<uuid:assistant_id>/releases/", release_api.ReleasesView.as_view()),
    path(RELEASE, release_api.ReleaseView.as_view()),
    path(f"{RELEASE}diff/", release_api.ReleaseDiffView.as_view()),
    path(f"{RELEASE}checks/", release_api.ReleaseChecksView.as_view()),
    path(f"{RELEASE}promote/", release_api.ReleasePromoteView.as_view()),
]
