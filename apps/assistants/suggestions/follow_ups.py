"""What can be asked next: questions that stand near what an answer cited, and are answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.assistants.suggestions.rules import same_question
from apps.assistants.suggestions.trying import Place, propose_from, try_question
from apps.chunking.models import Chunk

MAX_FOLLOW_UPS = 3
TRIES = 8
REACH = 6
"""Passages before and behind a cited one that are looked at."""


@dataclass(frozen=True, slots=True)
class Cited:
    """Where an answer's citation points: characters of a version's full text."""

    version_id: UUID
    start: int
    end: int


def find_follow_ups(
    cited: Sequence[Cited], *, place: Place, asked: Sequence[str], answer: str
) -> list[str]:
    """Up to three questions, the nearest first. Blocking, and takes as long as their answers.

    `asked` are the questions of the conversation and `answer` what was answered last: neither is
    asked or told again.
    """
    found: list[str] = []
    tries = 0
    for question in _propose_near(cited, place=place):
        if any(same_question(question, other) for other in (*asked, *found)):
            continue
        if tries >= TRIES or len(found) >= MAX_FOLLOW_UPS:
            break
        tries += 1
        finding = try_question(question, place=place)
        if finding is not None and _squeeze(finding.sentence) not in _squeeze(answer):
            found.append(question)
    return found


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _propose_near(cited: Sequence[Cited], *, place: Place) -> Iterator[str]:
    """Proposals of the passages around each citation in turn, the nearest first."""
    waiting = [propose_from(_near(spot, place=place)) for spot in cited]
    while waiting:
        for proposals in list(waiting):
            question = next(proposals, None)
            if question is None:
                waiting.remove(proposals)
            else:
                yield question


def _near(spot: Cited, *, place: Place) -> list[Chunk]:
    """Passages of the cited version that begin near the citation, itself among them."""
    rows = Chunk.objects.filter(workspace_id=place.workspace_id, version_id=spot.version_id)
    behind = rows.filter(start__gte=spot.start).order_by("start")[:REACH]
    before = rows.filter(start__lt=spot.start).order_by("-start")[: REACH + 1]
    return sorted([*before, *behind], key=lambda chunk: abs(chunk.start - spot.start))
