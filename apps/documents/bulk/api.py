"""REST: changing many documents of a collection at once."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Problem
from apps.documents.access import get_collection
from apps.documents.bulk.changes import (
    Action,
    Change,
    NothingSelectedError,
    Selection,
    find_change,
    start_change,
)
from apps.documents.bulk.serializers import (
    ChangeSerializer,
    ChangeViewSerializer,
    DryRunSerializer,
    render_change,
)
from apps.documents.listing.filters import read_filter
from apps.workspaces.api import WorkspaceAPIView


class ChangesView(WorkspaceAPIView):
    """Changes of many documents of a collection."""

    @extend_schema(
        operation_id="documents_change",
        request=ChangeSerializer,
        responses={
            200: OpenApiResponse(DryRunSerializer, description="With dry_run: nothing was changed"),
            202: ChangeViewSerializer,
        },
    )
    def post(self, request: Request, collection_id: UUID) -> Response:
        collection = get_collection(self.workspace, collection_id)
        serializer = ChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        target = get_collection(self.workspace, values["target"]) if "target" in values else None
        if target == collection:
            raise Problem(400, "same_collection", "The documents are in this collection already.")
        change = Change(Action(values["action"]), tag=values.get("tag", ""), target=target)
        selection = Selection(
            ids=tuple(values["ids"]) if "ids" in values else None,
            filter=read_filter(values.get("filter", {})),
        )
        if values["dry_run"]:
            count = len(selection.list_ids(collection, change.action))
            return Response({"count": count, "dry_run": True})
        try:
            view = start_change(collection, change, selection, actor=self.actor)
        except NothingSelectedError:
            raise Problem(
                409, "nothing_selected", "No document was selected that this can be done to."
            ) from None
        return Response(render_change(view), status=202)


class ChangeView(WorkspaceAPIView):
    """One change, while it goes on and afterwards."""

    @extend_schema(operation_id="documents_change_read", responses=ChangeViewSerializer)
    def get(self, request: Request, collection_id: UUID, change_id: UUID) -> Response:
        view = find_change(get_collection(self.workspace, collection_id), change_id)
        if view is None:
            raise Http404
        return Response(render_change(view))
