"""Running jobs in the test's own thread, and documents to run them on."""

from __future__ import annotations

from typing import Any

from apps.core.models import JobKind
from apps.documents.collections import create_collection
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.services import UploadOutcome, add_upload
from apps.workspaces.services import Actor
from tests.pdf import write_pdf
from workers.runner import drain

MARKDOWN = (
    b"# Leave\n\nEmployees get 25 days of leave a year.\n\n# Travel\n\nTrains are preferred.\n"
)


def run_all() -> None:
    """Run whatever is due, and what that leads to, until nothing is left."""
    while sum(drain(kind) for kind in JobKind):
        pass


def make_collection(workspace: Any, name: str = "Handbook") -> Collection:
    return create_collection(workspace, name=name, actor=Actor())


def upload(
    collection: Collection, content: bytes = MARKDOWN, name: str = "leave.md"
) -> UploadOutcome:
    return add_upload(collection, file=[content], filename=name, actor=Actor())


def newest(document: Document) -> DocumentVersion:
    return DocumentVersion.objects.filter(document=document).latest("number")


def many_pages(count: int) -> bytes:
    """A PDF with this many pages, each with a sentence of its own."""
    return write_pdf([f"Page {n} speaks of subject {n}." for n in range(1, count + 1)])
