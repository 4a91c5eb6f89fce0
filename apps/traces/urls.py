from __future__ import annotations

from django.urls import path

from apps.traces import views

app_name = "traces"
urlpatterns = [path("traces/<uuid:trace_id>/", views.trace, name="trace")]
