"""REST: the passages of a document, and what can be changed about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chunking.models import Chunk, ChunkEdit
from apps.core.api import Pagination, Problem
from apps.documents.access import get_document
from apps.retrieval.passages import edits
from apps.retrieval.passages.access import get_chunk, get_edit
from apps.retrieval.passages.selectors import (
    SearchedText,
    list_current_chunks,
    list_edits,
    read_searched_texts,
)
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope


class StoredPassageSerializer(serializers.Serializer[Any]):
    """A passage of the live index. Unless it was edited, its text is the document's from `start`
    to `end`; `parent_start` and `parent_end` are the larger text to read with it. `table_head` has
    the lines of a table above it that its rows need, often none; null where it has no rows.
    `embedded` is what its vector is made from, `indexed` what its words are counted in."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    heading = serializers.CharField()
    text = serializers.CharField()
    table_head = serializers.CharField(allow_null=True, allow_blank=True)
    embedded = serializers.CharField(allow_blank=True)
    indexed = serializers.CharField(allow_blank=True)
    first_page = serializers.IntegerField()
    last_page = serializers.IntegerField()
    num_tokens = serializers.IntegerField()
    parent_start = serializers.IntegerField(allow_null=True)
    parent_end = serializers.IntegerField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    edit = serializers.UUIDField(allow_null=True)


class PassageEditSerializer(serializers.Serializer[Any]):
    """What somebody changed: the stretch that read `original` now says `text`, or is left out."""

    id = serializers.UUIDField()
    document = serializers.UUIDField(source="document_id")
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    original = serializers.CharField()
    text = serializers.CharField()
    is_fixed = serializers.BooleanField()
    is_disabled = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())
    updated_at = serializers.DateTimeField()


class PassageChangeSerializer(serializers.Serializer[Any]):
    """What is given is changed."""

    text = serializers.CharField(required=False)
    tags = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)


class PassageSplitSerializer(serializers.Serializer[Any]):
    """`at` is an offset into the passage's text."""

    at = serializers.IntegerField(min_value=1)


class DocumentPassagesView(WorkspaceAPIView):
    """The passages of a document's current version, in reading order."""

    pagination_class = Pagination

    @extend_schema(operation_id="passages_list", responses=StoredPassageSerializer(many=True))
    def get(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        paginator = Pagination()
        page = paginator.paginate_queryset(list_current_chunks(document), request, view=self) or []
        texts = read_searched_texts(document, page)
        return paginator.get_paginated_response(
            [_render(chunk, texts.get(chunk.pk, SearchedText())) for chunk in page]
        )


class DocumentEditsView(WorkspaceAPIView):
    """What people changed about a document's passages. It survives another split."""

    @extend_schema(operation_id="passage_edits_list", responses=PassageEditSerializer(many=True))
    def get(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        return Response(PassageEditSerializer(list_edits(document.pk), many=True).data)


class PassageView(WorkspaceAPIView):
    """A passage: read it, or change its text and tags. Changes can be found a moment later."""

    @extend_schema(operation_id="passages_read", responses=StoredPassageSerializer)
    def get(self, request: Request, passage_id: int) -> Response:
        chunk = get_chunk(self.workspace_id, passage_id)
        texts = read_searched_texts(chunk.version.document, [chunk])
        return Response(_render(chunk, texts.get(chunk.pk, SearchedText())))

    @extend_schema(
        operation_id="passages_change",
        request=PassageChangeSerializer,
        responses={202: PassageEditSerializer(many=True)},
    )
    def patch(self, request: Request, passage_id: int) -> Response:
        chunk = get_chunk(self.workspace_id, passage_id)
        serializer = PassageChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data

        def change() -> list[ChunkEdit]:
            changed: list[ChunkEdit | None] = []
            if "text" in values:
                changed.append(edits.edit_chunk(chunk, text=values["text"], actor=self.actor))
            if "tags" in values:
                changed.append(edits.tag_chunk(chunk, tags=values["tags"], actor=self.actor))
            return list({edit.pk: edit for edit in changed if edit is not None}.values())

        return _accept(change)


class PassageSplitView(WorkspaceAPIView):
    """Make two passages of one."""

    @extend_schema(
        operation_id="passages_split",
        request=PassageSplitSerializer,
        responses={202: PassageEditSerializer(many=True)},
    )
    def post(self, request: Request, passage_id: int) -> Response:
        chunk = get_chunk(self.workspace_id, passage_id)
        serializer = PassageSplitSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        at = serializer.validated_data["at"]
        return _accept(lambda: edits.split_chunk(chunk, at=at, actor=self.actor))


class PassageMergeView(WorkspaceAPIView):
    """Make one passage of this one and the next."""

    @extend_schema(
        operation_id="passages_merge",
        request=None,
        responses={202: PassageEditSerializer(many=True)},
    )
    def post(self, request: Request, passage_id: int) -> Response:
        chunk = get_chunk(self.workspace_id, passage_id)
        return _accept(lambda: [edits.merge_chunk(chunk, actor=self.actor)])


class PassageDisableView(WorkspaceAPIView):
    """Leave a passage out: nobody finds it any more. Deleting the edit brings it back."""

    @extend_schema(
        operation_id="passages_disable",
        request=None,
        responses={202: PassageEditSerializer(many=True)},
    )
    def post(self, request: Request, passage_id: int) -> Response:
        chunk = get_chunk(self.workspace_id, passage_id)
        return _accept(lambda: [edits.disable_chunk(chunk, actor=self.actor)])


class PassageEditView(WorkspaceAPIView):
    """Take a change back."""

    scopes = {"DELETE": Scope.WRITE}

    @extend_schema(operation_id="passage_edits_delete", responses={204: None})
    def delete(self, request: Request, edit_id: UUID) -> Response:
        edits.revert_edit(get_edit(self.workspace_id, edit_id), actor=self.actor)
        return Response(status=204)


def _accept(change: Callable[[], list[ChunkEdit]]) -> Response:
    """202 with the edits: a job makes them searchable."""
    try:
        changed = change()
    except edits.EditError as error:
        raise Problem(409, "not_possible", str(error)) from None
    return Response(PassageEditSerializer(changed, many=True).data, status=202)


def _render(chunk: Chunk, searched: SearchedText) -> dict[str, Any]:
    return {
        "id": chunk.pk,
        "number": chunk.position + 1,
        "start": chunk.start,
        "end": chunk.end,
        "heading": chunk.heading,
        "text": chunk.text,
        "table_head": chunk.table_head,
        "embedded": searched.embedded,
        "indexed": searched.indexed,
        "first_page": chunk.first_page,
        "last_page": chunk.last_page,
        "num_tokens": chunk.num_tokens,
        "parent_start": chunk.parent_start,
        "parent_end": chunk.parent_end,
        "tags": chunk.tags,
        "edit": chunk.edit_id,
    }
