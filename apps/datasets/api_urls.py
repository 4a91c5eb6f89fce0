from __future__ import annotations

from django.urls import path

from apps.datasets import api, capture_api

urlpatterns = [
    path("datasets/", api.DatasetsView.as_view()),
    path("datasets/<uuid:dataset_id>/", api.DatasetView.as_view()),
    path("datasets/<uuid:dataset_id>/versions/", api.VersionsView.as_view()),
    path("datasets/<uuid:dataset_id>/checks/", api.ChecksView.as_view()),
    path("datasets/<uuid:dataset_id>/capture/", capture_api.CaptureView.as_view()),
    path("datasets/<uuid:dataset_id>/examples/", api.ExamplesView.as_view()),
    path("examples/<uuid:example_id>/", api.ExampleView.as_view()),
]
