"""The question of a search: what follows from it, and that this is computed once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from apps.retrieval.search.query import SearchQuery
from inference.protocols import Vectors


class CountingEmbedder:
    """Knows its questions; the vector of each is the number of questions so far."""

    name = "counting"

    def __init__(self) -> None:
        self.questions: list[str] = []

    def encode_query(self, text: str) -> Vectors:
        self.questions.append(text)
        return np.full(3, len(self.questions), np.float32)


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch) -> CountingEmbedder:
    embedder = CountingEmbedder()
    monkeypatch.setattr("apps.retrieval.search.query.get_embedder", lambda *names: embedder)
    return embedder


def ask(text: str = "notice period", **values: Any) -> SearchQuery:
    return SearchQuery(uuid4(), [uuid4()], text, **values)


@pytest.mark.parametrize(
    ("values", "num_hits", "num_candidates"),
    [
        ({"limit": 8}, 8, 50),
        ({"limit": 0}, 1, 50),
        ({"limit": 50}, 50, 60),
        ({"limit": 51}, 50, 60),
        ({"limit": 8, "candidates": 200}, 8, 200),
        ({"limit": 8, "candidates": 201}, 8, 200),
        ({"limit": 8, "candidates": 17}, 8, 18),
        ({"limit": 8, "mode": "lexical", "candidates": 200}, 8, 18),
        ({"limit": 8, "mode": "vector", "candidates": 200}, 8, 18),
    ],
)
def test_lists_are_as_long_as_what_is_made_of_them(
    values: dict[str, Any], num_hits: int, num_candidates: int
) -> None:
    query = ask(**values)

    assert (query.num_hits, query.num_rows) == (num_hits, num_hits + 10)
    assert query.num_candidates == num_candidates


def test_the_question_is_embedded_once(embedder: CountingEmbedder) -> None:
    query = ask("  notice\x00 period ")

    assert query.embedding is query.embedding
    assert embedder.questions == ["notice period"]


def test_a_vector_that_is_there_is_not_computed(embedder: CountingEmbedder) -> None:
    vector = np.ones(3, np.float32)

    assert ask(vector=vector).embedding is vector
    assert embedder.questions == []


def test_words_alone_ask_no_model(embedder: CountingEmbedder) -> None:
    query = ask(mode="lexical", vector=np.ones(3, np.float32))

    assert (query.embedding, query.model_name) == (None, "")
    assert dict(query.terms) == {"notic": 1, "period": 1}
    assert embedder.questions == []


def test_meaning_alone_has_no_terms(embedder: CountingEmbedder) -> None:
    query = ask(mode="vector")

    assert query.terms == {}
    assert query.model_name == "counting"


def test_a_model_of_its_own_is_named_as_it_is(embedder: CountingEmbedder) -> None:
    assert ask(model="bge-m3").model_name == "bge-m3"
