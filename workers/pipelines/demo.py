"""The demo workspace: Plumbline's own handbook, an assistant that has read it, first questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from apps.assistants.models import Assistant
from apps.assistants.services import create_assistant
from apps.core.models import Job
from apps.documents.collections import create_collection
from apps.documents.models import Collection
from apps.documents.services import add_upload
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor

COLLECTION_NAME = "Handbook"
ASSISTANT_NAME = "Handbook assistant"
DESCRIPTION = "Answers questions about Plumbline from its handbook."
QUESTIONS = [
    "Which kinds of files can be read?",
    "What happens when I delete a document?",
    "What may an editor do that a viewer may not?",
    "How long does an invitation work?",
]


def seed_demo(job: Job) -> None:
    """Fill the job's workspace. It keeps what is already there, so it may run again."""
    workspace = Workspace.objects.get(pk=job.workspace_id)
    actor = Actor()
    collection = Collection.objects.filter(
        workspace=workspace, name=COLLECTION_NAME, deleted_at=None
    ).first() or create_collection(
        workspace, name=COLLECTION_NAME, description="How to use Plumbline", actor=actor
    )
    for path in sorted(handbook_folder().iterdir()):
        add_upload(collection, file=_read(path), filename=path.name, actor=actor)
    if not Assistant.objects.filter(workspace=workspace).exists():
        create_assistant(
            workspace,
            name=ASSISTANT_NAME,
            description=DESCRIPTION,
            collections=[collection],
            example_questions=QUESTIONS,
            actor=actor,
        )


def handbook_folder() -> Path:
    """The handbook's files."""
    return Path(settings.BASE_DIR) / "demo" / "handbook"


def _read(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
