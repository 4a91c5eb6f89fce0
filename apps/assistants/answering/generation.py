"""The model's part of an answer: the chain of a prompt, notes, a critique, the answer itself.

Each call is a span of the trace with its tokens. Only the last one is streamed to the reader: what
comes before it is work, and is told in a quiet line.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from apps.assistants.answering.citations import CitationFilter, asks_for_parentheses
from apps.assistants.answering.outcome import Delta, Event, Outcome, Restart, Status, Turn
from apps.assistants.answering.told import tell_sampling
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
from inference.errors import ModelError
from inference.openai.wire import make_error
from inference.token_estimate import estimate_messages, estimate_tokens
from inference.types import ChatDelta, ChatMessage, Sampling, Usage

KEPT_OUTPUT = 8_000
"""Characters of an intermediate output, or of reasoning, that a span keeps."""
STEP_SPAN = "step:"
BROKEN_REASONS = frozenset({"error", "abort", "aborted", "cancelled"})
"""Reasons of servers that went wrong while they answered."""


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
        instructions: str = "",
    ) -> None:
        assert recipe.endpoint is not None
        self._recipe, self._endpoint = recipe, recipe.endpoint
        self._spec = recipe.frozen.spec
        self._history = [(turn.question, turn.answer) for turn in history]
        self._variables = {"passages": passages, "question": question}
        self._num_passages = num_passages
        self._instructions = instructions
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
            if not draft:
                raise _explain_silence(self._outcome)
            yield Status("Checking the draft")
            critique = await self.ask("critique", ask_for_critique(messages, draft))
            if is_faultless(critique):
                yield self._publish(draft)
                return
            yield Status("Improving the draft")
            messages = ask_for_revision(messages, draft, critique)
        async with aclosing(self._stream(messages)) as events:
            async for event in events:
                yield event

    def _compose(self, notes: str = "") -> list[ChatMessage]:
        with self._recorder.span("prompt") as span:
            messages = compose_messages(
                self._spec,
                self._variables,
                history=self._history,
                notes=notes,
                instructions=self._instructions,
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
        pieces: list[str] = []
        chosen = sampling or self._recipe.frozen.sampling
        with self._recorder.span(name, **self._attributes()) as span:
            async with aclosing(self._call(messages, span, chosen)) as deltas:
                async for delta in deltas:
                    if delta.restart:
                        pieces.clear()
                    pieces.append(delta.text)
            output = "".join(pieces).strip()
            span.attributes["output"] = output[:KEPT_OUTPUT]
        return output

    async def _stream(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[Event, None]:
        """The answer, its citations cleaned on the way. Raises ModelError where there is none."""
        citations = self._new_filter()
        sampling = self._answer_sampling()
        outcome, is_silent = self._outcome, True
        with self._recorder.span("generation", **self._attributes()) as span:
            async with aclosing(self._call(messages, span, sampling)) as deltas:
                async for delta in deltas:
                    if delta.restart:
                        citations, is_silent = self._new_filter(), True
                        yield Restart()
                    outcome.reasoning = (outcome.reasoning + delta.reasoning)[:KEPT_OUTPUT]
                    shown = self._clean(citations, delta.text)
                    if shown and not (is_silent and not shown.strip()):
                        is_silent = False
                        self._recorder.mark_first_token()
                        yield Delta(shown)
            if rest := citations.finish():
                is_silent = is_silent and not rest.strip()
                yield Delta(rest)
            span.attributes["citations.dropped"] = citations.num_dropped
            if is_silent or span.attributes.get("refusal"):
                yield self._refuse(span, is_silent=is_silent)
            if outcome.finish_reason in BROKEN_REASONS:
                raise make_error("interrupted")

    def _new_filter(self) -> CitationFilter:
        prompt = f"{self._spec.system}\n{self._spec.user}"
        return CitationFilter(self._num_passages, parentheses=asks_for_parentheses(prompt))

    def _clean(self, citations: CitationFilter, text: str) -> str:
        """In JSON a number in brackets is a list and no citation."""
        return text if self._spec.output == "json" else citations.feed(text)

    def _refuse(self, span: SpanRecord, *, is_silent: bool) -> Delta:
        """A refusal in its own field is the answer; raises ModelError where nothing was said."""
        refusal = str(span.attributes.get("refusal", ""))
        if not refusal.strip():
            raise _explain_silence(self._outcome, calls_tool=bool(span.attributes.get("tool")))
        self._outcome.is_refused = True
        self._recorder.mark_first_token()
        return Delta(refusal if is_silent else f"\n\n{refusal}")

    def _publish(self, draft: str) -> Delta:
        """A draft that no fault was found with is the answer."""
        citations = self._new_filter()
        shown = self._clean(citations, draft) + citations.finish()
        self._recorder.mark_first_token()
        return Delta(shown)

    async def _call(
        self, messages: Sequence[ChatMessage], span: SpanRecord, sampling: Sampling
    ) -> AsyncGenerator[ChatDelta, None]:
        span.attributes.update(tell_sampling(sampling))
        usage: Usage | None = None
        written: list[str] = []
        client = make_client(self._endpoint)
        stream = client.stream(messages, sampling=sampling)
        self._outcome.finish_reason = "stop"
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                usage = delta.usage or usage
                if delta.finish_reason:
                    span.attributes["gen_ai.response.finish_reasons"] = [delta.finish_reason]
                    self._outcome.finish_reason = delta.finish_reason
                _note(delta, span)
                if delta.text or delta.reasoning:
                    written += [delta.text, delta.reasoning]
                if delta.text or delta.reasoning or delta.restart:
                    yield delta
        self._count(usage or self._estimate(messages, "".join(written)), span)

    def _attributes(self) -> dict[str, str]:
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": self._endpoint.model,
            "server.address": self._endpoint.base_url,
        }

    def _estimate(self, messages: Sequence[ChatMessage], written: str) -> Usage:
        """For servers that report no usage: estimated, and marked as such."""
        self._recorder.attributes["usage.estimated"] = True
        read = estimate_messages(message.content for message in messages)
        return Usage(read, estimate_tokens(written) if written else 0)

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


def _note(delta: ChatDelta, span: SpanRecord) -> None:
    """What the model said that is no answer goes to its span."""
    if delta.reasoning:
        before = span.attributes.get("reasoning", "")
        span.attributes["reasoning"] = (before + delta.reasoning)[:KEPT_OUTPUT]
    if delta.refusal:
        span.attributes["refusal"] = span.attributes.get("refusal", "") + delta.refusal
    if delta.calls_tool:
        span.attributes["tool"] = "asked for"


def _explain_silence(outcome: Outcome, *, calls_tool: bool = False) -> ModelError:
    """Why there is no answer, and what can be done about it."""
    if outcome.finish_reason == "content_filter":
        return make_error("empty", "Its server's content filter held the answer back.")
    if calls_tool:
        return make_error("empty", "It asked for a tool, and this assistant has none.")
    if outcome.finish_reason == "length":
        used = "all its tokens for reasoning" if outcome.reasoning else "all its tokens"
        return make_error(
            "empty", f"It used {used}. Allow longer answers in the recipe, or ask for less thought."
        )
    if outcome.reasoning:
        return make_error("empty", "It only reasoned, and wrote nothing after that.")
    return make_error("empty", "Ask again; if that does not help, look at the model's server.")
