"""The steps of a prompt as the pipeline really takes them, each a span with its tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from apps.assistants.answering.snapshots import read_readable
from apps.assistants.models import Assistant
from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import change_recipe
from apps.chat.models import RetrievedPassage
from apps.chunking.models import Chunk
from apps.prompts.services import add_version
from apps.prompts.spec import Step
from apps.traces.models import Trace
from apps.workspaces.models import ConversationAccess, Workspace
from apps.workspaces.services import Actor
from inference.stub_answers import DEFAULT_REPLY
from inference.stub_server import StubConfig, StubServer, serve_in_thread
from tests.chat.helpers import HANDBOOK, ask
from tests.factories import make_answering_assistant

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = Actor()
USER = "{{ passages }} {{ question }}"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(StubConfig(first_token_ms=1, token_ms=0.5, tokens=None)) as server:
        yield server


@pytest.fixture
def desk(workspace: Any, stub: StubServer) -> Assistant:
    made: Assistant = make_answering_assistant(workspace, {"leave.md": HANDBOOK}, stub=stub)
    return made


def use(desk: Assistant, **parts: Any) -> None:
    """Answer with a version of the prompt that has these parts."""
    assert desk.current is not None
    before = desk.current.prompt_version
    version = add_version(before.prompt, spec=replace(before.spec, **parts), actor=ACTOR)
    change_recipe(desk, change=RecipeChange(prompt_version=version), actor=ACTOR)


def answer(api: Any, desk: Assistant) -> tuple[str, dict[str, dict[str, Any]], Trace]:
    """The text, the attributes of each span, the trace."""
    reply = ask(api, desk.slug)
    assert reply.status == 200, reply.raw
    trace = Trace.objects.latest("started_at")
    spans = {span.name: span.attributes for span in trace.spans.all()}
    return reply.body["choices"][0]["message"]["content"], spans, trace


def test_a_chain_fills_the_variable_of_the_next_step(
    api: Any, desk: Assistant, stub: StubServer
) -> None:
    steps = (Step("terms", "[[reply:annual leave]] {{ question }}"),
             Step("plan", "[[reply:look for {x}]] {{ terms }}"))  # fmt: skip
    use(desk, system="Terms: {{ terms }}. Plan: {{ plan }}.", user=USER, steps=steps)
    text, spans, trace = answer(api, desk)
    assert spans["step:terms"]["output"] == "annual leave"
    assert spans["step:plan"]["output"] == "look for {x}"
    asked = stub.seen[-1]["messages"][0]["content"]
    assert asked == "Terms: annual leave. Plan: look for {x}."
    assert text.startswith("According to the documents")
    assert len(stub.seen) == 3
    tokens = [s["gen_ai.usage.output_tokens"] for s in spans.values()
              if "gen_ai.usage.output_tokens" in s]  # fmt: skip
    assert len(tokens) == 3
    assert trace.output_tokens == sum(tokens)


def test_notes_are_written_first_and_given_to_the_answer(
    api: Any, desk: Assistant, stub: StubServer
) -> None:
    use(desk, has_notes=True)
    _, spans, _ = answer(api, desk)
    assert list(spans) == [
        "rewrite", "search", "rerank", "prompt", "notes", "generation", "checks",
    ]  # fmt: skip
    first, second = (request["messages"][-1]["content"] for request in stub.seen[-2:])
    assert "Before you answer, think it through" in first
    assert f"Your notes:\n\n{DEFAULT_REPLY}" in second


def test_a_draft_with_faults_is_written_again(api: Any, desk: Assistant, stub: StubServer) -> None:
    use(desk, has_critique=True)
    text, spans, _ = answer(api, desk)
    assert {"draft", "critique", "generation"} <= set(spans)
    last = stub.seen[-1]["messages"][-1]["content"]
    assert f"These faults were found in it:\n\n{DEFAULT_REPLY}" in last
    # Only one passage was found, so the stub's second citation is dropped.
    assert text.startswith("According to")
    assert "[2]" not in text


def test_a_draft_without_faults_is_the_answer(api: Any, desk: Assistant, stub: StubServer) -> None:
    use(desk, user=f"[[reply:OK]] {USER}", has_critique=True)
    text, spans, _ = answer(api, desk)
    assert text == "OK"
    assert "generation" not in spans
    assert len(stub.seen) == 2


def test_an_answer_that_should_be_json_is_checked(
    api: Any, desk: Assistant, stub: StubServer
) -> None:
    schema = {"type": "object", "required": ["days"]}
    use(desk, user=f'[[reply:{{"days": 20, "pages": [7]}}]] {USER}', output="json", schema=schema)
    text, spans, _ = answer(api, desk)
    # A list is no citation of a passage that does not exist.
    assert text == '{"days": 20, "pages": [7]}'
    assert stub.seen[-1]["response_format"]["json_schema"]["schema"] == schema
    assert spans["checks"]["output.valid"] is True
    use(desk, user=f"[[reply:twenty]] {USER}", output="json", schema=schema)
    _, spans, _ = answer(api, desk)
    assert spans["checks"]["output.valid"] is False
    assert "no JSON" in spans["checks"]["output.fault"]


def test_the_trace_shows_the_steps_and_links_the_release(
    api: Any, desk: Assistant, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    use(desk, system="Terms: {{ terms }}", steps=(Step("terms", "[[reply:leave]] {{ question }}"),))
    _, _, trace = answer(api, desk)
    Workspace.objects.update(conversation_access=ConversationAccess.UNNAMED)
    page = client_for(owner).get(f"/w/acme/traces/{trace.pk}/").content.decode()
    assert "Step terms" in page
    assert "Terms: leave" in page
    assert f'href="/w/acme/assistants/{desk.slug}/releases/2/"' in page


def test_the_model_reads_rows_under_the_header_of_their_table(
    api: Any, desk: Assistant, stub: StubServer
) -> None:
    head = "| Kind | Days |\n| --- | --- |\n"
    Chunk.objects.update(text="| Annual leave | 25 |", end=F("start") + 21, table_head=head)
    use(desk, user=USER)

    answer(api, desk)

    read = f"{head}| Annual leave | 25 |\n</passage>"
    assert read in stub.seen[-1]["messages"][-1]["content"]
    kept = RetrievedPassage.objects.get()
    assert (kept.text, kept.table_head) == ("| Annual leave | 25 |", head)
    assert read_readable(kept) == f"{head}{kept.text}"
