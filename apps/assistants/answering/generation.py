"""The model's part of an answer: the chain of a prompt, notes, a critique, the answer itself.

Each call is a span of the trace with its tokens. Only the last one is streamed to the reader: what
comes before it is work, and is told in a quiet line.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from apps.assistants.answering.citations import CitationFilter
from apps.assistants.answering.outcome import Delta, Event, Outcome, Status, Turn
from apps.assistants.answering.selection import CHARS_PER_TOKEN
from apps.assistants.recipe import Recipe
from apps.gateway.clients import make_client
from apps.gateway.services import compute_cost
from apps.prompts.messages import (
    ask_for_critique,
    ask_for_notes,
    ask_for_revision,
    compose_messages,
    compose_step,
    is_faultless,
)
from apps.traces.recorder import Recorder, SpanRecord
from inference.types import ChatMessage, Sampling, Usage

KEPT_OUTPUT = 8_000
"""Characters of an intermediate output that its span keeps."""
STEP_SPAN = "step:"


class Generation:
    """Asks the recipe's endpoint as its prompt prescribes; `outcome` collects tokens and cost."""

    def __init__(
        self,
        recipe: Recipe,
        *,
        question: str,
        history: Sequence[Turn],
        passages: str,
        num_passages: int,
        recorder: Recorder,
        outcome: Outcome,
    ) -> None:
        assert recipe.endpoint is not None
        self._recipe, self._endpoint = recipe, recipe.endpoint
        self._spec = recipe.frozen.spec
        self._history = [(turn.question, turn.answer) for turn in history]
        self._variables = {"passages": passages, "question": question}
        self._num_passages = num_passages
        self._recorder, self._outcome = recorder, outcome

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield what happens, and the answer as it comes. Raises inference.errors.ModelError."""
        for step in self._spec.steps:
            yield Status(f"Working on “{step.name}”")
            request = compose_step(self._spec, step, self._variables)
            self._variables[step.name] = await self.ask(f"{STEP_SPAN}{step.name}", request)
        messages = self._compose()
        if self._spec.has_notes:
            yield Status("Thinking it through")
            notes = await self.ask("notes", ask_for_notes(messages))
            messages = self._compose(notes)
        if self._spec.has_critique:
            yield Status("Writing a draft")
            draft = await self.ask("draft", messages, sampling=self._answer_sampling())
            yield Status("Checking the draft")
            critique = await self.ask("critique", ask_for_critique(messages, draft))
            if is_faultless(critique):
                yield self._publish(draft)
                return
            yield Status("Improving the draft")
            messages = ask_for_revision(messages, draft, critique)
        async with aclosing(self._stream(messages)) as deltas:
            async for delta in deltas:
                yield delta

    def _compose(self, notes: str = "") -> list[ChatMessage]:
        with self._recorder.span("prompt") as span:
            messages = compose_messages(
                self._spec, self._variables, history=self._history, notes=notes
            )
            span.attributes["prompt.version"] = self._recipe.frozen.prompt_label
            span.attributes["prompt.characters"] = sum(len(m.content) for m in messages)
        return messages

    def _answer_sampling(self) -> Sampling:
        """Sampling of the answer itself, held to its JSON Schema where the server supports that."""
        sampling, schema = self._recipe.frozen.sampling, self._spec.schema
        if schema is None or schema.get("type") != "object":
            return sampling
        return replace(sampling, response_schema=schema)

    async def ask(
        self, name: str, messages: Sequence[ChatMessage], *, sampling: Sampling | None = None
    ) -> str:
        """A call whose output the reader does not see. Raises inference.errors.ModelError."""
        pieces = []
        chosen = sampling or self._recipe.frozen.sampling
        with self._recorder.span(name, **self._attributes()) as span:
            async with aclosing(self._call(messages, span, chosen)) as texts:
                async for text in texts:
                    pieces.append(text)
            output = "".join(pieces).strip()
            span.attributes["output"] = output[:KEPT_OUTPUT]
        return output

    async def _stream(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[Delta, None]:
        """The answer, its citations cleaned on the way."""
        citations = CitationFilter(self._num_passages)
        sampling = self._answer_sampling()
        with self._recorder.span("generation", **self._attributes()) as span:
            async with aclosing(self._call(messages, span, sampling)) as texts:
                async for text in texts:
                    # In JSON, a number in brackets is a list, not a citation.
                    shown = text if self._spec.output == "json" else citations.feed(text)
                    if shown:
                        self._recorder.mark_first_token()
                        yield Delta(shown)
            if rest := citations.finish():
                yield Delta(rest)
            span.attributes["citations.dropped"] = citations.num_dropped

    def _publish(self, draft: str) -> Delta:
        """Make a draft without faults the answer."""
        citations = CitationFilter(self._num_passages)
        shown = citations.feed(draft) + citations.finish()
        if self._spec.output == "json":
            shown = draft
        self._recorder.mark_first_token()
        return Delta(shown)

    async def _call(
        self, messages: Sequence[ChatMessage], span: SpanRecord, sampling: Sampling
    ) -> AsyncGenerator[str, None]:
        usage: Usage | None = None
        written = 0
        client = make_client(self._endpoint)
        stream = client.stream(messages, sampling=sampling)
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                usage = delta.usage or usage
                if delta.finish_reason:
                    span.attributes["gen_ai.response.finish_reasons"] = [delta.finish_reason]
                if delta.text:
                    written += len(delta.text)
                    yield delta.text
        self._count(usage or self._estimate(messages, written), span)

    def _attributes(self) -> dict[str, str]:
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": self._endpoint.model,
            "server.address": self._endpoint.base_url,
        }

    def _estimate(self, messages: Sequence[ChatMessage], written: int) -> Usage:
        """Estimate tokens from characters, marked as estimated, where a server reports no usage."""
        self._recorder.attributes["usage.estimated"] = True
        read = sum(len(message.content) for message in messages)
        return Usage(int(read / CHARS_PER_TOKEN), int(written / CHARS_PER_TOKEN))

    def _count(self, usage: Usage, span: SpanRecord) -> None:
        """Add one call's tokens and cost to the answer's."""
        span.attributes["gen_ai.usage.input_tokens"] = usage.input_tokens
        span.attributes["gen_ai.usage.output_tokens"] = usage.output_tokens
        before = self._outcome.usage
        self._outcome.usage = Usage(
            before.input_tokens + usage.input_tokens, before.output_tokens + usage.output_tokens
        )
        self._outcome.cost += compute_cost(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            input_price=self._endpoint.input_price,
            output_price=self._endpoint.output_price,
        )
