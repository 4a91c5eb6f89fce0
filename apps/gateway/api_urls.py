from __future__ import annotations

from django.urls import path

from apps.gateway.api import EndpointsView, EndpointTestView, EndpointView

urlpatterns = [
    path("endpoints/", EndpointsView.as_view(), name="api_endpoints"),
    path("endpoints/<uuid:endpoint_id>/", EndpointView.as_view(), name="api_endpoint"),
    path(
        "endpoints/<uuid:endpoint_id>/test/", EndpointTestView.as_view(), name="api_endpoint_test"
    ),
]
