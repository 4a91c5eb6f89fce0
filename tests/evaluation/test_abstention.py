"""The experiment page says how well each release declines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.evaluation.experiments.abstention import view_abstention
from apps.evaluation.experiments.selectors import list_releases
from apps.evaluation.models import Experiment
from tests.evaluation.helpers import CASES, NOWHERE

ClientFor = Callable[[Any], Client]
pytestmark = pytest.mark.django_db(transaction=True)


def cells(experiment: Experiment) -> dict[str, list[tuple[str, str]]]:
    rows = view_abstention(experiment, list_releases(experiment))
    return {row.term: [(cell.shown, cell.counts) for cell in row.cells] for row in rows}


def test_each_release_is_told_when_it_declines(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    """Three questions have an answer, one has none; release 2 has no documents and declines all."""
    assert [case.get("is_answerable", True) for case in CASES] == [True, True, True, False]
    assert cells(finished) == {
        "recall of declining": [("100.0 %", "1 of 1"), ("100.0 %", "1 of 1")],
        "precision of declining": [("100.0 %", "1 of 1"), ("25.0 %", "1 of 4")],
        "false refusals": [("0.0 %", "0 of 3"), ("100.0 %", "3 of 3")],
    }
    page = client_for(owner).get(f"/w/acme/evaluate/experiments/{finished.pk}/").content.decode()
    assert "Was right to decline (precision of declining)" in page
    assert "1 of 4" in page


def test_a_rate_of_nothing_is_no_rate(finished: Experiment) -> None:
    first = finished.items.filter(release__number=1)
    first.update(is_declined=False)
    assert cells(finished)["recall of declining"][0] == ("0.0 %", "0 of 1")
    assert cells(finished)["precision of declining"][0] == ("\u2013", "")


def test_nothing_is_said_where_nobody_could_decline_rightly_and_nobody_did(
    finished: Experiment,
) -> None:
    finished.items.filter(example__question=NOWHERE).delete()
    finished.items.update(is_declined=False)
    assert cells(finished) == {}


def test_it_takes_one_query(
    finished: Experiment, django_assert_num_queries: Callable[[int], Any]
) -> None:
    releases = list_releases(finished)
    with django_assert_num_queries(1):
        view_abstention(finished, releases)
