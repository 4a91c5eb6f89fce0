"""Reads: collections with their counts, documents with their newest version, text, progress."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from apps.documents.models import (
    OPEN_STATES,
    PAGES_TO_CHECK,
    Collection,
    Document,
    DocumentVersion,
    Page,
    Stage,
    VersionState,
)
from apps.documents.units import Unit, count_units, find_unit
from apps.workspaces.models import Workspace

PAGE_SEPARATOR = "\n\n"
READING_SHARE = 0.15
"""Reading's share of an ordinary document's ingestion; making it searchable takes the rest."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an ingestion stands. `fraction` is 0 to 1; `seconds_left` is None when unknown."""

    state: str
    stage: str
    label: str
    fraction: float
    pages_done: int
    pages_total: int
    chunks_done: int
    num_chunks: int
    seconds_left: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A version's full text and the pages that it consists of, without their own texts."""

    version: DocumentVersion
    text: str
    pages: Sequence[Page]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as lists show it: with the version that was uploaded last.

    `num_units` counts that version's sheets, slides or pages, `pages_to_check` those of its pages
    that need a person, and `used` the answers that cite the document; None if nobody counted.
    """

    document: Document
    version: DocumentVersion
    progress: Progress
    num_units: int
    pages_to_check: int
    used: int | None = None

    @property
    def unit(self) -> Unit:
        return find_unit(self.version.media_type)

    @property
    def is_unfinished(self) -> bool:
        return self.version.state in OPEN_STATES

    @property
    def percent(self) -> int:
        return round(self.progress.fraction * 100)

    @property
    def passages(self) -> int:
        """How many passages can be found: those of the current version."""
        current = self.document.current
        return current.num_chunks if current else 0


def list_collections(workspace: Workspace | UUID) -> QuerySet[Collection]:
    """A workspace's collections by name, with `num_documents` and `num_ready`."""
    live = Q(documents__deleted_at=None, documents__isnull=False)
    return (
        Collection.objects.filter(workspace=workspace, deleted_at=None)
        .annotate(
            num_documents=Count("documents", filter=live),
            num_ready=Count("documents", filter=live & Q(documents__current__isnull=False)),
        )
        .order_by("name")
    )


def list_documents(
    collection: Collection, *, name_contains: str = "", is_to_check: bool = False
) -> QuerySet[Document]:
    """A collection's documents, the latest first; `newest_id` is the version uploaded last.

    With `is_to_check`, only documents with a page that needs a person.
    """
    documents = Document.objects.filter(collection=collection, deleted_at=None)
    if name_contains:
        documents = documents.filter(name__icontains=name_contains)
    documents = documents.select_related("current").annotate(newest_id=of_newest("pk"))
    documents = documents.order_by("-pk")
    return documents.filter(has_page_to_check()) if is_to_check else documents


def of_newest(field: str) -> Subquery:
    """A field of the version that was uploaded last, for a query of documents."""
    versions = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    return Subquery(versions.values(field)[:1])


def has_page_to_check() -> Exists:
    """The condition that a page of the version `newest_id` needs a person."""
    return Exists(Page.objects.filter(PAGES_TO_CHECK, version=OuterRef("newest_id")))


def describe_documents(
    documents: Iterable[Document], *, uses: Mapping[UUID, int] | None = None
) -> list[DocumentRow]:
    """Rows for documents of `list_documents`, in their order, with two queries or a few more.

    `uses` says how many answers cite each; one that none cites may be missing.
    """
    documents = list(documents)
    ids = {document.pk: _newest_id(document) for document in documents}
    versions = DocumentVersion.objects.in_bulk(list(ids.values()))
    to_check, units = _count_pages_to_check(versions), count_units(versions.values())
    return [
        DocumentRow(
            document=document,
            version=version,
            progress=describe_progress(version),
            num_units=units[version.pk],
            pages_to_check=to_check.get(version.pk, 0),
            used=None if uses is None else uses.get(document.pk, 0),
        )
        for document in documents
        if (version := versions.get(ids[document.pk])) is not None
    ]


def _newest_id(document: Document) -> UUID:
    newest: UUID = getattr(document, "newest_id")  # noqa: B009  # annotated by list_documents
    return newest


def describe_document(document: Document) -> DocumentRow:
    """The row of one document."""
    version = DocumentVersion.objects.filter(document=document).order_by("-number")[0]
    return describe_version(document, version)


def describe_version(document: Document, newest: DocumentVersion) -> DocumentRow:
    """The row of a document whose newest version the caller has already read."""
    to_check = _count_pages_to_check([newest.pk]) if newest.pages_done else {}
    return DocumentRow(
        document=document,
        version=newest,
        progress=describe_progress(newest),
        num_units=count_units([newest])[newest.pk],
        pages_to_check=to_check.get(newest.pk, 0),
    )


def _count_pages_to_check(version_ids: Iterable[UUID]) -> dict[UUID, int]:
    """For each version that has any, how many of its pages need a person."""
    pages = Page.objects.filter(PAGES_TO_CHECK, version__in=list(version_ids))
    counted = pages.values("version_id").annotate(count=Count("pk"))
    return {row["version_id"]: row["count"] for row in counted}


def list_versions(document: Document) -> QuerySet[DocumentVersion]:
    """All versions, the newest first."""
    return DocumentVersion.objects.filter(document=document).order_by("-number")


def read_text(version: DocumentVersion) -> DocumentText:
    """The parsed text. Page offsets count characters of it."""
    pages = list(Page.objects.filter(version=version).order_by("number"))
    return DocumentText(version, PAGE_SEPARATOR.join(page.text for page in pages), pages)


def choose_version(document: Document) -> DocumentVersion:
    """The version that people read: the current one, or the newest while none is ready."""
    return document.current or DocumentVersion.objects.filter(document=document).latest("number")


def describe_progress(version: DocumentVersion) -> Progress:
    """How far a version's ingestion has come, and how long the rest takes at its pace so far."""
    now = timezone.now()
    return Progress(
        state=version.state,
        stage=version.stage,
        label=_label(version),
        fraction=_fraction(version),
        pages_done=version.pages_done,
        pages_total=version.pages_total,
        chunks_done=version.chunks_done,
        num_chunks=version.num_chunks,
        seconds_left=_seconds_left(version, now=now),
        reason=version.reason,
    )


def _label(version: DocumentVersion) -> str:
    if version.state == VersionState.PROCESSING:
        return str(Stage(version.stage).label)
    if version.state == VersionState.QUEUED and version.stage == Stage.FETCHING:
        return "Waiting to be fetched"
    return str(VersionState(version.state).label)


def _fraction(version: DocumentVersion) -> float:
    if version.state == VersionState.READY:
        return 1.0
    if version.stage in (Stage.SPLITTING, Stage.EMBEDDING):
        embedded = version.chunks_done / version.num_chunks if version.num_chunks else 0.0
        return READING_SHARE + (1 - READING_SHARE) * min(1.0, embedded)
    if version.pages_total:
        return READING_SHARE * min(1.0, version.pages_done / version.pages_total)
    return 0.0


def _seconds_left(version: DocumentVersion, *, now: dt.datetime) -> int | None:
    if version.state != VersionState.PROCESSING or version.stage_started_at is None:
        return None
    elapsed = (now - version.stage_started_at).total_seconds()
    if version.stage == Stage.EMBEDDING and version.chunks_done:
        left = version.num_chunks - version.chunks_done
        return max(1, round(elapsed / version.chunks_done * left))
    fraction = _fraction(version)
    if version.stage == Stage.READING and fraction > 0 and elapsed > 1:
        return max(1, round(elapsed / fraction * (1 - fraction)))
    return None
