"""The pipeline that answers: rewrite, search, rerank, prompt, generation, checks.

`Answering` is an async iterator of events and keeps no rows: who runs it decides what is stored.
Blocking work (search, the built-in reader) goes through the database pool's threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace

from apps.assistants.answering.citations import (
    Span,
    cited_numbers,
    format_passages,
    locate_support,
    split_claims,
)
from apps.assistants.answering.fitting import Limit, fit_history
from apps.assistants.answering.generation import Generation
from apps.assistants.answering.outcome import (
    CitedPassage,
    Delta,
    Event,
    Outcome,
    Restart,
    Status,
    Turn,
)
from apps.assistants.answering.queries import STEPS, Ask, Queries, plan_queries
from apps.assistants.answering.reranking import make_reranker
from apps.assistants.answering.scope import EVERYWHERE, Scope
from apps.assistants.answering.selection import select_passages
from apps.assistants.answering.step_models import find_step_models
from apps.assistants.answering.told import tell_query_steps, tell_sampling, tell_search
from apps.assistants.recipe import Recipe
from apps.assistants.recipes.sampling import QUERIES
from apps.chunking.table_rows import quote_rows
from apps.core.aio import run_db
from apps.core.embedder import get_embedder
from apps.gateway.models import Endpoint
from apps.prompts.defaults import NOT_FOUND
from apps.prompts.messages import validate_output
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.pipeline import RetrievalRequest, Retrieved, retrieve
from apps.retrieval.search.query import MAX_LIMIT
from apps.traces.recorder import Recorder, SpanRecord
from inference.protocols import Vectors
from inference.reader import CitedSentence, Passage, Reader, ReaderAnswer
from inference.token_estimate import estimate_messages
from inference.types import Sampling

__all__ = ["Answering", "CitedPassage", "Delta", "Event", "Outcome", "Restart", "Status", "Turn"]

SPARE = 4
"""Passages to find for each one that is read, as near copies and long ones are dropped."""
ANSWER_TOKENS = 1024
HISTORY_TURNS = 12
"""Earlier turns that are looked at; what of them is sent, the model's window says."""
READER_TOKENS = 7_000
"""What the built-in reader is given to read at the most."""
READER_MODEL = "built-in reader"
NO_PASSAGES = "(none)"
NEIGHBOURS = 120
"""Characters between two cited sentences up to which they are highlighted as one."""


class Answering:
    """One answer in the making. Iterate it once; `outcome` grows along the way."""

    def __init__(
        self,
        recipe: Recipe,
        *,
        question: str,
        history: Sequence[Turn],
        recorder: Recorder,
        vector: Awaitable[Vectors] | None = None,
        query: str = "",
        has_passages: bool = True,
        instructions: str = "",
        scope: Scope = EVERYWHERE,
    ) -> None:
        """`vector` is the embedded question, where somebody has begun to compute it already.

        `query` is what the person wants searched for instead of what would be. Without
        `has_passages` nothing is searched, to see what the model says by itself. `instructions`
        are those of a calling program; they follow the assistant's own. `scope` narrows the search.
        """
        self._instructions = instructions
        self._scope = scope
        self.recipe = recipe
        self._vector = vector
        self._query = query
        self._has_passages = has_passages
        self.question = question
        self.history = list(history)[-HISTORY_TURNS:]
        self._num_turns = len(history)
        self.recorder = recorder
        self.outcome = Outcome()
        self.passages_ready = asyncio.Event()
        """Set when the passages are there, and at the latest when the answer ends."""
        self._standalone = question
        """The question as it can be understood without the conversation."""
        self._step_models: dict[str, Endpoint] = {}
        """Endpoints that steps of the retrieval ask, by the profile's field."""
        self._hits: list[Hit] = []
        self._spans: dict[int, Span] = {}

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield what happens. Raises inference.errors.ModelError if the model fails."""
        if not self._has_passages:
            with self.recorder.span("rerank", method="none") as span:
                self._fit_history(span)
            async with aclosing(self._answer()) as steps:
                async for event in steps:
                    yield event
            return
        if self.recipe.frozen.profile.needs_model and not self._query:
            yield Status("Finding the right words")
        queries = await self._plan()
        yield Status("Searching the documents")
        result = await self._search(queries)
        self._rerank(result)
        self.passages_ready.set()
        if not self._hits:
            self._decline()
            yield Delta(self.outcome.content)
            return
        yield Status(f"Reading {len(self._hits)} of {result.num_searched} passages")
        async with aclosing(self._answer()) as events:
            async for event in events:
                yield event

    async def _answer(self) -> AsyncGenerator[Event, None]:
        steps = self._generation().events() if self.recipe.endpoint else self._read()
        async with aclosing(steps) as events:
            async for event in events:
                if isinstance(event, Delta):
                    self.outcome.content += event.text
                elif isinstance(event, Restart):
                    self.outcome.content = ""
                yield event
        self._check()

    async def _plan(self) -> Queries:
        recipe, profile = self.recipe, self.recipe.frozen.profile
        with self.recorder.span("rewrite") as span:
            if profile.step_endpoints:
                self._step_models = await run_db(
                    find_step_models, recipe.workspace_id, recipe.frozen
                )
            span.attributes.update(tell_query_steps(profile, self._step_models))
            queries = await plan_queries(
                self.question,
                history=self.history,
                profile=profile,
                ask={step: ask for step in STEPS if (ask := self._ask_for(step))},
                chosen=self._query,
            )
            self._standalone = queries.text
            span.attributes["query"] = queries.text
            for step, text in queries.steps:
                span.attributes.setdefault(f"query.{step}.texts", []).append(text)
            span.attributes["changed"] = queries.differs_from(self.question)
            if queries.also:
                span.attributes["also"] = list(queries.also)
            if queries.note:
                span.attributes["note"] = queries.note
        if queries.differs_from(self.question):
            # Kept with the trace, from where the chat shows it under the answer.
            self.recorder.attributes["query"] = queries.text
            self.recorder.attributes["query.also"] = list(queries.also)
        return queries

    def _ask_for(self, step: str) -> Ask | None:
        """How a step asks its own model or the assistant's; None if there is neither."""
        endpoint = self._step_models.get(f"{step}_endpoint") or self.recipe.endpoint
        if endpoint is None:
            return None
        generation = self._generation(endpoint)
        return lambda name, messages: generation.ask(name, messages, sampling=QUERIES)

    async def _search(self, queries: Queries) -> Retrieved:
        frozen, scope = self.recipe.frozen, self._scope
        with self.recorder.span("search") as span:
            if scope.is_narrow:
                span.attributes["scope"] = self.recorder.attributes["scope"] = scope.label
            request = RetrievalRequest(
                workspace_id=self.recipe.workspace_id,
                collection_ids=scope.narrow(frozen.collection_ids),
                document_ids=scope.document_ids,
                text=queries.text,
                profile=frozen.profile,
                also=queries.also,
                limit=min(frozen.profile.limit * SPARE, MAX_LIMIT),
            )
            is_asked = self._vector is not None and queries.text == self.question
            vector = await self._vector if self._vector and is_asked else None
            reranker = self._step_models.get("rerank_endpoint")
            result = await run_db(_retrieve, request, vector=vector, reranker=reranker)
            span.attributes.update(
                tell_search(frozen.profile, self._step_models)
                | {
                    "retrieval.profile": frozen.profile.describe(),
                    "retrieval.searched": result.num_searched,
                    "retrieval.found": len(result.hits),
                    "retrieval.indexes": [str(index) for index in result.indexes],
                    **{f"timing.{name}_ms": value for name, value in result.timings.items()},
                }
            )
            if result.expanded:
                span.attributes["query.expand.texts"] = [result.expanded]
            if result.problem:
                span.attributes["problem"] = result.problem
        return result

    def _rerank(self, result: Retrieved) -> None:
        """Drop near copies in favour of other passages, keeping the order of the fused score."""
        with self.recorder.span("rerank", method="diversity and token budget") as span:
            self._hits = select_passages(
                result.hits,
                limit=self.recipe.frozen.profile.limit,
                token_budget=self._fit_history(span),
            )
            span.attributes.update({"candidates": len(result.hits), "kept": len(self._hits)})
            self._number_passages()

    def _fit_history(self, span: SpanRecord) -> int:
        """Keep the turns that the model's window holds; tokens that are left for passages."""
        endpoint, frozen = self.recipe.endpoint, self.recipe.frozen
        if endpoint is None:
            return READER_TOKENS
        fit = fit_history(
            self.history,
            window=endpoint.context_tokens,
            answer_tokens=frozen.sampling.max_tokens or ANSWER_TOKENS,
            fixed_tokens=estimate_messages(
                [frozen.spec.all_text, self._instructions, self.question]
            ),
        )
        self.history = list(fit.history)
        if left_out := self._num_turns - len(self.history):
            # The trace and the answer's page say what the model did not get to read.
            span.attributes["history.left_out"] = left_out
            self.recorder.attributes["history.left_out"] = left_out
        span.attributes["passages.room_tokens"] = fit.passage_tokens
        return fit.passage_tokens

    def _number_passages(self) -> None:
        self.outcome.passages = [
            CitedPassage(number, hit, self._spans.get(number))
            for number, hit in enumerate(self._hits, start=1)
        ]

    def _generation(self, endpoint: Endpoint | None = None) -> Generation:
        """With the assistant's own model, or that of a step."""
        return Generation(
            replace(self.recipe, endpoint=endpoint) if endpoint else self.recipe,
            question=self.question,
            history=self.history,
            passages=format_passages([(describe_hit(hit), hit.readable) for hit in self._hits])
            or NO_PASSAGES,
            num_passages=len(self._hits),
            recorder=self.recorder,
            outcome=self.outcome,
            instructions=self._instructions,
        )

    async def _read(self) -> AsyncGenerator[Event, None]:
        """Answer with the built-in reader: literal sentences, each citing its passage."""
        with self.recorder.span("generation", **{"gen_ai.request.model": READER_MODEL}) as span:
            own = self.recipe.frozen.sampling
            followed = Sampling(max_tokens=own.max_tokens, stop=own.stop)
            span.attributes.update(tell_sampling(followed))
            answer = await run_db(_ask_reader, self._standalone, self._hits)
            span.attributes["reader.confidence"] = round(answer.confidence, 3)
        if answer.declined or not answer.sentences:
            self.outcome.is_declined = True
            self.recorder.mark_first_token()
            yield Delta(NOT_FOUND)
            return
        limit = Limit(followed)
        for position, sentence in enumerate(answer.sentences):
            number = sentence.passage_index + 1
            hit = self._hits[sentence.passage_index]
            words = quote_rows(
                hit.text, hit.table_head, sentence.start, sentence.end, heading=hit.heading
            )
            text = f"{' ' if position else ''}{' '.join(words.split())} [{number}]"
            shown = limit.take(text)
            if shown == text:
                self._spans[number] = _widen(self._spans.get(number), sentence)
            if shown:
                self.recorder.mark_first_token()
                yield Delta(shown)
            if limit.reason:
                self.outcome.finish_reason = limit.reason
                return

    def _decline(self) -> None:
        self.outcome.content = NOT_FOUND
        self.outcome.is_declined = True
        self.recorder.mark_first_token()

    def _check(self) -> None:
        """Point each citation at the sentences that support it, and note a refusal."""
        with self.recorder.span("checks") as span:
            numbers = cited_numbers(self.outcome.content, num_passages=len(self._hits))
            if not numbers and NOT_FOUND.rstrip(".").lower() in self.outcome.content.lower():
                self.outcome.is_declined = True
            if self.recipe.endpoint is not None:
                self._locate_citations()
            if self.outcome.is_refused:
                self.outcome.is_declined = True
            if self.outcome.reasoning:
                self.recorder.attributes["reasoning"] = self.outcome.reasoning
            supports = [span.support for span in self._spans.values()]
            span.attributes["citations"] = len(numbers)
            span.attributes["declined"] = self.outcome.is_declined
            if not self.outcome.is_declined and self.recipe.endpoint is not None:
                self._check_form(span)
            if supports:
                span.attributes["citations.support"] = round(sum(supports) / len(supports), 3)
            self._number_passages()

    def _check_form(self, span: SpanRecord) -> None:
        """Note whether an answer that should be JSON parses and fits its schema."""
        spec = self.recipe.frozen.spec
        if spec.output == "json":
            fault = validate_output(spec, self.outcome.content)
            span.attributes["output.valid"] = not fault
            if fault:
                span.attributes["output.fault"] = fault

    def _locate_citations(self) -> None:
        for claim in split_claims(self.outcome.content):
            # Lists in JSON answers look like citations that were never filtered.
            for number in set(claim.numbers) & set(range(1, len(self._hits) + 1)):
                span = locate_support(claim.text, self._hits[number - 1].text)
                known = self._spans.get(number)
                if known is None or span.support > known.support:
                    self._spans[number] = span


def _widen(known: Span | None, sentence: CitedSentence) -> Span:
    """Merge adjacent sentences into one highlight; of distant ones, keep the first."""
    if known is None:
        return Span(sentence.start, sentence.end, 1.0)
    gap = max(sentence.start - known.end, known.start - sentence.end)
    if gap > NEIGHBOURS:
        return known
    return Span(min(known.start, sentence.start), max(known.end, sentence.end), 1.0)


def describe_hit(hit: Hit) -> str:
    return f"{hit.document_name} > {hit.heading}" if hit.heading else hit.document_name


def _retrieve(
    request: RetrievalRequest, *, vector: Vectors | None, reranker: Endpoint | None
) -> Retrieved:
    return retrieve(request, vector=vector, reranker=make_reranker(reranker))


def _ask_reader(question: str, hits: Sequence[Hit]) -> ReaderAnswer:
    passages = [
        Passage(id=str(hit.chunk_id), text=hit.text, title=describe_hit(hit), score=hit.score)
        for hit in hits
    ]
    return Reader(get_embedder()).answer(question, passages)
