"""Near duplicates and leaks: similarities by hand, and the page that shows them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.datasets import likeness
from apps.datasets.examples import ExampleFields
from apps.datasets.likeness import find_across, find_pairs, group, jaccard, trigrams
from apps.datasets.models import Example
from apps.datasets.services import add_example, create_dataset
from apps.prompts.models import Prompt, PromptVersion
from apps.workspaces.services import Actor


def test_similarity_by_hand() -> None:
    # " ab " and " abc ": { ab,ab } and { ab,abc,bc } share one of four.
    assert trigrams("Ab!") == {" ab", "ab "}
    assert jaccard(trigrams("ab"), trigrams("abc")) == 1 / 4
    assert jaccard(trigrams("How long?"), trigrams("how  LONG")) == 1.0
    assert jaccard(trigrams(""), trigrams("?")) == 1.0


def test_pairs_and_groups() -> None:
    texts = ["How long is the notice period?", "Who pays?", "How long is a notice period?",
             "how long is the notice period", "Who pays"]  # fmt: skip
    pairs = find_pairs(texts)
    assert [(pair.first, pair.second) for pair in pairs][:2] == [(0, 3), (1, 4)]
    assert group(pairs) == [[0, 2, 3], [1, 4]]
    [across] = find_across(["Who pays?"], ["How?", "who pays"])
    assert (across.first, across.second, across.similarity) == (0, 1, 1.0)


def test_many_texts_are_found_like_few(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    words = [f"{a}{b}" for a in ("lo", "mi", "ta", "ru", "se") for b in ("n", "kat", "po", "mel")]
    texts = [" ".join(chance.choices(words, k=8)) for _ in range(250)]
    texts += [f"{text} now" for text in texts[:25]]
    few = find_pairs(texts, least=0.8)
    monkeypatch.setattr(likeness, "ALL_PAIRS", 10)
    assert find_pairs(texts, least=0.8) == few
    assert len(few) >= 25


@pytest.mark.django_db
def test_the_page(
    workspace: Any, editor: Any, client_for: Callable[[Any], Client], api: Any, other_api: Any
) -> None:
    dataset = create_dataset(workspace, name="Leave", actor=Actor())
    for question in (
        "How long is the notice period?",
        "How long is the notice period",
        "Who pays?",
    ):
        add_example(dataset, fields=ExampleFields(question), actor=Actor())
    prompt = Prompt.objects.create(workspace=workspace, name="Desk")
    PromptVersion.objects.create(
        workspace=workspace, prompt=prompt, number=1, system="s", user="{{ question }}",
        parts={"examples": [{"question": "Who pays?", "answer": "We do."}]},
    )  # fmt: skip
    client = client_for(editor)
    address = f"/w/acme/evaluate/datasets/{dataset.pk}/versions/0/check/"
    page = client.get(address).content.decode()
    assert "1 example could go" in page
    assert "Desk v1 has the worked example “Who pays?”" in page
    rest = f"/api/v1/datasets/{dataset.pk}/checks/"
    told = api.get(rest).json()
    assert [len(group) for group in told["duplicates"]] == [2]
    [leak] = told["leaks"]
    assert (leak["prompt_name"], leak["prompt_version"], leak["similarity"]) == ("Desk", 1, 1.0)
    assert leak["question"] == leak["shown"] == "Who pays?"
    assert api.get(f"{rest}?version=x").status_code == 400
    assert other_api.get(rest).status_code == 404
    twin = Example.objects.get(question="How long is the notice period")
    bulk = f"/w/acme/evaluate/datasets/{dataset.pk}/examples/bulk/"
    client.post(bulk, {"chosen": [str(twin.pk)], "action": "remove"})
    assert "No two questions are alike" in client.get(address).content.decode()


@given(st.text("ab c", max_size=12), st.text("ab c", max_size=12))
@settings(max_examples=60, deadline=None)
def test_likeness_is_nltks_jaccard_of_trigrams(first: str, second: str) -> None:
    from nltk.metrics.distance import jaccard_distance

    a, b = trigrams(first), trigrams(second)
    assert jaccard(a, b) == pytest.approx(1 - jaccard_distance(set(a), set(b)))
    alike = find_across([first], [second], least=0.5)
    assert bool(alike) == (jaccard(a, b) >= 0.5)
