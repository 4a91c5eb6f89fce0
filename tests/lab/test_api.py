"""Two retrieval profiles measured through the REST API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.models import JobKind
from apps.documents.models import Collection
from apps.lab.models import LabRun
from tests.lab.test_runs import cases  # noqa: F401 (a fixture)
from workers.runner import drain

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/lab/runs/"


def test_a_comparison_is_made_measured_and_read(cases: Any, api: Any, other_api: Any) -> None:  # noqa: F811
    body = {
        "dataset": str(cases.pk), "version": 0, "k": 3,
        "collections": [str(Collection.objects.get().pk)],
        "profile_a": {"mode": "lexical"}, "profile_b": {"mode": "vector"},
    }  # fmt: skip
    made = api.post_json(RUNS, body)
    assert made.status_code == 201, made.content
    assert (made.json()["state"], made.json()["profiles"]["b"]["mode"]) == ("queued", "vector")
    one = f"{RUNS}{made.json()['id']}/"
    assert api.get(f"{one}results/").json()["num_cases"] == 0
    drain(JobKind.MEASURE_RETRIEVAL)
    told = api.get(one).json()
    assert (told["state"], told["done"], told["total"], told["k"]) == ("succeeded", 6, 6, 3)
    found = api.get(f"{one}results/").json()
    rows = {row["metric"]: row for row in found["rows"]}
    # Each question names the one document that answers it, so words find every case.
    assert rows["Context recall"]["a"]["estimate"] == 1.0
    assert rows["Context recall"]["a"]["count"] == 6
    assert rows["Context recall"]["label"] == "Wanted passages that are found (context recall@k)"
    change = rows["Context recall"]["b"]["estimate"] - 1.0
    assert rows["Context recall"]["change"]["estimate"] == pytest.approx(change)
    assert found["wins"] + found["losses"] + found["ties"] == len(found["cases"]) == 6
    assert all(case["ranks_a"][0] >= 1 for case in found["cases"])
    assert [row["id"] for row in api.get(RUNS).json()["results"]] == [told["id"]]
    assert api.post_json(f"{one}cancel/").json()["state"] == "succeeded"
    assert api.post_json(f"{one}resume/").json()["state"] == "queued"
    for path in (one, f"{one}results/"):
        assert other_api.get(path).status_code == 404
    assert other_api.delete(one).status_code == 404
    assert api.delete(one).status_code == 204
    assert not LabRun.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"profile_a": {"mode": "telepathy"}}, "profile_a"),
        ({"profile_b": {"nonsense": 1}}, "profile_b"),
        ({"profile_b": []}, "profile_b"),
        ({"profile_a": {"rerank": "endpoint", "rerank_endpoint": "x"}}, "profile_a"),
        ({"k": 0}, "k"),
        ({"collections": []}, "collections"),
    ],
)
def test_what_makes_no_sense_is_refused(
    cases: Any,  # noqa: F811
    api: Any,
    changes: dict[str, Any],
    field: str,
) -> None:
    body = {
        "dataset": str(cases.pk), "version": 0,
        "collections": [str(Collection.objects.get().pk)],
    }  # fmt: skip
    refused = api.post_json(RUNS, body | changes)
    assert refused.status_code == 400
    assert list(refused.json()["errors"]) == [field]
    assert not LabRun.objects.exists()
