"""The first steps of a workspace, each ticked by what is really there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, Model, QuerySet
from django.urls import reverse

from apps.assistants.models import Assistant
from apps.chat.models import Message, RetrievedPassage
from apps.datasets.models import Dataset, DatasetVersion, Example, ReviewState
from apps.documents.models import (
    OPEN_STATES,
    Collection,
    Document,
    DocumentVersion,
    VersionState,
)
from apps.evaluation.models import Experiment, ExperimentState, GateRule
from apps.feedback.models import Feedback
from apps.workspaces.models import Membership, Role, User, Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist. `is_next`: the first one that is not done."""

    key: str
    title: str
    why: str
    is_done: bool
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """All steps in order."""

    steps: Sequence[Step]

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def is_complete(self) -> bool:
        return self.done == self.total

    @property
    def next(self) -> Step | None:
        return next((step for step in self.steps if step.is_next), None)


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the files are that were dropped: all, still open, failed."""

    total: int
    open: int
    failed: int

    @property
    def ended(self) -> int:
        return self.total - self.open


STEPS = (
    ("collection", "Name a collection", "A set of documents that belong together."),
    ("documents", "Add documents", "They can be searched a few seconds after they arrive."),
    ("assistant", "Create an assistant", "It answers from the collections that you give it."),
    ("question", "Ask a question", "One that you know the answer to is the best test."),
    ("source", "See the source", "Each number in an answer opens the sentence that it rests on."),
    ("rating", "Rate an answer", "A thumb says what to keep; with a correction, what to change."),
    ("dataset", "Gather questions", "A frozen dataset asks every release the same questions."),
    ("experiment", "Evaluate", "An experiment shows how good the answers are, and where not."),
    ("gate", "Set a gate", "A gate refuses a release that answers worse than the one before."),
)


def _facts(workspace_id: UUID) -> dict[str, QuerySet[Model]]:
    """For each step the rows of which one is enough."""
    collections = Collection.objects.filter(workspace_id=workspace_id, deleted_at=None)
    messages = Message.objects.filter(workspace_id=workspace_id)
    rows: dict[str, QuerySet[Model]] = {
        "collection": collections,
        "documents": _documents(workspace_id).filter(current__isnull=False),
        "assistant": Assistant.objects.filter(workspace_id=workspace_id),
        "question": messages.filter(author=Message.Author.USER),
        "source": RetrievedPassage.objects.filter(workspace_id=workspace_id, is_cited=True),
        "rating": Feedback.objects.filter(workspace_id=workspace_id),
        "dataset": DatasetVersion.objects.filter(
            workspace_id=workspace_id, number__gt=DatasetVersion.DRAFT
        ),
        "experiment": Experiment.objects.filter(
            workspace_id=workspace_id, state=ExperimentState.DONE
        ),
        "gate": GateRule.objects.filter(workspace_id=workspace_id),
    }
    return rows


def _documents(workspace_id: UUID) -> QuerySet[Document]:
    """Those of shared collections; attached files lead nobody on."""
    return Document.objects.filter(
        workspace_id=workspace_id,
        deleted_at=None,
        collection__is_private=False,
        collection__deleted_at=None,
    )


def find_first_steps(workspace_id: UUID) -> FirstSteps:
    """What has been done in a workspace and what comes next; one statement."""
    facts = {key: Exists(rows) for key, rows in _facts(workspace_id).items()}
    done: Any = Workspace.objects.filter(pk=workspace_id).values(**facts).get()
    following = next((key for key, _, _ in STEPS if not done[key]), None)
    return FirstSteps(
        [Step(key, title, why, done[key], key == following) for key, title, why in STEPS]
    )


def find_open_steps(membership: Membership) -> FirstSteps | None:
    """The steps of somebody who is to be led: None where they are done, put away or not theirs."""
    if (
        not membership.has_role(Role.EDITOR)
        or membership.steps_dismissed_at is not None
        or membership.workspace.is_demo
    ):
        return None
    steps = find_first_steps(membership.workspace_id)
    return None if steps.is_complete else steps


def choose_start_page(membership: Membership) -> str:
    """The address that a workspace opens on: its first steps while there are some to take."""
    view = "guide:start" if find_open_steps(membership) else "assistants:list"
    return reverse(view, args=[membership.workspace.slug])


def measure_reading(workspace_id: UUID) -> Reading:
    """The newest versions of all documents that can be searched by nobody yet, and the others."""
    states = list(
        DocumentVersion.objects.filter(document__in=_documents(workspace_id))
        .order_by("document_id", "-number")
        .distinct("document_id")
        .values_list("state", flat=True)
    )
    return Reading(
        total=len(states),
        open=sum(state in OPEN_STATES for state in states),
        failed=states.count(VersionState.FAILED),
    )


def find_first_collection(workspace_id: UUID) -> Collection | None:
    """Where files are dropped: the collection that was made first."""
    collections = Collection.objects.filter(workspace_id=workspace_id, deleted_at=None)
    return collections.order_by("created_at", "pk").first()


def find_first_assistant(workspace_id: UUID) -> Assistant | None:
    """The assistant that is asked and measured: the one that was made first."""
    return Assistant.objects.filter(workspace_id=workspace_id).order_by("created_at", "pk").first()


def find_own_answer(workspace_id: UUID, user: User) -> Message | None:
    """The person's latest answer that cites a passage, else their latest one."""
    answers = Message.objects.filter(
        workspace_id=workspace_id,
        author=Message.Author.ASSISTANT,
        conversation__user=user,
        replaced=False,
    ).order_by("-created_at", "-pk")
    return answers.filter(passages__is_cited=True).first() or answers.first()


def find_draft(workspace_id: UUID) -> tuple[Dataset, int] | None:
    """The dataset to freeze, with the number of its accepted examples: the one made first."""
    dataset = Dataset.objects.filter(workspace_id=workspace_id).order_by("created_at", "pk").first()
    if dataset is None:
        return None
    accepted = Example.objects.filter(
        version__dataset=dataset,
        version__number=DatasetVersion.DRAFT,
        state=ReviewState.ACCEPTED,
    )
    return dataset, accepted.count()


def find_only_collection(workspace_id: UUID) -> Collection | None:
    """The workspace's collection where it has exactly one."""
    rows = list(Collection.objects.filter(workspace_id=workspace_id, deleted_at=None)[:2])
    return rows[0] if len(rows) == 1 else None
