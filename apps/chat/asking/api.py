"""REST: conversations to attach files to, and their files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chat.access import get_key_conversation
from apps.chat.asking.files import (
    AttachedFile,
    TooManyFilesError,
    attach_file,
    get_file,
    list_files,
    remove_file,
)
from apps.core.api import Problem
from apps.documents.selectors import describe_document
from apps.documents.storage import TooLargeError
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope

READ_BYTES = 1 << 20


class AttachSerializer(serializers.Serializer[Any]):
    """One file as multipart form data."""

    file = serializers.FileField(allow_empty_file=True, max_length=None)


class FileSerializer(serializers.Serializer[Any]):
    """A file that only its conversation searches, and how far its reading is."""

    id = serializers.UUIDField(source="document.pk")
    name = serializers.CharField(source="document.name")
    state = serializers.CharField(source="row.version.state")
    progress = serializers.FloatField(source="row.progress.fraction", help_text="0 to 1")
    reason = serializers.CharField(
        source="row.version.reason", help_text="Why it failed, in plain words"
    )
    size = serializers.IntegerField(source="row.version.size", help_text="Bytes")
    created_at = serializers.DateTimeField(source="document.created_at")


class ConversationFilesView(WorkspaceAPIView):
    parser_classes = (MultiPartParser,)
    scopes = {"POST": Scope.CHAT}

    @extend_schema(operation_id="conversation_files_list", responses=FileSerializer(many=True))
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """The files that are attached to a conversation of this key, the latest first."""
        conversation = get_key_conversation(self.access.key, conversation_id)
        return Response(FileSerializer(list_files(conversation), many=True).data)

    @extend_schema(
        operation_id="conversation_files_attach",
        request={"multipart/form-data": AttachSerializer},
        responses={201: FileSerializer},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Attach a file. Only this conversation searches it, and it is deleted with it."""
        conversation = get_key_conversation(self.access.key, conversation_id)
        form = AttachSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        file: UploadedFile[Any] = form.validated_data["file"]
        try:
            outcome = attach_file(
                conversation, file=_read(file), filename=file.name or "", actor=self.actor
            )
        except TooLargeError as error:
            megabytes = error.limit // 1_048_576
            reason = f"The file has more than {megabytes:,} MB, the most that is taken."
            raise Problem(413, "too_large", reason) from None
        except TooManyFilesError as error:
            raise Problem(409, "too_many_files", str(error)) from None
        attached = AttachedFile(describe_document(outcome.document))
        return Response(FileSerializer(attached).data, status=201)


class ConversationFileView(WorkspaceAPIView):
    scopes = {"DELETE": Scope.CHAT}

    @extend_schema(operation_id="conversation_files_read", responses=FileSerializer)
    def get(self, request: Request, conversation_id: UUID, file_id: UUID) -> Response:
        """One attached file and how far its reading is."""
        conversation = get_key_conversation(self.access.key, conversation_id)
        attached = AttachedFile(describe_document(get_file(conversation, file_id)))
        return Response(FileSerializer(attached).data)

    @extend_schema(operation_id="conversation_files_delete", responses={204: None})
    def delete(self, request: Request, conversation_id: UUID, file_id: UUID) -> Response:
        """Remove a file; answers that quote it are withdrawn."""
        conversation = get_key_conversation(self.access.key, conversation_id)
        remove_file(conversation, file_id, actor=self.actor)
        return Response(status=204)


def _read(file: UploadedFile[Any]) -> Iterator[bytes]:
    while chunk := file.read(READ_BYTES):
        yield chunk
