from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.gateway.models import EmbeddingModel, Endpoint
from apps.workspaces.models import Workspace


def get_endpoint(workspace_id: UUID, endpoint_id: UUID) -> Endpoint:
    """The workspace's endpoint, or Http404."""
    endpoint = Endpoint.objects.filter(workspace_id=workspace_id, pk=endpoint_id).first()
    if endpoint is None:
        raise Http404
    return endpoint


def get_embedding_model(workspace: Workspace | UUID, model_id: UUID) -> EmbeddingModel:
    """The workspace's embedding model, or Http404."""
    model = EmbeddingModel.objects.filter(workspace=workspace, pk=model_id).first()
    if model is None:
        raise Http404
    return model
