"""REST: collections, uploads, documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PAGING, Pagination, Problem
from apps.documents import selectors, services
from apps.documents.access import get_collection, get_document
from apps.documents.collections import (
    NameTakenError,
    create_collection,
    delete_collection,
    update_collection,
)
from apps.documents.labels import label_document
from apps.documents.listing.filters import TO_CHECK, DocumentFilter, read_filter
from apps.documents.listing.rows import read_listing
from apps.documents.models import Collection
from apps.documents.serializers import (
    CollectionSerializer,
    DocumentListQuerySerializer,
    DocumentListSerializer,
    DocumentSerializer,
    DocumentTextSerializer,
    LabelsSerializer,
    ListedDocumentSerializer,
    TotalsSerializer,
    UploadedSerializer,
    UploadSerializer,
    VersionSerializer,
    render_document,
    render_text,
)
from apps.documents.storage import TooLargeError, locate_blob
from apps.workspaces.api import WorkspaceAPIView

NAME_TAKEN = Problem(409, "name_taken", "There is a collection of this name already.")
UPLOAD_CHUNK_BYTES = 1024 * 1024

# Shared, because serialising leaves no state in them and each new one would copy all its fields.
_DOCUMENT, _UPLOADED = DocumentSerializer(), UploadedSerializer()
_LISTED = ListedDocumentSerializer()


class CollectionsView(WorkspaceAPIView):
    """The workspace's collections."""

    pagination_class = Pagination

    @extend_schema(
        operation_id="collections_list",
        parameters=PAGING,
        responses=CollectionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        paginator = Pagination()
        collections = selectors.list_collections(self.workspace_id)
        page = paginator.paginate_queryset(collections, request, view=self)
        return paginator.get_paginated_response(CollectionSerializer(page, many=True).data)

    @extend_schema(
        operation_id="collections_create",
        request=CollectionSerializer,
        responses={201: CollectionSerializer},
    )
    def post(self, request: Request) -> Response:
        values = _validate(CollectionSerializer(data=request.data))
        try:
            collection = create_collection(self.workspace, actor=self.actor, **values)
        except NameTakenError:
            raise NAME_TAKEN from None
        return Response(CollectionSerializer(collection).data, status=201)


class CollectionView(WorkspaceAPIView):
    """One collection."""

    @extend_schema(operation_id="collections_read", responses=CollectionSerializer)
    def get(self, request: Request, collection_id: UUID) -> Response:
        return Response(CollectionSerializer(self._counted(collection_id)).data)

    @extend_schema(
        operation_id="collections_update",
        request=CollectionSerializer(partial=True),
        responses=CollectionSerializer,
    )
    def patch(self, request: Request, collection_id: UUID) -> Response:
        collection = get_collection(self.workspace, collection_id)
        values = _validate(CollectionSerializer(data=request.data, partial=True))
        try:
            update_collection(collection, actor=self.actor, **values)
        except NameTakenError:
            raise NAME_TAKEN from None
        return Response(CollectionSerializer(self._counted(collection_id)).data)

    @extend_schema(operation_id="collections_delete", responses={204: None})
    def delete(self, request: Request, collection_id: UUID) -> Response:
        delete_collection(get_collection(self.workspace, collection_id), actor=self.actor)
        return Response(status=204)

    def _counted(self, collection_id: UUID) -> Collection:
        counted = selectors.list_collections(self.workspace_id)
        collection = counted.filter(pk=collection_id).first()
        if collection is None:
            raise Http404
        return collection


class CollectionDocumentsView(WorkspaceAPIView):
    """The documents of a collection."""

    pagination_class = Pagination

    @extend_schema(
        operation_id="documents_list",
        parameters=[
            *PAGING,
            DocumentListQuerySerializer,
            OpenApiParameter("to_check", bool, description="true: the same as state=to-check"),
        ],
        responses=DocumentListSerializer,
    )
    def get(self, request: Request, collection_id: UUID) -> Response:
        collection = get_collection(self.workspace, collection_id)
        chosen = _read_list_query(request)
        paginator = Pagination()
        listing = read_listing(
            collection,
            chosen,
            page_of=lambda rows: paginator.paginate_queryset(rows, request, view=self) or [],
        )
        data = paginator.get_paginated_response(
            [_LISTED.to_representation(render_document(row)) for row in listing.rows]
        ).data
        return Response({**data, "totals": TotalsSerializer(listing.totals).data})

    @extend_schema(
        operation_id="documents_upload",
        request={"multipart/form-data": UploadSerializer, "application/json": UploadSerializer},
        responses={201: UploadedSerializer, 200: UploadedSerializer},
    )
    def post(self, request: Request, collection_id: UUID) -> Response:
        collection = get_collection(self.workspace_id, collection_id)
        values = _validate(UploadSerializer(data=request.data))
        outcome = self._add(collection, values)
        row = selectors.describe_version(outcome.document, outcome.version)
        data = _UPLOADED.to_representation({**render_document(row), "outcome": outcome.outcome})
        return Response(data, status=200 if outcome.outcome == "duplicate" else 201)

    def _add(self, collection: Collection, values: dict[str, Any]) -> services.UploadOutcome:
        if "url" in values:
            try:
                return services.add_url(collection, url=values["url"], actor=self.actor)
            except services.BadUrlError:
                raise Problem(400, "bad_url", "Only web addresses can be fetched.") from None
        file: UploadedFile[Any] = values["file"]
        try:
            return services.add_upload(
                collection,
                file=_read_chunks(file),
                filename=values.get("name") or file.name or "",
                actor=self.actor,
            )
        except TooLargeError as error:
            megabytes = error.limit // 1_048_576
            raise Problem(
                413,
                "too_large",
                f"The file has more than {megabytes:,} MB, the most that is taken.",
            ) from None


class DocumentView(WorkspaceAPIView):
    """One document."""

    @extend_schema(operation_id="documents_read", responses=DocumentSerializer)
    def get(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        return Response(_document_data(selectors.describe_document(document)))

    @extend_schema(
        operation_id="documents_label", request=LabelsSerializer, responses=DocumentSerializer
    )
    def patch(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        labels = LabelsSerializer(data=request.data)
        labels.is_valid(raise_exception=True)
        values = labels.validated_data
        clears_date = "source_date" in values and values["source_date"] is None
        label_document(document, actor=self.actor, clears_date=clears_date, **values)
        return Response(_document_data(selectors.describe_document(document)))

    @extend_schema(operation_id="documents_delete", responses={204: None})
    def delete(self, request: Request, document_id: UUID) -> Response:
        services.delete_document(get_document(self.workspace_id, document_id), actor=self.actor)
        return Response(status=204)


class DocumentTextView(WorkspaceAPIView):
    """The parsed text, with the pages' offsets into it."""

    @extend_schema(operation_id="documents_text", responses=DocumentTextSerializer)
    def get(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        text = selectors.read_text(selectors.choose_version(document))
        return Response(DocumentTextSerializer(render_text(text)).data)


class DocumentFileView(WorkspaceAPIView):
    """The uploaded bytes."""

    @extend_schema(
        operation_id="documents_file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, document_id: UUID) -> FileResponse:
        document = get_document(self.workspace_id, document_id)
        version = selectors.choose_version(document)
        path = locate_blob(version.blob)
        if not version.blob or not path.is_file():
            raise Http404
        # Always a download: an uploaded page must not run under our origin.
        return FileResponse(
            path.open("rb"),
            as_attachment=True,
            filename=document.name.rsplit("/", 1)[-1],
            content_type="application/octet-stream",
        )


class DocumentRetryView(WorkspaceAPIView):
    """Start a failed or cancelled document again."""

    @extend_schema(operation_id="documents_retry", request=None, responses=DocumentSerializer)
    def post(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        try:
            services.retry_document(document, actor=self.actor)
        except services.NotRetryableError:
            raise Problem(
                409, "not_retryable", "Only a failed or cancelled document can be tried again."
            ) from None
        return Response(_document_data(selectors.describe_document(document)))


class DocumentCancelView(WorkspaceAPIView):
    """Stop the work on a document."""

    @extend_schema(operation_id="documents_cancel", request=None, responses=DocumentSerializer)
    def post(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        services.cancel_document(document, actor=self.actor)
        return Response(_document_data(selectors.describe_document(document)))


class DocumentVersionsView(WorkspaceAPIView):
    """All versions of a document, the newest first."""

    pagination_class = Pagination

    @extend_schema(
        operation_id="documents_versions", parameters=PAGING, responses=VersionSerializer(many=True)
    )
    def get(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        paginator = Pagination()
        page = paginator.paginate_queryset(selectors.list_versions(document), request, view=self)
        return paginator.get_paginated_response(VersionSerializer(page, many=True).data)


def _validate(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return cast(dict[str, Any], serializer.validated_data)


def _read_list_query(request: Request) -> DocumentFilter:
    """What the list is narrowed and sorted by; what there is not is refused."""
    values = _validate(DocumentListQuerySerializer(data=request.query_params))
    if _read_flag(request, "to_check"):
        if values.get("state") not in (None, "", TO_CHECK):
            raise serializers.ValidationError({"to_check": ["Send either state or to_check."]})
        values["state"] = TO_CHECK
    return read_filter(values)


def _read_flag(request: Request, name: str) -> bool:
    """A parameter that is true or false; left out it is false, and anything else is refused."""
    flag = serializers.BooleanField(default=False)
    try:
        return bool(flag.run_validation(request.query_params.get(name, empty)))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({name: error.detail}) from None


def _document_data(row: selectors.DocumentRow) -> dict[str, Any]:
    return _DOCUMENT.to_representation(render_document(row))


def _read_chunks(file: UploadedFile[Any]) -> Iterator[bytes]:
    while chunk := file.read(UPLOAD_CHUNK_BYTES):
        yield chunk
