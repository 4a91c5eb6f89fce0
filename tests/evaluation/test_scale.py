"""Pages over many scores: as many queries as over few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.evaluation.models import Score
from tests.evaluation.scale import make_large_experiment

pytestmark = pytest.mark.django_db
ClientFor = Callable[[Any], Client]
PAGES = ("evaluate/", "evaluate/experiments/{id}/", "evaluate/experiments/{id}/compare/")
MOST_QUERIES = {"evaluate/": 12, "evaluate/experiments/{id}/": 16}


def count_queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


def test_pages_ask_as_much_for_many_scores_as_for_few(
    workspace: Any, other_workspace: Any, owner: Any, stranger: Any, client_for: ClientFor
) -> None:
    many = make_large_experiment(workspace, scores=10_000)
    few = make_large_experiment(other_workspace, scores=400)
    assert Score.objects.filter(experiment=many).count() == 10_000
    for page in PAGES:
        large = count_queries(client_for(owner), f"/w/{workspace.slug}/{page.format(id=many.pk)}")
        small = count_queries(
            client_for(stranger), f"/w/{other_workspace.slug}/{page.format(id=few.pk)}"
        )
        assert large == small, page
        assert 4 <= large <= MOST_QUERIES.get(page, 40), page
