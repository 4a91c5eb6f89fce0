from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.gateway.models import Endpoint


def get_endpoint(workspace_id: UUID, endpoint_id: UUID) -> Endpoint:
    """The workspace's endpoint, or Http404."""
    endpoint = Endpoint.objects.filter(workspace_id=workspace_id, pk=endpoint_id).first()
    if endpoint is None:
        raise Http404
    return endpoint
