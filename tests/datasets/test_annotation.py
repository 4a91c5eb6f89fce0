"""Annotation over HTTP: two people, their labels, how well they agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.datasets.annotation.services import compare_annotators
from apps.datasets.examples import ExampleFields
from apps.datasets.models import Annotation, AnnotationTask, Dataset
from apps.datasets.services import add_example, create_dataset, freeze
from apps.workspaces.services import Actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(workspace: Any) -> Dataset:
    found = create_dataset(workspace, name="Leave", actor=Actor())
    for number in range(4):
        add_example(found, fields=ExampleFields(f"Question {number}?"), actor=Actor())
    freeze(found, actor=Actor())
    return found


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def begin(client: Client, dataset: Dataset, **changes: str) -> Any:
    values = {"name": "Right?", "version": "1", "labels": "right, wrong"}
    values["guidelines"] = "Look it up."
    return client.post(f"/w/acme/evaluate/datasets/{dataset.pk}/annotation/", values | changes)


def label_all(client: Client, address: str, labels: list[str]) -> Any:
    """Label as the page leads, one after the other; returns where it ends."""
    for label in labels:
        page = client.get(address).content.decode()
        [example] = re.findall(r'name="example" value="([0-9a-f-]+)"', page)
        client.post(address, {"example": example, "label": label})
    return client.get(address)


def test_two_people_and_their_kappa(
    dataset: Dataset, owner: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    first, second = client_for(owner), client_for(editor)
    address = begin(first, dataset)["Location"]
    assert "Look it up." in text_of(first.get(address))
    assert "One person is not enough" in text_of(first.get(f"{address}agreement/"))
    done = label_all(first, address, ["right", "right", "wrong", "wrong"])
    assert done["Location"] == f"{address}agreement/"
    label_all(second, address, ["right"])
    blind = text_of(second.get(f"{address}agreement/"))
    assert "Question" not in blind
    label_all(second, address, ["wrong", "wrong", "wrong"])
    # Same on 3 of 4; by chance .5 x .25 + .5 x .75 = .5; kappa = (.75 - .5) / (1 - .5).
    task = AnnotationTask.objects.get()
    [pair], [differing] = compare_annotators(task)
    assert (pair.count, pair.same, pair.kappa) == (4, 0.75, 0.5)
    assert pair.strength == "moderate"
    assert differing.example.question == "Question 1?"
    page = text_of(second.get(f"{address}agreement/"))
    assert "75 %" in page
    assert "Question 1?" in page
    assert first.post(f"{address}delete/").status_code == 302
    assert not Annotation.objects.exists()


def test_only_what_is_on_the_page_is_taken(
    dataset: Dataset, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    assert begin(client, dataset, labels="right").status_code == 422
    assert begin(client, dataset, version="7").status_code == 422
    address = begin(client, dataset)["Location"]
    draft = dataset.versions.get(number=0).examples.first()
    frozen = dataset.versions.get(number=1).examples.order_by("position").first()
    assert draft is not None
    assert frozen is not None
    for values in (
        {"example": str(frozen.pk), "label": "odd"},
        {"example": str(draft.pk), "label": "right"},
        {"example": "x", "label": "right"},
    ):
        assert client.post(address, values).status_code == 400
    later = client.post(address, {"example": str(frozen.pk), "later": "1"})
    assert "Question 1?" in text_of(client.get(later["Location"]))
    assert not Annotation.objects.exists()
    tasks = text_of(client.get(f"/w/acme/evaluate/datasets/{dataset.pk}/annotation/"))
    assert "Right?" in tasks
