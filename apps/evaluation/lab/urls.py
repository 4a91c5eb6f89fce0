"""Addresses of the lab, in the namespace of evaluation."""

from __future__ import annotations

from django.urls import path

from apps.evaluation.lab import views

ROOT = "evaluate/lab"
urlpatterns = [
    path(f"{ROOT}/", views.lab, name="lab"),
    path(f"{ROOT}/save/", views.save, name="lab_save"),
]
