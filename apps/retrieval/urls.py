from __future__ import annotations

from django.urls import path

from apps.retrieval import views

app_name = "retrieval"
urlpatterns = [path("search/", views.search_page, name="search")]
