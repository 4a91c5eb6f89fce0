"""Queries: what is searched for instead of, and besides, the person's own words.

By a model where the profile says so and the release has one, by transparent rules otherwise. What
came of it is shown under the answer, where it can be corrected.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.assistants.answering.outcome import Turn
from apps.assistants.answering.rewriting import rewrite_question
from apps.retrieval.search.profiles import QueryTransform, RetrievalProfile
from inference.errors import ModelError
from inference.types import ChatMessage

Ask = Callable[[str, Sequence[ChatMessage]], Awaitable[str]]
"""Asks a model something for a purpose that names the span; may raise ModelError."""
STEPS = ("rewrite", "decompose", "expand", "hyde")

MAX_PARTS = 4
MAX_CHARS = 600
_REWRITE = (
    "Rewrite the last question of this conversation so that it can be understood, and searched "
    "for, without the conversation. Keep its language and its names. Answer with the question "
    "alone."
)
_DECOMPOSE = (
    "To answer the question, which simpler questions would one look up? Answer with a JSON list "
    'of at most four strings in the language of the question, such as ["...", "..."]. If it is '
    "simple already, answer []."
)
_EXPAND = (
    "Which other words would a document use that answers this question: synonyms, technical "
    "terms, spelled-out abbreviations? Answer with at most eight of them on one line, separated "
    "by spaces, in the language of the question."
)
_IMAGINE = (
    "Write the passage of two or three sentences, as it might stand in a handbook, that answers "
    "the question. It is used to search by meaning, so style matters and facts do not."
)


@dataclass(frozen=True, slots=True)
class Queries:
    """What to search for: `text`, and `also` beside it; `note` says what did not work.

    `steps` are pairs of a step and a text that it led to.
    """

    text: str
    also: tuple[str, ...] = ()
    note: str = ""
    steps: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def differs_from(self, question: str) -> bool:
        return self.text != question or bool(self.also)


async def plan_queries(
    question: str,
    *,
    history: Sequence[Turn],
    profile: RetrievalProfile,
    ask: Ask | Mapping[str, Ask] | None = None,
    chosen: str = "",
) -> Queries:
    """What to search for. A query that the person has `chosen` is taken as it is.

    `ask` is for all steps, or for each by its name; what has none is done by rules. If a model
    fails, its part is skipped and the answer is still made.
    """
    if chosen:
        return Queries(chosen)
    planner = _Planner(ask if isinstance(ask, Mapping) else dict.fromkeys(STEPS, ask))
    text = await planner.rewrite(profile.rewrite, question, history)
    jobs = {
        "decompose": planner.decompose(profile.decompose, text),
        "expand": planner.expand(profile.expand, text),
    }
    if profile.hyde:
        jobs["hyde"] = planner.imagine(text)
    parts = await asyncio.gather(*jobs.values())
    steps = [(step, also) for step, texts in zip(jobs, parts, strict=True) for also in texts]
    also = tuple(dict.fromkeys(one for _, one in steps if one != text))
    if text != question:
        steps.insert(0, ("rewrite", text))
    return Queries(text, also, planner.note, tuple(steps))


class _Planner:
    def __init__(self, asks: Mapping[str, Ask | None]) -> None:
        self._asks = asks
        self.note = ""

    async def rewrite(
        self, transform: QueryTransform, question: str, history: Sequence[Turn]
    ) -> str:
        if transform == "off" or not history:
            return question
        if transform == "model":
            turns = "\n".join(f"Q: {turn.question}\nA: {turn.answer[:400]}" for turn in history)
            said = await self._ask("rewrite", "query:rewrite", _REWRITE, f"{turns}\nQ: {question}")
            if said:
                return said
        return rewrite_question(question, [turn.question for turn in history])

    async def decompose(self, transform: QueryTransform, text: str) -> list[str]:
        if transform == "model":
            said = await self._ask("decompose", "query:parts", _DECOMPOSE, text)
            if said:
                return read_list(said)
        return [] if transform == "off" else split_question(text)

    async def expand(self, transform: QueryTransform, text: str) -> list[str]:
        """By rules, words are added after a first search: see `retrieval.feedback`."""
        if transform != "model":
            return []
        words = await self._ask("expand", "query:words", _EXPAND, text)
        return [f"{text} {words}"] if words else []

    async def imagine(self, text: str) -> list[str]:
        passage = await self._ask("hyde", "query:passage", _IMAGINE, text)
        return [passage] if passage else []

    async def _ask(self, step: str, name: str, task: str, text: str) -> str:
        """The model's words on one line; "" where there is no model or it fails."""
        ask = self._asks.get(step)
        if ask is None:
            return ""
        try:
            said = await ask(name, [ChatMessage("system", task), ChatMessage("user", text)])
        except ModelError as error:
            self.note = f"The model did not help with the search: {error.message}"
            return ""
        return " ".join(said.split())[:MAX_CHARS]


def read_list(said: str) -> list[str]:
    """The texts of the first JSON list in what a model said; none if there is no such list."""
    start, end = said.find("["), said.rfind("]")
    try:
        items = json.loads(said[start : end + 1]) if 0 <= start < end else []
    except ValueError:
        return []
    texts = [item.strip() for item in items if isinstance(item, str) and item.strip()]
    return texts[:MAX_PARTS]


_SENTENCE = re.compile(r"[^?？]+[?？]")
_AND = re.compile(
    r"(?:,\s*)?\b(?:and|und|et|y)\s+"
    r"(?=(?:what|who|when|where|why|which|how|is|are|does|do|can|was|wie|was|wer|wann|wo)\b)",
    re.IGNORECASE,
)
_EITHER = re.compile(
    r"^(?P<ask>.+?)[,:]\s*(?P<one>[^,?]{2,80}?)\s+or\s+(?P<two>[^,?]{2,80})\?*$", re.IGNORECASE
)
_BETWEEN = re.compile(
    r"\b(?:between|compare)\s+(?P<one>[^,?]{2,80}?)\s+(?:and|with|to)\s+(?P<two>[^,?]{2,80})\??$",
    re.IGNORECASE,
)


def split_question(text: str) -> list[str]:
    """The parts of a question that asks for several things; none if it asks for one.

    Several sentences with a question mark, two questions joined by "and", a choice ("Which is
    older, A or B?"), and a comparison ("the difference between A and B").
    """
    sentences = [part.strip() for part in _SENTENCE.findall(text)]
    if len(sentences) > 1:
        return sentences[:MAX_PARTS]
    parts = [part.strip(" ,?") for part in _AND.split(text)]
    if len(parts) > 1 and all(len(part.split()) >= 3 for part in parts):
        return parts[:MAX_PARTS]
    if match := _EITHER.match(text.strip()):
        return [f"{match['ask']} {match[name].strip()}" for name in ("one", "two")]
    if match := _BETWEEN.search(text.strip()):
        return [match[name].strip() for name in ("one", "two")]
    return []
