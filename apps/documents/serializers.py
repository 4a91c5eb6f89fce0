"""What the REST API takes and gives for collections and documents."""

from __future__ import annotations

import re
from typing import Any, get_args

from rest_framework import serializers

from apps.documents.labels import MAX_METADATA, MAX_TAGS, TAG_CHARS
from apps.documents.listing.filters import MAX_NAME, SORT_CHOICES, STATE_CHOICES
from apps.documents.models import DocumentVersion, VersionState
from apps.documents.selectors import DocumentRow, DocumentText
from apps.documents.units import UnitName

_NAME = re.compile(r"[^\W\d][\w.-]{0,79}")
STATES = ["queued", "processing", "ready", "failed"]


class CollectionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    num_documents = serializers.IntegerField(read_only=True, default=0)
    num_ready = serializers.IntegerField(read_only=True, default=0)
    created_at = serializers.DateTimeField(read_only=True)


class UploadSerializer(serializers.Serializer[Any]):
    """One file as multipart form data, or a web address as JSON."""

    file = serializers.FileField(required=False, allow_empty_file=True, max_length=None)
    name = serializers.CharField(
        required=False, max_length=2000,
        help_text="Name or relative path to keep instead of the file's own, as team/leave.md",
    )  # fmt: skip
    url = serializers.URLField(
        required=False, max_length=2000, help_text="Address of a page to fetch instead of a file"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("url" in attrs):
            raise serializers.ValidationError("Send either a file or a url.")
        return attrs


class DocumentSerializer(serializers.Serializer[Any]):
    """A document and how far its newest version is."""

    id = serializers.UUIDField()
    collection = serializers.UUIDField()
    name = serializers.CharField()
    title = serializers.CharField()
    source_url = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    stage = serializers.CharField()
    stage_label = serializers.CharField()
    reason = serializers.CharField(help_text="Why it failed, in plain words")
    reason_code = serializers.CharField()
    note = serializers.CharField(help_text="What a reader should know of how it was read")
    progress = serializers.FloatField(help_text="0 to 1")
    seconds_left = serializers.IntegerField(allow_null=True)
    pages_done = serializers.IntegerField()
    pages_total = serializers.IntegerField()
    unit = serializers.ChoiceField(
        choices=get_args(UnitName), help_text="What the parts of this kind of file are called"
    )
    num_units = serializers.IntegerField(
        help_text="How many there are; a long sheet or message is read in several pages"
    )
    pages_to_check = serializers.IntegerField(
        help_text="Pages that need a person: recognised with little confidence, or not read at all"
    )
    num_chunks = serializers.IntegerField()
    chunks_done = serializers.IntegerField()
    is_searchable = serializers.BooleanField(help_text="Whether any version can be found")
    num_searchable = serializers.IntegerField(
        help_text="Passages that can be found: those of the version that is searched"
    )
    version = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Bytes")
    sha256 = serializers.CharField()
    media_type = serializers.CharField()
    created_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField(child=serializers.CharField())
    source_date = serializers.DateField(allow_null=True)


class ListedDocumentSerializer(DocumentSerializer):
    used = serializers.IntegerField(help_text="Answers that cite it")


class TotalsSerializer(serializers.Serializer[Any]):
    """The whole collection at the moment of the list: working + ready + failed + cancelled."""

    documents = serializers.IntegerField()
    passages = serializers.IntegerField(help_text="Passages that can be found")
    working = serializers.IntegerField()
    ready = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    to_check = serializers.IntegerField(help_text="Documents with pages that need a person")


class DocumentListSerializer(serializers.Serializer[Any]):
    """A part of the list with the totals of the whole collection, of one moment."""

    count = serializers.IntegerField(help_text="Documents that the filter leaves")
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    totals = TotalsSerializer()
    results = ListedDocumentSerializer(many=True)


class DocumentFilterSerializer(serializers.Serializer[Any]):
    """What a list of documents can be narrowed by."""

    name = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_NAME, help_text="Part of the name"
    )
    state = serializers.ChoiceField(
        choices=STATE_CHOICES,
        required=False,
        allow_blank=True,
        help_text="to-check: documents with pages that need a person",
    )
    tag = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=TAG_CHARS,
        help_text="hr stands for hr/leave too",
    )


class DocumentListQuerySerializer(DocumentFilterSerializer):
    sort = serializers.ChoiceField(
        choices=SORT_CHOICES, required=False, allow_blank=True, help_text="Default: -updated"
    )


class LabelsSerializer(serializers.Serializer[Any]):
    """What searches can be narrowed by; what is left out stays as it is."""

    tags = serializers.ListField(
        child=serializers.CharField(max_length=TAG_CHARS), required=False, max_length=MAX_TAGS
    )
    metadata = serializers.DictField(
        child=serializers.CharField(max_length=500, allow_blank=True),
        required=False,
        help_text="Names to texts, as {'team': 'legal'}; found by the filter team:legal",
    )
    source_date = serializers.DateField(
        required=False, allow_null=True, help_text="The date that the document itself is of"
    )

    def validate_metadata(self, values: dict[str, str]) -> dict[str, str]:
        if len(values) > MAX_METADATA or any(not _NAME.fullmatch(name) for name in values):
            raise serializers.ValidationError(
                f"At most {MAX_METADATA} names, each of letters, digits, '_', '-' and '.'."
            )
        return values


class UploadedSerializer(DocumentSerializer):
    outcome = serializers.ChoiceField(choices=["created", "new_version", "duplicate"])


class VersionSerializer(serializers.ModelSerializer[DocumentVersion]):
    class Meta:
        model = DocumentVersion
        fields = [
            "id", "number", "state", "stage", "reason", "filename", "media_type", "title", "sha256",
            "size", "pages_done", "pages_total", "num_chunks", "num_chars", "created_at",
            "ready_at",
        ]  # fmt: skip


class TextPageSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]  # hides Field.label
    start = serializers.IntegerField(help_text="Offset into the text, in characters")
    end = serializers.IntegerField()
    note = serializers.CharField()
    confidence = serializers.FloatField(
        allow_null=True,
        help_text="How sure text recognition was, 0 to 100; null where it was not needed",
    )
    is_to_check = serializers.BooleanField(help_text="Whether the page needs a person")


class DocumentTextSerializer(serializers.Serializer[Any]):
    document = serializers.UUIDField()
    version = serializers.IntegerField()
    text = serializers.CharField()
    pages = TextPageSerializer(many=True)


def render_document(row: DocumentRow) -> dict[str, Any]:
    """A row as DocumentSerializer describes it. Scripts see a cancelled document as failed."""
    document, version, progress = row.document, row.version, row.progress
    is_cancelled = version.state == VersionState.CANCELLED
    return {
        "id": document.pk,
        "collection": document.collection_id,
        "name": document.name,
        "title": version.title,
        "source_url": document.source_url,
        "state": "failed" if is_cancelled else version.state,
        "stage": version.stage,
        "stage_label": progress.label,
        "reason": version.reason,
        "reason_code": version.reason_code,
        "note": version.note,
        "progress": round(progress.fraction, 3),
        "seconds_left": progress.seconds_left,
        "pages_done": version.pages_done,
        "pages_total": version.pages_total,
        "unit": row.unit.name,
        "num_units": row.num_units,
        "pages_to_check": row.pages_to_check,
        "num_chunks": version.num_chunks,
        "chunks_done": version.chunks_done,
        "is_searchable": document.current_id is not None,
        "num_searchable": row.passages,
        "version": version.number,
        "size": version.size,
        "sha256": version.sha256,
        "media_type": version.media_type,
        "created_at": document.created_at,
        "ready_at": version.ready_at,
        "tags": document.tags,
        "metadata": document.metadata,
        "source_date": document.source_date,
        "used": row.used,
    }


def render_text(text: DocumentText) -> dict[str, Any]:
    """A version's text as DocumentTextSerializer describes it."""
    return {
        "document": text.version.document_id,
        "version": text.version.number,
        "text": text.text,
        "pages": text.pages,
    }
