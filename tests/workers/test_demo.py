from __future__ import annotations

from typing import Any

import pytest

from apps.assistants.models import Assistant
from apps.core.jobs import enqueue
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, Document, DocumentVersion, VersionState
from tests.workers.helpers import run_all
from workers.pipelines.demo import QUESTIONS, handbook_folder

pytestmark = pytest.mark.django_db(transaction=True)


def seed(workspace: Any) -> None:
    enqueue(JobKind.SEED_DEMO, workspace_id=workspace.pk, key=str(workspace.pk), payload={})
    run_all()


def test_the_demo_can_be_asked_when_it_is_seeded(workspace: Any) -> None:
    seed(workspace)
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.SUCCEEDED}
    states = DocumentVersion.objects.values_list("state", flat=True)
    assert set(states) == {VersionState.READY}
    assert len(states) == len(list(handbook_folder().iterdir())) >= 5
    assistant = Assistant.objects.get()
    assert assistant.example_questions == QUESTIONS
    assert assistant.current is not None
    assert list(assistant.current.collections.all()) == [Collection.objects.get()]


def test_seeding_again_adds_nothing(workspace: Any) -> None:
    seed(workspace)
    first = set(Document.objects.values_list("pk", flat=True))
    seed(workspace)
    assert set(Document.objects.values_list("pk", flat=True)) == first
    assert Assistant.objects.count() == 1
