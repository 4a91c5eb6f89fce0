from __future__ import annotations

from django.urls import path

from apps.guide import api

urlpatterns = [
    path("first-steps/", api.FirstStepsView.as_view(), name="api_first_steps"),
    path("find/", api.FindView.as_view(), name="api_find"),
]
