"""Wrong answers and false refusals stand side by side, on the page and over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.evaluation.models import Experiment, ItemPassage
from tests.evaluation.helpers import LEAVE, TRAINS

ClientFor = Callable[[Any], Client]
pytestmark = pytest.mark.django_db(transaction=True)


def rows(api: Any, experiment: Experiment) -> list[list[Any]]:
    body = api.get(f"/api/v1/experiments/{experiment.pk}/mistakes/").json()
    assert body["metric"] == "token_f1"
    return [
        [row[name] for name in ("release", "asked", "wrong", "declined", "at_hand", "unknown")]
        for row in body["rows"]
    ]


def test_wrong_answers_stand_beside_false_refusals(
    finished: Experiment, api: Any, owner: Any, client_for: ClientFor
) -> None:
    """Three questions have answers. Release 1 repeats them; release 2 has no documents."""
    assert rows(api, finished) == [[1, 3, 0, 0, 0, 0], [2, 3, 0, 3, 0, 0]]
    # Release 1 declines two questions whose passages it had: one is labelled with its passage, the
    # other with the answer's words. A third answer is wrong.
    own = finished.items.filter(release__number=1, example__is_answerable=True)
    own.filter(example__question__in=[LEAVE, TRAINS]).update(is_declined=True)
    wrong = own.get(is_declined=False)
    wrong.scores.filter(metric="token_f1").update(value=0.49)
    assert rows(api, finished)[0] == [1, 3, 1, 2, 2, 0]
    # Without its passages the first of them is a fault of the search.
    ItemPassage.objects.filter(item__in=own, item__example__question=LEAVE).delete()
    assert rows(api, finished)[0] == [1, 3, 1, 2, 1, 0]
    page = client_for(owner).get(f"/w/acme/evaluate/experiments/{finished.pk}/").content.decode()
    panel = page.split('id="mistakes-title"')[1].split("</section>")[0]
    assert "below the middle of Same words as expected (token F1)" in panel
    assert "66.7 %" in panel


def test_a_refusal_that_nobody_can_check_is_said_to_be_so(finished: Experiment, api: Any) -> None:
    item = finished.items.get(release__number=2, example__question=TRAINS)
    item.example.expected_answer = ""
    item.example.save()
    assert rows(api, finished)[1] == [2, 3, 0, 3, 0, 1]
