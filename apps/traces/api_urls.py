from __future__ import annotations

from django.urls import path

from apps.traces import api

urlpatterns = [path("traces/<uuid:trace_id>/", api.TraceView.as_view())]
