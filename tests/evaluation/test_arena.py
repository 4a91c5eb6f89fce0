"""The arena over HTTP: blind, each pair once, ratings and preference pairs at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.evaluation.models import Experiment, Match
from apps.evaluation.review.arena import count_pairs, find_next_pair, list_matches, rank_releases
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from inference.stub_server import serve_in_thread
from tests.evaluation.helpers import (
    AT_ONCE,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
    make_worse_release,
)
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
ClientFor = Callable[[Any], Client]


def arena_url(experiment: Experiment, rest: str = "") -> str:
    return f"/w/{experiment.workspace.slug}/evaluate/experiments/{experiment.pk}/arena/{rest}"


def test_a_person_compares_every_pair_once_and_blind(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client, path = client_for(owner), arena_url(finished)
    # Four examples; on the last one both decline in the same words.
    assert (count_pairs(finished).total, count_pairs(finished).identical) == (3, 1)
    for number in range(3):
        page = client.get(path).content.decode()
        assert f"compared {number} of 3 pairs" in page
        shown = page.split('<h2 id="arena-question"')[1].split("</section>")[0]
        assert "Release" not in shown
        pair = find_next_pair(finished, voter=owner)
        assert pair is not None
        better = "first" if pair.first.release.number == 1 else "second"
        vote = {"first": pair.first.pk, "second": pair.second.pk, "winner": better}
        assert client.post(path, vote).status_code == 302
        assert client.post(path, vote).status_code == 302  # sent twice, counted once
    assert Match.objects.count() == 3
    assert "Nothing is left to compare" in client.get(path).content.decode()
    best, other = rank_releases(list(list_matches(finished)))
    assert (best.release.number, best.wins, best.losses) == (1, 3, 0)
    assert best.rating > other.rating
    assert best.low <= best.rating <= best.high
    # Elo by hand: 1000 each, then 16 * (1 - 1/2) = 8 and so on.
    first = 8.0
    second = 16 * (1 - 1 / (1 + 10 ** (-2 * first / 400)))
    third = 16 * (1 - 1 / (1 + 10 ** (-2 * (first + second) / 400)))
    assert best.elo == pytest.approx(1000 + first + second + third)


def test_votes_become_preference_pairs(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client, path = client_for(owner), arena_url(finished)
    for winner in ("first", "tie", "neither"):
        pair = find_next_pair(finished, voter=owner)
        assert pair is not None
        client.post(path, {"first": pair.first.pk, "second": pair.second.pk, "winner": winner})
    response = client.get(arena_url(finished, "preferences.jsonl"))
    lines = [json.loads(line) for line in b"".join(response).splitlines()]
    assert len(lines) == 1
    match = Match.objects.get(winner="first")
    assert lines[0]["prompt"] == match.first.example.question
    assert lines[0]["chosen_release"] == match.first.release.number
    assert "[1]" not in lines[0]["chosen"] + lines[0]["rejected"]


def test_what_is_no_pair_is_refused(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client, path = client_for(owner), arena_url(finished)
    pair = find_next_pair(finished, voter=owner)
    assert pair is not None
    other = finished.items.exclude(example=pair.first.example).first()
    assert other is not None
    good = {"first": pair.first.pk, "second": pair.second.pk, "winner": "first"}
    for change in (
        {"second": other.pk}, {"second": uuid4()}, {"winner": "me"}, {"first": "x"},
        {"second": pair.first.pk},
    ):  # fmt: skip
        assert client.post(path, good | change).status_code == 400
    assert not Match.objects.exists()


def test_a_judge_that_goes_by_the_order_decides_nothing(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    """The stub says A whatever it is shown; asked in both orders, that is a tie each time."""
    assistant = make_assistant(workspace)
    verdict = '[[reply:{"reason": "The first.", "winner": "A"}]]'
    cases = [{"question": f"How many days of annual leave do employees get? {verdict}"}]
    releases = [current_release(assistant), make_worse_release(assistant)]
    experiment = make_experiment(assistant, make_version(workspace, cases), releases)
    run_all()
    with serve_in_thread(AT_ONCE) as stub:
        fields = EndpointFields(name="Judge", base_url=stub.base_url, model="biased", api_key="k")
        endpoint = save_endpoint(workspace, fields=fields, actor=Actor())
        client = client_for(owner)
        path = arena_url(experiment, "judge/")
        assert client.post(path, {"endpoint": uuid4()}).status_code == 422
        assert client.post(path, {"endpoint": endpoint.pk}).status_code == 302
        run_all()
    match = Match.objects.get()
    assert (match.judge, match.winner, match.voter) == ("biased", "tie", None)
    page = client.get(arena_url(experiment)).content.decode()
    assert "biased has compared 1 pair; nobody has compared the same pairs" in page
    pair = find_next_pair(experiment, voter=owner)
    assert pair is not None
    vote = {"first": pair.first.pk, "second": pair.second.pk, "winner": "tie"}
    client.post(arena_url(experiment), vote)
    page = client.get(arena_url(experiment)).content.decode()
    assert "agrees with people on 100 % of 1" in page
    assert "Only 1 labelled answer; 30 are needed." in page
    assert 'state-warn">not trusted' in page
