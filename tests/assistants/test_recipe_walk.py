"""A walk over every field of a release: set on its page and over REST, shown, and in effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.fields import SETTINGS
from apps.assistants.recipes.sampling import QUERIES
from apps.gateway.services import EndpointFields, delete_endpoint, save_endpoint
from apps.traces.models import Trace
from apps.workspaces.services import Actor
from tests.assistants.helpers import recipe_form
from tests.chat.helpers import complete
from tests.factories import add_documents
from tests.model_replies import ReplayedModel, replay_model

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = Actor()
TEXTS = {
    f"leave-{number}.md": f"# Leave {number}\n\nEmployees in office {number} get {number} days of "
    f"annual leave. {'Unused days expire. ' * number}\n"
    for number in (21, 22, 23, 24)
}
QUESTION = "How many days of annual leave do employees get?"
TALK = [
    {"role": "user", "content": "Who approves travel?"},
    {"role": "assistant", "content": "The head of the office does."},
    {"role": "user", "content": QUESTION},
]


@dataclass
class Asked:
    """What one answer left behind: requests to both models, spans by name, the passages read."""

    body: dict[str, Any]
    other: ReplayedModel
    main: ReplayedModel
    spans: dict[str, dict[str, Any]]

    @property
    def prompt(self) -> str:
        return json.dumps(self.body["messages"])

    @property
    def num_passages(self) -> int:
        return self.prompt.count("<passage ")


@dataclass
class Case:
    """A value for a field, what has to be set beside it, and where its effect is seen."""

    name: str
    value: Any
    span: str
    attribute: str
    told: Any = None
    beside: dict[str, Any] = field(default_factory=dict)
    check: Callable[[Asked], bool] = lambda asked: True

    @property
    def expected(self) -> Any:
        return self.value if self.told is None else self.told


def searched(name: str, value: Any, attribute: str = "", **more: Any) -> Case:
    return Case(name, value, "search", attribute or f"retrieval.{name}", **more)


def prepared(name: str, value: Any, attribute: str = "", **more: Any) -> Case:
    return Case(name, value, "rewrite", attribute or f"query.{name}", **more)


def sampled(name: str, value: Any, attribute: str = "") -> Case:
    return Case(
        name, value, "generation", attribute or f"gen_ai.request.{name}",
        check=lambda asked: bool(asked.body[name] == value),
    )  # fmt: skip


def said_to(words: str, *, other: bool = False) -> Callable[[Asked], bool]:
    """Whether a model was asked for something in these words."""

    def check(asked: Asked) -> bool:
        model = asked.other if other else asked.main
        return any(words in json.dumps(body["messages"]) for body in model.seen)

    return check


def is_query_of_its_own(asked: Asked) -> bool:
    """Whether the sampling of the answer left that of the search's helpers alone."""
    [sent] = [body for body in asked.main.seen if "Which other words" in json.dumps(body)]
    told = asked.spans["query:words"]
    keys = ("max_tokens", "temperature")
    return all(sent[key] == told[f"gen_ai.request.{key}"] == getattr(QUERIES, key) for key in keys)


OTHER = "other"
"""Stands for the id of the other endpoint."""
CASES = [
    searched("mode", "lexical"),
    searched("limit", 2, check=lambda asked: asked.num_passages == 2),
    searched("candidates", 7, beside={"recency": 0.1}),
    searched("fusion", "rrf"),
    searched("vector_weight", 0.9),
    searched("rerank", "late", check=lambda asked: "timing.rerank_ms" in asked.spans["search"]),
    searched("rerank_depth", 3, beside={"rerank": "late"}),
    searched(
        "rerank_endpoint", OTHER, "retrieval.rerank.model", told="other-model (Other)",
        beside={"rerank": "endpoint"}, check=lambda asked: len(asked.other.reranked) == 1,
    ),
    searched(
        "diversity", 0.5, check=lambda asked: "timing.diversity_ms" in asked.spans["search"]
    ),
    searched("recency", 0.5, check=lambda asked: "timing.recency_ms" in asked.spans["search"]),
    searched("half_life_days", 30.0, beside={"recency": 0.5}),
    searched(
        "filters", "name:leave-23.md", check=lambda asked: asked.num_passages == 1
        and "get 23 days" in asked.prompt,
    ),
    searched("neighbours", 1),
    searched("parents", False),
    prepared("rewrite", "model", check=said_to("Rewrite the last question")),
    prepared("decompose", "model", check=said_to("which simpler questions")),
    prepared("expand", "model", check=said_to("Which other words")),
    prepared("hyde", True, check=said_to("Write the passage")),
    prepared(
        "rewrite_endpoint", OTHER, "query.rewrite.model", told="other-model (Other)",
        beside={"rewrite": "model"}, check=said_to("Rewrite the last question", other=True),
    ),
    prepared(
        "decompose_endpoint", OTHER, "query.decompose.model", told="other-model (Other)",
        beside={"decompose": "model"}, check=said_to("which simpler questions", other=True),
    ),
    prepared(
        "expand_endpoint", OTHER, "query.expand.model", told="other-model (Other)",
        beside={"expand": "model"}, check=said_to("Which other words", other=True),
    ),
    prepared(
        "hyde_endpoint", OTHER, "query.hyde.model", told="other-model (Other)",
        beside={"hyde": True}, check=said_to("Write the passage", other=True),
    ),
    sampled("temperature", 0.7),
    Case(
        "max_tokens", 77, "generation", "gen_ai.request.max_tokens", beside={"expand": "model"},
        check=lambda asked: asked.body["max_tokens"] == 77 and is_query_of_its_own(asked),
    ),
    sampled("top_p", 0.8),
    sampled("top_k", 40),
    sampled("min_p", 0.05),
    sampled("seed", 7),
    sampled("stop", ["END", "two\nlines"], "gen_ai.request.stop_sequences"),
    sampled("frequency_penalty", 0.5),
    sampled("presence_penalty", -0.5),
    sampled("repetition_penalty", 1.1),
]  # fmt: skip


@pytest.fixture
def models(workspace: Any) -> Iterator[tuple[ReplayedModel, ReplayedModel]]:
    with replay_model() as main, replay_model() as other:
        main.say("Twenty-one days [1].")
        other.say("office rules")
        yield main, other


@pytest.fixture
def desk(workspace: Any, models: tuple[ReplayedModel, ReplayedModel]) -> Assistant:
    from apps.assistants.services import create_assistant

    endpoints = [
        save_endpoint(
            workspace,
            fields=EndpointFields(
                name=name, base_url=model.base_url, model=f"{name.lower()}-model"
            ),
            actor=ACTOR,
        )
        for name, model in zip(("Main", "Other"), models, strict=True)
    ]
    collection = add_documents(workspace, TEXTS)
    return create_assistant(
        workspace, name="Desk", collections=[collection], endpoint=endpoints[0], actor=ACTOR
    )


def other_id(desk: Assistant) -> str:
    from apps.gateway.models import Endpoint

    return str(Endpoint.objects.get(workspace_id=desk.workspace_id, name="Other").pk)


def ask(
    api: Any, desk: Assistant, models: tuple[ReplayedModel, ReplayedModel], **options: Any
) -> Asked:
    reply = complete(api.key, {"model": desk.slug, "messages": TALK, **options})
    assert reply.status == 200, reply.raw
    trace = Trace.objects.latest("started_at")
    spans = {span.name: span.attributes for span in trace.spans.all()}
    main, other = models
    return Asked(main.seen[-1], other, main, spans)


def test_the_walk_leaves_nothing_out() -> None:
    assert {case.name for case in CASES} == set(SETTINGS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_field_is_set_shown_and_in_effect(
    case: Case, desk: Assistant, models: Any, api: Any, owner: Any,
    client_for: Callable[[Any], Client],
) -> None:  # fmt: skip
    values = {**case.beside, case.name: case.value}
    values = {name: other_id(desk) if v == OTHER else v for name, v in values.items()}
    client, page = client_for(owner), f"/w/acme/assistants/{desk.slug}"
    typed = dict(values)
    if "stop" in typed:
        typed["stop"] = "END\r\ntwo\\nlines"

    shown = client.get(f"{page}/recipe/").content.decode()
    assert f'name="{case.name}"' in shown
    form = recipe_form(desk, **typed) | {"as_candidate": "1"}
    saved = client.post(f"{page}/recipe/", form)
    assert saved.status_code == 302, saved.content.decode()
    candidate = desk.releases.get(number=2)
    body: dict[str, Any] = {"retrieval": {}, "sampling": {}}
    for name, value in values.items():
        body[SETTINGS[name].part][name] = value
    made = api.post_json(f"/api/v1/assistants/{desk.pk}/releases/", body)
    assert made.status_code == 201, made.content
    twin = desk.releases.get(number=3)
    assert (twin.retrieval, twin.sampling) == (candidate.retrieval, candidate.sampling)

    label = SETTINGS[case.name].label
    assert label in client.get(f"{page}/releases/2/").content.decode().replace("&#x27;", "'")
    differs = api.get(f"/api/v1/assistants/{desk.pk}/releases/3/diff/").json()["changes"]
    [change] = [one for one in differs if one["label"] == label]
    assert change["old"] != change["new"]
    told = made.json()[SETTINGS[case.name].part][case.name]
    assert told == values[case.name]

    assert client.post(f"{page}/releases/2/promote/").status_code == 302
    asked = ask(api, desk, models)
    assert asked.spans[case.span][case.attribute] == case.expected
    assert case.check(asked)


def test_collections_model_prompt_and_note_are_walked_as_well(
    desk: Assistant, models: Any, api: Any, workspace: Any
) -> None:
    texts = {"prices.md": "# Prices\n\nAnnual leave costs 5.\n"}
    second = add_documents(workspace, texts, name="Prices")
    changed = api.patch_json(
        f"/api/v1/assistants/{desk.pk}/",
        {
            "collections": [str(second.pk)], "system": "Be brief.", "note": "All of it",
            "user": "{{ passages }} So: {{ question }}", "endpoint": other_id(desk),
        },
    )  # fmt: skip
    assert changed.status_code == 200, changed.content
    desk.refresh_from_db()
    assert desk.current is not None
    assert (desk.current.number, desk.current.note) == (2, "All of it")
    differs = api.get(f"/api/v1/assistants/{desk.pk}/releases/2/diff/?against=1").json()["changes"]
    parts = {change["part"] for change in differs}
    assert parts == {"Prompt", "Documents", "Model"}
    models[1].say("Five [1].")
    reply = complete(api.key, {"model": desk.slug, "messages": TALK})
    assert reply.status == 200
    body = models[1].seen[-1]
    assert body["model"] == "other-model"
    assert body["messages"][0]["content"] == "Be brief."
    assert "Annual leave costs 5." in body["messages"][-1]["content"]
    assert f"So: {QUESTION}" in body["messages"][-1]["content"]


# What is wrong, and what is gone


def test_what_rest_does_not_know_is_refused_by_name(desk: Assistant, api: Any) -> None:
    path = f"/api/v1/assistants/{desk.pk}/"
    for sent, errors in (
        ({"rerank": "late", "profile": {}}, {"rerank", "profile"}),
        ({"top_p": 0.5}, {"top_p"}),
    ):
        response = api.patch_json(path, sent)
        assert response.status_code == 400
        assert set(response.json()["errors"]) == errors
    nested = api.patch_json(path, {"retrieval": {"rerank": "late", "magic": 1}})
    assert nested.status_code == 400
    assert set(nested.json()["errors"]["retrieval"]) == {"magic"}
    sampling = api.patch_json(path, {"sampling": {"top_q": 1, "top_k": 0}})
    assert set(sampling.json()["errors"]["sampling"]) == {"top_q"}
    sampling = api.patch_json(path, {"sampling": {"top_k": 0}})
    assert set(sampling.json()["errors"]["sampling"]) == {"top_k"}
    twice = api.patch_json(path, {"limit": 3, "retrieval": {"limit": 4}})
    assert set(twice.json()["errors"]) == {"limit"}
    new = {"name": "New", "collections": [], "rerank": "late"}
    assert set(api.post_json("/api/v1/assistants/", new).json()["errors"]) == {"rerank"}
    assert desk.releases.count() == 1


def test_rest_makes_an_assistant_with_its_settings(desk: Assistant, api: Any) -> None:
    made = api.post_json(
        "/api/v1/assistants/",
        {
            "name": "Search desk", "collections": [], "limit": 3, "max_tokens": None,
            "retrieval": {"rerank": "late"}, "sampling": {"top_k": 20},
        },
    )  # fmt: skip
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["retrieval"]["limit"], body["retrieval"]["rerank"]) == (3, "late")
    assert (body["sampling"]["top_k"], body["sampling"]["max_tokens"]) == (20, None)
    # What is read can be sent back, and changes nothing.
    path = f"/api/v1/assistants/{body['id']}/"
    same = {"retrieval": body["retrieval"], "sampling": body["sampling"]}
    assert api.patch_json(path, same).json()["release"] == 1


def test_what_needs_a_model_says_so_where_only_the_reader_answers(
    desk: Assistant, api: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    path = f"/w/acme/assistants/{desk.slug}/recipe/"
    form = recipe_form(desk, hyde=True, endpoint="")
    refused = client_for(owner).post(path, form)
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "The built-in reader has no model for this." in page
    # The card with the mistake is open.
    assert '<details class="panel recipe-card" id="card-question" open>' in page
    rest = api.patch_json(
        f"/api/v1/assistants/{desk.pk}/", {"endpoint": None, "retrieval": {"expand": "model"}}
    )
    assert set(rest.json()["errors"]["retrieval"]) == {"expand"}
    # A model of the step's own is enough.
    own = {"expand": "model", "expand_endpoint": other_id(desk)}
    accepted = api.patch_json(
        f"/api/v1/assistants/{desk.pk}/", {"endpoint": None, "retrieval": own}
    )
    assert accepted.status_code == 200, accepted.content


def test_a_step_asks_only_endpoints_of_the_workspace(
    desk: Assistant, api: Any, other_workspace: Any, owner: Any,
    client_for: Callable[[Any], Client],
) -> None:  # fmt: skip
    fields = EndpointFields(name="Theirs", base_url="http://127.0.0.1:9/v1", model="m")
    theirs = save_endpoint(other_workspace, fields=fields, actor=ACTOR)
    for value in (str(theirs.pk), "nonsense"):
        refused = api.patch_json(
            f"/api/v1/assistants/{desk.pk}/",
            {"retrieval": {"rerank": "endpoint", "rerank_endpoint": value}},
        )
        assert refused.status_code == 400
        assert set(refused.json()["errors"]["retrieval"]) == {"rerank_endpoint"}
    page = f"/w/acme/assistants/{desk.slug}/recipe/"
    form = recipe_form(desk, rerank="endpoint", rerank_endpoint=str(theirs.pk))
    assert client_for(owner).post(page, form).status_code == 422
    missing = recipe_form(desk, rerank="endpoint")
    assert "Choose the endpoint" in client_for(owner).post(page, missing).content.decode()
    idle = api.patch_json(
        f"/api/v1/assistants/{desk.pk}/", {"retrieval": {"hyde_endpoint": other_id(desk)}}
    )
    assert "would not be asked" in idle.json()["errors"]["retrieval"]["hyde_endpoint"][0]


def test_a_reranker_that_was_deleted_is_named_and_never_left_out_silently(
    desk: Assistant, models: Any, api: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    retrieval = {"rerank": "endpoint", "rerank_endpoint": other_id(desk)}
    path = f"/api/v1/assistants/{desk.pk}/"
    assert api.patch_json(path, {"retrieval": retrieval}).status_code == 200
    [used] = [
        row["used_by"]
        for row in api.get("/api/v1/endpoints/").json()["results"]
        if row["name"] == "Other"
    ]
    assert used == ["Desk: Put the best passages in order (reranking)"]
    settings_page = client_for(owner).get("/w/acme/settings/models/").content.decode()
    assert "Desk: Put the best passages in order (reranking)" in settings_page
    from apps.gateway.models import Endpoint

    delete_endpoint(Endpoint.objects.get(name="Other"), actor=ACTOR)

    reply = complete(api.key, {"model": desk.slug, "messages": TALK})
    assert reply.status != 200
    assert "“Other”" in reply.body["error"]["message"]
    assert "was deleted" in reply.body["error"]["message"]
    # Neither does a release that names it pass the check before promotion, nor a further one.
    kept = desk.releases.get(number=2)
    assert kept.step_snapshots["rerank_endpoint"]["name"] == "Other"
    checks = api.get(f"{path}releases/2/checks/").json()
    assert "“Other”" in checks[0]["reason"]
    assert api.patch_json(path, {"limit": 3}).status_code == 400
    assert api.patch_json(path, {"name": "Desk 2"}).status_code == 200
    assert api.patch_json(path, {"retrieval": {"rerank": "none"}}).status_code == 200


def test_what_a_server_refuses_is_said_and_not_left_out(
    desk: Assistant, models: Any, api: Any
) -> None:
    main, _ = models
    changed = api.patch_json(f"/api/v1/assistants/{desk.pk}/", {"sampling": {"top_k": 5}})
    assert changed.status_code == 200
    main.refusal = "Unrecognized request argument supplied: top_k"
    reply = complete(api.key, {"model": desk.slug, "messages": TALK})
    assert reply.status == 502
    assert "top_k" in reply.body["error"]["message"]


def test_a_request_overrides_the_sampling_of_the_release(
    desk: Assistant, models: Any, api: Any
) -> None:
    sampling = {"top_p": 0.5, "top_k": 5, "stop": ["X"]}
    api.patch_json(f"/api/v1/assistants/{desk.pk}/", {"sampling": sampling})
    asked = ask(api, desk, models, top_p=0.9, stop=["Y"])
    assert (asked.body["top_p"], asked.body["top_k"], asked.body["stop"]) == (0.9, 5, ["Y"])


def test_a_release_from_before_there_were_more_settings_still_answers(
    desk: Assistant, models: Any, api: Any
) -> None:
    Release.objects.update(
        retrieval={"mode": "lexical", "limit": 3}, sampling={"temperature": 0.2, "max_tokens": 99}
    )
    asked = ask(api, desk, models)
    assert asked.num_passages == 3
    assert asked.spans["search"]["retrieval.rerank"] == "none"
    shown = api.get(f"/api/v1/assistants/{desk.pk}/").json()
    assert (shown["retrieval"]["mode"], shown["retrieval"]["rerank"]) == ("lexical", "none")
    assert shown["sampling"]["top_p"] is None
