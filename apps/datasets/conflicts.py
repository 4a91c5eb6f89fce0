"""Finds the same question with different expected answers. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from apps.datasets.models import Example

MAX_ANSWERS = 20
"""Different answers to one question that are compared pair by pair."""
_NO_WORD = re.compile(r"\W+")
_END = re.compile(r"[\s.!?;:]+$")
DECLINES = frozenset({None})
"""What is expected where the documents do not tell."""

Accepted = frozenset[str | None]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two examples with one question, whose expected answers have nothing in common."""

    first: Example
    second: Example

    @property
    def sides(self) -> tuple[Example, Example]:
        return self.first, self.second


def normalise_question(text: str) -> str:
    """Without case, punctuation and repeated spaces; a text of signs alone stays as it is."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _NO_WORD.sub(" ", plain).strip() or plain.strip()


def find_conflicts(examples: Sequence[Example]) -> list[Conflict]:
    """Pairs of examples with the same question and different expected answers, in order.

    Of several examples with the same answer, the first stands for all. The context and the turns
    before belong to the question. Examples that expect nothing yet contradict nobody.
    """
    groups: dict[tuple[str, ...], list[tuple[Example, Accepted]]] = defaultdict(list)
    for example in examples:
        accepted = _accepted(example)
        members = groups[_question(example)]
        if accepted and len(members) < MAX_ANSWERS and all(accepted != own for _, own in members):
            members.append((example, accepted))
    return [
        Conflict(first, second)
        for members in groups.values()
        for (first, ours), (second, theirs) in combinations(members, 2)
        if not ours & theirs
    ]


def _question(example: Example) -> tuple[str, ...]:
    before = (text for turn in example.history for text in (turn["question"], turn["answer"]))
    texts = (example.question, example.context, *before)
    return tuple(normalise_question(text) for text in texts)


def _accepted(example: Example) -> Accepted:
    """Every wording that counts as right. Signs stay, because 5 % is not 5 and -5 not 5."""
    if not example.is_answerable:
        return DECLINES
    texts = [example.expected_answer, *example.other_answers]
    return frozenset(_normalise_answer(text) for text in texts if text.strip())


def _normalise_answer(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _END.sub("", " ".join(plain.split()))
