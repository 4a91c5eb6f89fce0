"""What would distort results: duplicate questions, and questions that a prompt gives away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.datasets.conflicts import Conflict, find_conflicts
from apps.datasets.likeness import find_across, find_pairs, group
from apps.datasets.models import DatasetVersion, Example, ReviewState
from apps.prompts.models import PromptVersion

MAX_CHECKED = 5_000
MAX_PROMPTS = 200
MAX_SHOWN = 200
"""Pairs with one question and two expected answers that are listed."""


@dataclass(frozen=True, slots=True)
class Leak:
    """An example whose question a prompt shows the model, with its answer, as a worked example."""

    example: Example
    prompt: PromptVersion
    shown: str
    similarity: float


@dataclass(frozen=True, slots=True)
class DatasetCheck:
    """Groups of examples that ask nearly the same, leaks and contradictions.

    `num_checked` of `num_all` examples were compared; `conflicts` are the first MAX_SHOWN pairs.
    """

    groups: tuple[tuple[Example, ...], ...]
    leaks: tuple[Leak, ...]
    num_checked: int
    num_all: int
    conflicts: tuple[Conflict, ...] = ()
    num_conflicts: int = 0

    @property
    def num_spare(self) -> int:
        """How many examples are superfluous duplicates."""
        return sum(len(members) - 1 for members in self.groups)


def check_version(version: DatasetVersion) -> DatasetCheck:
    """Compare the version's questions with each other and with the prompts' worked examples.

    Rejected examples do not count. Takes about a second for thousands of examples.
    """
    rows = version.examples.exclude(state=ReviewState.REJECTED).order_by("position", "pk")
    examples = list(rows[:MAX_CHECKED])
    questions = [example.question for example in examples]
    groups = tuple(
        tuple(examples[position] for position in members)
        for members in group(find_pairs(questions))
    )
    leaks = tuple(_find_leaks(version.workspace_id, examples, questions))
    conflicts = find_conflicts(examples)
    return DatasetCheck(
        groups,
        leaks,
        num_checked=len(examples),
        num_all=rows.count(),
        conflicts=tuple(conflicts[:MAX_SHOWN]),
        num_conflicts=len(conflicts),
    )


def _find_leaks(
    workspace_id: UUID, examples: Sequence[Example], questions: Sequence[str]
) -> list[Leak]:
    """For each example, the most similar worked example."""
    shots = [
        (version, shot.question)
        for version in PromptVersion.objects.filter(workspace_id=workspace_id)
        .select_related("prompt")
        .exclude(parts={})
        .order_by("-created_at")[:MAX_PROMPTS]
        for shot in version.spec.examples
    ]
    nearest: dict[int, Leak] = {}
    for pair in find_across(questions, [text for _, text in shots]):
        prompt, shown = shots[pair.second]
        nearest.setdefault(pair.first, Leak(examples[pair.first], prompt, shown, pair.similarity))
    return list(nearest.values())
