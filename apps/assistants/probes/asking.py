"""Asking the cases of a probe. Keeps no rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from apps.assistants.answering.citations import format_passages
from apps.assistants.answering.pipeline import Answering
from apps.assistants.recipe import Recipe
from apps.core.aio import run_db
from apps.core.embedder import get_embedder
from apps.gateway.clients import make_client
from apps.gateway.models import Endpoint
from apps.prompts.messages import compose_messages
from apps.prompts.services import DEFAULT_SPEC
from apps.retrieval.search.pipeline import Retrieved
from apps.traces.recorder import Recorder
from inference.reader import Passage, Reader
from inference.types import Sampling

TITLE = "Travel notes"
NEEDLE_SAMPLING = Sampling(temperature=0.0, max_tokens=200)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer; `input_tokens` as the server counted them, None where it did not."""

    text: str
    is_declined: bool = False
    input_tokens: int | None = None


class BackwardsAnswering(Answering):
    """Reads the very same passages from the last to the first."""

    def _rerank(self, result: Retrieved) -> None:
        super()._rerank(result)
        self._hits.reverse()
        self._number_passages()


async def ask_assistant(recipe: Recipe, question: str, *, backwards: bool = False) -> Said:
    """The whole pipeline, as in chat. Raises inference.errors.ModelError."""
    kind = BackwardsAnswering if backwards else Answering
    answering = kind(recipe, question=question, history=(), recorder=Recorder("probe"))
    async with aclosing(answering.events()) as events:
        async for _ in events:
            pass
    return Said(answering.outcome.content, answering.outcome.is_declined)


async def ask_about(endpoint: Endpoint | None, paragraphs: Sequence[str], question: str) -> Said:
    """A question about given paragraphs, to a model or the built-in reader (None)."""
    if endpoint is None:
        return await run_db(_ask_reader, paragraphs, question)
    passages = format_passages([(TITLE, paragraph) for paragraph in paragraphs])
    messages = compose_messages(DEFAULT_SPEC, {"passages": passages, "question": question})
    pieces: list[str] = []
    tokens: int | None = None
    stream = make_client(endpoint).stream(messages, sampling=NEEDLE_SAMPLING)
    async with aclosing(stream) as deltas:
        async for delta in deltas:
            pieces.append(delta.text)
            tokens = delta.usage.input_tokens if delta.usage else tokens
    return Said("".join(pieces), input_tokens=tokens)


def _ask_reader(paragraphs: Sequence[str], question: str) -> Said:
    passages = [Passage(str(n), text, TITLE) for n, text in enumerate(paragraphs)]
    answer = Reader(get_embedder()).answer(question, passages)
    return Said(" ".join(sentence.text for sentence in answer.sentences), answer.declined)


def measure_similarity(first: str, second: str) -> float:
    """Cosine of the two answers' vectors, from -1 to 1; 1 for the same text."""
    if first.strip() == second.strip():
        return 1.0
    a, b = get_embedder().encode([first or " ", second or " "])
    return float(a @ b)
