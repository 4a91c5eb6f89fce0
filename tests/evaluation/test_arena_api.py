"""Votes, grades, judges and what hangs together, through the REST API."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from apps.evaluation.models import Experiment, Grade, JudgeBar, Match
from apps.workspaces.models import ApiKey

pytestmark = pytest.mark.django_db(transaction=True)
V1 = "/api/v1"


def test_pairs_are_compared_and_become_standings(
    finished: Experiment, api: Any, owner: Any
) -> None:
    arena = f"{V1}/experiments/{finished.pk}/arena"
    before = api.get(f"{arena}/").json()
    # Four examples; on the last one both decline in the same words.
    assert before["pairs"] == {"total": 3, "identical": 1}
    assert before["standings"] == []
    for number in range(3):
        pair = api.get(f"{arena}/pair/").json()["pair"]
        assert set(pair["first"]) == {"item", "answer"}  # not whose it is
        items = {str(item.pk): item.release.number for item in finished.items.all()}
        sides = {"first": pair["first"]["item"], "second": pair["second"]["item"]}
        winner = next(side for side, item in sides.items() if items[item] == 1)
        vote = {**sides, "winner": winner, "reason": f"Number {number}"}
        made = api.post_json(f"{arena}/matches/", vote)
        assert made.status_code == 201, made.content
        assert made.json()["by"] == "person"
        assert api.post_json(f"{arena}/matches/", vote).status_code == 409
    assert api.get(f"{arena}/pair/").json() == {"pair": None}
    assert set(Match.objects.values_list("voter", flat=True)) == {owner.pk}
    best, other = api.get(f"{arena}/").json()["standings"]
    assert (best["release"], best["wins"], best["losses"], other["losses"]) == (1, 3, 0, 3)
    assert best["low"] <= best["rating"] <= best["high"]
    listed = api.get(f"{arena}/matches/").json()
    assert [row["reason"] for row in listed["results"]] == ["Number 0", "Number 1", "Number 2"]
    lines = b"".join(api.get(f"{arena}/preferences/").streaming_content).splitlines()
    assert [json.loads(line)["chosen_release"] for line in lines] == [1, 1, 1]
    strange = vote | {"second": str(uuid4())}
    assert api.post_json(f"{arena}/matches/", strange).status_code == 404
    assert api.post_json(f"{arena}/matches/", vote | {"winner": "me"}).status_code == 400
    ApiKey.objects.update(created_by=None)
    assert api.get(f"{arena}/pair/").json()["code"] == "no_person"


def test_grades_and_the_bar_of_judges(finished: Experiment, api: Any, owner: Any) -> None:
    path = f"{V1}/experiments/{finished.pk}/grades/"
    item = finished.items.order_by("pk")[0]
    for value, status in ((0, 400), (6, 400), (2, 201), (4, 201)):
        answer = api.post_json(path, {"item": str(item.pk), "value": value, "note": "Short."})
        assert answer.status_code == status
    assert api.post_json(path, {"item": str(uuid4()), "value": 3}).status_code == 404
    [grade] = api.get(path).json()["results"]
    assert (grade["value"], grade["release"], grade["note"]) == (4, item.release.number, "Short.")
    assert Grade.objects.get().created_by == owner
    assert api.get(f"{V1}/judges/").json() == []
    default = {"accuracy": 0.75, "kappa": 0.6, "count": 30}
    assert api.get(f"{V1}/judges/bar/").json() == default
    changed = {"accuracy": 0.9, "kappa": 0.7, "count": 50}
    told = api.put(f"{V1}/judges/bar/", changed, content_type="application/json")
    assert told.json() == changed == api.get(f"{V1}/judges/bar/").json()
    wrong = changed | {"kappa": 2}
    refused = api.put(f"{V1}/judges/bar/", wrong, content_type="application/json")
    assert refused.status_code == 400
    assert JudgeBar.objects.get().kappa == 0.7


def test_what_hangs_together(finished: Experiment, api: Any) -> None:
    one = f"{V1}/experiments/{finished.pk}"
    rows = {row["metric"]: row["values"] for row in api.get(f"{one}/correlations/").json()}
    # Token F1 is 1 where the match is exact, and less where it is not: ranks agree perfectly.
    assert rows["token_f1"]["token_f1"] == pytest.approx(1)
    assert rows["token_f1"]["exact_match"] == rows["exact_match"]["token_f1"]
    assert rows["token_f1"]["exact_match"] > 0.9
    told = api.get(f"{one}/tradeoff/").json()
    assert (told["metric"], told["against"]) == ("token_f1", "ms for an answer")
    first, second = told["rows"]
    assert (first["release"], first["quality"], second["quality"]) == (1, 100.0, 25.0)
    assert first["is_best"]
    other = api.get(f"{one}/tradeoff/?metric=exact_match").json()
    assert other["metric"] == "exact_match"
