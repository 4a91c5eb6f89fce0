"""Variants side by side over the real application: streamed, measured, saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from apps.assistants.models import Assistant
from apps.assistants.playground.running import READER_NEEDS_PASSAGES
from apps.gateway.models import Endpoint
from apps.prompts.models import PromptVersion
from apps.retrieval.search.query import MAX_QUESTION
from inference.http_session import close_sessions
from inference.stub_server import StubConfig, StubServer, serve_in_thread
from tests.assistants.helpers import recipe_form
from tests.chat.helpers import HANDBOOK, QUESTION
from tests.factories import make_answering_assistant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(StubConfig(first_token_ms=1, token_ms=0.5, tokens=None)) as server:
        yield server


@pytest.fixture
def desk(workspace: Any, stub: StubServer) -> Assistant:
    made: Assistant = make_answering_assistant(workspace, {"leave.md": HANDBOOK}, stub=stub)
    Endpoint.objects.update(input_price="1000", output_price="2000")
    return made


def form_of(count: int, **values: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"assistant": "desk", "question": QUESTION, "variants": count}
    for number in range(count):
        base |= {f"v{number}_temperature": 0, f"v{number}_max_tokens": 200,
                 f"v{number}_retrieval": "on"}  # fmt: skip
    return base | values


def stream(user: Any, data: dict[str, Any]) -> tuple[int, list[tuple[str, dict[str, Any]]]]:
    """POST and read all events: (name, data)."""

    async def go() -> tuple[int, bytes]:
        client = AsyncClient()
        await client.aforce_login(user)
        response: Any = await client.post("/w/acme/playground/run/", data)
        body = b"".join([p async for p in response]) if response.streaming else response.content
        await close_sessions()
        return response.status_code, body

    status, body = async_to_sync(go)()
    if status != 200:
        return status, [("error", orjson.loads(body))]
    blocks = [block.split("\n") for block in body.decode().split("\n\n") if block]
    return status, [(b[0].removeprefix("event: "), orjson.loads(b[1][6:])) for b in blocks]


def test_two_variants_stream_side_by_side(desk: Assistant, owner: Any, stub: StubServer) -> None:
    endpoint = Endpoint.objects.get()
    status, events = stream(owner, form_of(2, v0_endpoint=endpoint.pk))
    assert status == 200
    assert events[-1] == ("end", {})
    ends = {data["variant"]: data for name, data in events if name == "done"}
    assert "20 days of annual leave" in ends[1]["content"]  # the reader
    assert ends[0]["content"].startswith("According to the documents")
    tokens = [data["text"] for name, data in events if name == "token" and data["variant"] == 0]
    assert "".join(tokens) == ends[0]["content"]
    assert (ends[0]["passages"], ends[1]["cost"]) == ("1", "free")
    # Prices are 1,000 and 2,000 dollars a million: a tenth and a fifth of a cent a token.
    read, written = (int(ends[0][name]) for name in ("tokens_in", "tokens_out"))
    assert ends[0]["cost"] == f"${(read + 2 * written) / 1000:.2f}"
    assert len(stub.seen) == 1


def test_citations_are_chips_and_long_questions_are_told(desk: Assistant, owner: Any) -> None:
    _, events = stream(owner, form_of(1))
    [done] = [data for name, data in events if name == "done"]
    assert "[1]" in done["content"]
    assert (
        '<span class="citation"><span class="visually-hidden">Source </span>1</span>'
        in (done["html"])
    )
    assert "[1]" not in done["html"]
    _, events = stream(owner, form_of(1, question=f"{QUESTION} {'x' * 9_000}"))
    assert events[-1][0] == "end"
    status, [(_, body)] = stream(owner, form_of(1, question="x" * (MAX_QUESTION + 1)))
    assert (status, list(body["errors"])) == (422, ["Question"])


def test_an_edited_text_without_passages(desk: Assistant, owner: Any, stub: StubServer) -> None:
    data = form_of(
        1,
        v0_endpoint=Endpoint.objects.get().pk,
        v0_system="Speak like a sailor.",
        v0_user="[[reply:Aye]] {{ passages }} {{ question }}",
    )
    del data["v0_retrieval"]
    _, events = stream(owner, data)
    [done] = [data for name, data in events if name == "done"]
    assert (done["content"], done["passages"]) == ("Aye", "0")
    messages = stub.seen[-1]["messages"]
    assert messages[0]["content"] == "Speak like a sailor."
    assert "(none)" in messages[1]["content"]


def test_what_cannot_run_says_why(desk: Assistant, owner: Any) -> None:
    endpoint = Endpoint.objects.get()
    data = form_of(
        2, v0_endpoint=endpoint.pk, v0_user="[[stub:auth]] {{ passages }} {{ question }}"
    )
    del data["v1_retrieval"]
    _, events = stream(owner, data)
    failed = {data["variant"]: data["reason"] for name, data in events if name == "failed"}
    assert failed[1] == READER_NEEDS_PASSAGES
    assert "key" in failed[0]
    status, [(_, body)] = stream(owner, form_of(1, v0_system="{{ weather }}"))
    assert status == 422
    assert body["errors"]["Instructions"] == ["Nothing fills these in: weather."]
    status, _ = stream(owner, form_of(1, question=""))
    assert status == 422


def test_a_text_is_loaded_edited_and_saved(desk: Assistant, owner: Any, client_for: Any) -> None:
    client: Client = client_for(owner)
    path = "/w/acme/playground/"
    assert client.get(f"{path}?variants=4").content.decode().count("data-variant=") == 4
    loaded = client.post(path, form_of(2, load="1")).content.decode()
    assert "You answer questions from the passages" in loaded
    unchanged = client.post(path, form_of(1, save="0")).content.decode()
    assert "nothing was edited" in unchanged
    saved = client.post(path, form_of(1, save="0", v0_system="Be brief."), follow=True)
    assert "desk v2 is saved." in saved.content.decode()
    version = PromptVersion.objects.get(number=2)
    assert (version.system, version.note) == ("Be brief.", "From the playground")


def test_rest_runs_variants(desk: Assistant, api: Any) -> None:
    def go(variants: list[Any]) -> Any:
        sent = {"assistant": str(desk.pk), "question": QUESTION, "variants": variants}
        return api.post_json("/api/v1/playground/", sent)

    body = go([{}, {"endpoint": None}, {"endpoint": None, "retrieval": False}]).json()
    assert body[0]["content"].startswith("According to")
    assert body[0]["first_token_ms"] > 0
    assert float(body[0]["cost"]) > 0
    assert "20 days" in body[1]["content"]
    assert body[2]["error"] == READER_NEEDS_PASSAGES
    assert go([{"system": "{{ weather }}"}]).status_code == 400
    assert go([{}] * 5).status_code == 400


def test_a_variant_tries_other_retrieval_and_sampling(
    desk: Assistant, owner: Any, api: Any, stub: StubServer
) -> None:
    data = form_of(2, v0_endpoint=Endpoint.objects.get().pk, v0_top_k=9, v0_hyde="true",
                   v1_filters="tag:none")  # fmt: skip
    _, events = stream(owner, data)
    ends = {data["variant"]: data for name, data in events if name == "done"}
    assert stub.seen[-1]["top_k"] == 9
    assert "Write the passage" in stub.seen[-2]["messages"][0]["content"]
    assert ends[1]["passages"] == "0"
    status, [(_, body)] = stream(owner, form_of(1, v0_hyde="true"))
    assert status == 422
    assert "built-in reader has no model" in str(body["errors"])
    sent = {"assistant": str(desk.pk), "question": QUESTION}
    path = "/api/v1/playground/"
    variant = {"profile": {"filters": "tag:none"}, "sampling": {"top_k": 8}}
    assert api.post_json(path, sent | {"variants": [variant]}).json()[0]["passages"] == 0
    named = api.post_json(path, sent | {"variants": [{"rerank": "late"}]})
    assert "rerank" in str(named.json()["errors"])
    nested = api.post_json(path, sent | {"variants": [{"profile": {"rerank": "endpoint"}}]})
    assert "rerank_endpoint" in nested.json()["errors"]["profile"]


def test_the_recipe_is_tried_before_it_is_saved(
    desk: Assistant, owner: Any, stub: StubServer
) -> None:
    async def go(data: dict[str, Any]) -> tuple[int, bytes]:
        client = AsyncClient()
        await client.aforce_login(owner)
        response: Any = await client.post("/w/acme/assistants/desk/recipe/preview/", data)
        body = b"".join([p async for p in response]) if response.streaming else response.content
        await close_sessions()
        return response.status_code, body

    data = recipe_form(desk, question=QUESTION, top_k=7, system="Speak like a sailor.")
    status, body = async_to_sync(go)(data)
    assert status == 200
    assert b"event: done" in body
    assert stub.seen[-1]["top_k"] == 7
    assert stub.seen[-1]["messages"][0]["content"] == "Speak like a sailor."
    assert desk.releases.count() == 1
    status, body = async_to_sync(go)(data | {"question": " "})
    assert (status, b"Ask something first." in body) == (422, True)
    status, body = async_to_sync(go)(data | {"question": "x" * (MAX_QUESTION + 1)})
    assert (status, b"At most 32,000 characters" in body) == (422, True)
    status, body = async_to_sync(go)(data | {"limit": 99})
    assert status == 422
    assert orjson.loads(body)["errors"]["Passages given to the model"]
