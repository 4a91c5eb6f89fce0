"""Profiles: to JSON and back, what they refuse, and what they say about themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.retrieval.search.profiles import DEFAULT_PROFILE, ProfileError, RetrievalProfile


def test_goes_to_json_and_back() -> None:
    profile = RetrievalProfile(
        mode="vector", limit=3, vector_weight=0.25, rerank="late", recency=0.5, neighbours=2
    )

    assert RetrievalProfile.parse(json.loads(json.dumps(profile.to_json()))) == profile


def test_what_releases_stored_before_there_were_profiles_still_parses() -> None:
    profile = RetrievalProfile.parse({"mode": "lexical", "limit": 8})

    assert (profile.mode, profile.limit) == ("lexical", 8)
    assert profile.candidates == DEFAULT_PROFILE.candidates
    assert RetrievalProfile.parse({}) == RetrievalProfile.parse(None) == DEFAULT_PROFILE


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"mode": "magic"}, "mode"),
        ({"mode": ["hybrid"]}, "mode"),
        ({"limit": 0}, "limit"),
        ({"limit": 51}, "limit"),
        ({"limit": 2.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": "6"}, "limit"),
        ({"limit": None}, "limit"),
        ({"diversity": 1.1}, "diversity"),
        ({"recency": float("nan")}, "recency"),
        ({"parents": 1}, "parents"),
        ({"filters": 7}, "filters"),
        ({"filters": "x" * 2_001}, "filters"),
        ({"rerank": "endpoint"}, "rerank_endpoint"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_refuses_what_it_cannot_be(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError) as raised:
        RetrievalProfile.parse(values)

    assert raised.value.field == field


def test_whole_numbers_stay_whole() -> None:
    changed = DEFAULT_PROFILE.change({"limit": 4.0, "vector_weight": 1})

    assert json.dumps([changed.limit, changed.vector_weight]) == "[4, 1.0]"


def test_says_what_it_does() -> None:
    profile = RetrievalProfile(
        vector_weight=0.4, rerank="late", diversity=0.3, limit=1, neighbours=1, parents=False
    )

    assert profile.describe() == [
        "Follow-ups are completed by rules",
        "Search by words and meaning",
        "Meaning counts 40%, words the rest",
        "The best 20 are compared word by word",
        "Variety counts 30%",
        "1 passage to read",
        "Each with 1 before and after it",
    ]


def test_names_what_differs() -> None:
    other = RetrievalProfile(mode="lexical", limit=9)

    assert DEFAULT_PROFILE.differences(other) == [("mode", "hybrid", "lexical"), ("limit", 6, 9)]


def test_no_fewer_passages_are_looked_at_than_are_read() -> None:
    """A release from before this was refused stays valid, and says what takes place."""
    profile = RetrievalProfile.parse({"candidates": 5, "limit": 8})
    assert profile.num_candidates == 8
    assert "8 are looked at, not 5, as so many are read" in profile.describe()
