"""Which words a text is found by."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.retrieval.postings.terms import (
    MAX_QUERY_TERMS,
    MAX_TERM_CHARS,
    count_terms,
    iter_terms,
    query_terms,
)


def terms_of(text: str) -> list[str]:
    return list(iter_terms(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running runners run", ["run", "runner", "run"]),
        ("The end of the line", ["end", "line"]),
        ("the WHO and the US", ["who", "us"]),
        ("Café naïve Ångström STRASSE straße", ["cafe", "naiv", "angstrom", "strass", "strass"]),
        ("cafe\u0301", ["cafe"]),
        ("parseURL", ["parseurl", "pars", "url"]),
        ("max_tokens", ["max_tokens", "max", "token"]),
        ("__init__", ["init"]),
        ("well-known", ["well-known", "well", "known"]),
        ("docs.python.org", ["docs.python.org", "doc", "python", "org"]),
        ("U.S.A.", ["usa"]),
        ("the dog's don't l'eau", ["dog", "dont", "eau"]),
        ("C++ and C#", ["c++", "c#"]),
        ("COVID-19", ["covid-19", "covid", "19"]),
        ("1,000.50 and 3.11.2 but 12,5", ["1000.50", "3.11.2", "12", "5"]),
        ("ﬁnance ＦＵＬＬ", ["financ", "full"]),
        ("Привет Йогурт", ["привет", "иогурт"]),
        ("\x00 !!! …", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert terms_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京都", ["東京", "京都"]),
        ("人", ["人"]),
        ("한국어 검색", ["한국", "국어", "검색"]),
        ("ｶﾀｶﾅ", ["カタ", "タカ", "カナ"]),
        ("がぎ", ["がぎ"]),
        ("Python入門", ["python", "入門"]),
        ("東京、京都", ["東京", "京都"]),
    ],
)
def test_scripts_without_spaces_become_pairs_of_characters(text: str, expected: list[str]) -> None:
    assert terms_of(text) == expected


def test_a_term_is_never_longer_than_its_column() -> None:
    assert terms_of("x" * 500) == ["x" * MAX_TERM_CHARS]


def test_counts_are_per_term() -> None:
    assert count_terms("cat cats dog") == {"cat": 2, "dog": 1}


def test_a_question_is_limited() -> None:
    many = query_terms(" ".join(f"word{n:03}x" for n in range(500)))

    assert len(many) == MAX_QUERY_TERMS


@given(st.text(max_size=200))
def test_terms_can_be_stored_whatever_the_text(text: str) -> None:
    """COPY writes them without escaping."""
    for term in terms_of(text):
        assert 0 < len(term) <= MAX_TERM_CHARS
        assert not set(term) & set("\t\n\r\\\0")
        term.encode()


@given(st.text(max_size=60))
def test_a_text_is_found_by_itself(text: str) -> None:
    assert set(query_terms(text)) <= set(terms_of(text))


def test_threads_do_not_disturb_each_other() -> None:
    words = [f"running{n} nationalities flies" for n in range(400)]
    alone = [terms_of(word) for word in words]
    results: list[list[list[str]]] = []
    threads = [
        threading.Thread(target=lambda: results.append([terms_of(word) for word in words]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [alone] * 4
