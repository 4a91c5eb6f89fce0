"""Choosing a model: hard facts first, then an experiment on the same recipe with each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import change_recipe
from apps.evaluation.experiments.model_choice import ModelDemand, find_reasons
from apps.evaluation.models import Experiment
from apps.gateway.models import Endpoint
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from inference.stub_server import serve_in_thread
from tests.evaluation.helpers import AT_ONCE, make_assistant, make_version
from tests.workers.helpers import run_all

ClientFor = Callable[[Any], Client]


def test_what_is_not_known_does_not_fit() -> None:
    known = Endpoint(
        licence="Apache-2.0", is_private=True, context_tokens=8192, size_b=8, output_price=0
    )
    unknown = Endpoint(context_tokens=4096, output_price=20)
    demand = ModelDemand("apache", True, 8000, 10, 5)
    assert find_reasons(known, demand) == []
    assert find_reasons(unknown, demand) == [
        "Its licence is not noted.",
        "Questions leave your own servers.",
        "It reads 4,096 tokens.",
        "Its size is not noted.",
        "A million tokens cost $20.00.",
    ]
    assert find_reasons(unknown, ModelDemand()) == []


@pytest.mark.django_db(transaction=True)
def test_models_are_compared_on_the_same_recipe(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace)
    version = make_version(workspace)
    client = client_for(owner)
    path = f"/w/{workspace.slug}/assistants/{assistant.slug}/models/"
    with serve_in_thread(AT_ONCE) as stub:
        fields = EndpointFields(
            name="House", base_url=stub.base_url, model="house-8b", licence="MIT", is_private=True
        )
        endpoint = save_endpoint(workspace, fields=fields, actor=Actor())
        for name in ("min_context", "least_context"):  # the latter in addresses that people kept
            page = client.get(path, {name: 100_000}).content.decode()
            assert "Left out: It reads 8,192" in page
            assert f'value="{100_000}"' in page
        alone = client.post(path, {"with_reader": "on", "dataset_version": version.pk})
        assert alone.status_code == 422
        made = client.post(
            path,
            {"with_reader": "on", "endpoints": [endpoint.pk], "dataset_version": version.pk},
        )
        assert made.status_code == 302
        run_all()
    experiment = Experiment.objects.get()
    assert (experiment.state, experiment.done) == ("done", 8)
    numbers = list(experiment.releases.order_by("number").values_list("number", flat=True))
    assert numbers == [1, 2]
    assert experiment.releases.get(number=2).endpoint == endpoint
    page = client.get(f"{made['Location']}analysis/").content.decode()
    assert "house-8b" in page
    assert "Release 1 (built-in reader) is the choice" in page or "Every release buys" in page


@pytest.mark.django_db
def test_a_recipe_that_asks_the_model_is_not_compared_with_the_reader(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    assistant, version = make_assistant(workspace), make_version(workspace)
    fields = EndpointFields(name="House", base_url="http://127.0.0.1:9/v1", model="m")
    endpoint = save_endpoint(workspace, fields=fields, actor=Actor())
    change = RecipeChange(endpoint=endpoint, retrieval={"hyde": True})
    change_recipe(assistant, change=change, actor=Actor())
    path = f"/w/{workspace.slug}/assistants/{assistant.slug}/models/"
    sent = {"with_reader": "on", "endpoints": [endpoint.pk], "dataset_version": version.pk}
    refused = client_for(owner).post(path, sent)
    assert refused.status_code == 422
    assert "The built-in reader has no model for this." in refused.content.decode()
    assert not Experiment.objects.exists()
