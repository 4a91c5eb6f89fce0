"""Brackets in an answer: citations in prose, and what only looks like them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.assistants.answering.citations import CitationFilter, asks_for_parentheses
from apps.core.citations import find_citations, remove_citations
from apps.core.markdown import CitationLink, render_answer


def clean(text: str, *, passages: int = 5, size: int = 4, parentheses: bool = False) -> str:
    citations = CitationFilter(passages, parentheses=parentheses)
    pieces = [citations.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return "".join([*pieces, citations.finish()])


def cited(text: str) -> list[int]:
    return [marker.numbers[0] for marker in find_citations(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Safe for pressures in [0, 3] bar, unsafe in [4-9] bar.",
        "The array a[2] holds it, and so does m[12].",
        "`items[1]` and ``x[2]`` are code.",
        "```python\nparts = [1]\nsecond = arr[1]\n```",
        "~~~\nsee [1]\n~~~",
        "parts = [1]",
        "M = [[1, 2], [3, 4]]",
        "grid[3][4] is set.",
        'The reply is {"ids": [1, 2]}.',
        "x lies between [2, 4] and more.",
        "The values are [10, 20, 30].",
        "item_list[2] and self.rows[1] and myList[3] are fields.",
        "Safe is the interval [1, 2].",
        "Written \\[1\\] it is no marker.",
    ],
)
def test_what_is_no_citation_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert cited(text) == []
    links = {n: CitationLink(n, "/u", "label") for n in range(1, 6)}
    assert "data-citation" not in render_answer(text, citations=links)


@pytest.mark.parametrize(
    ("text", "shown", "numbers"),
    [
        ("12 litres [1].", "12 litres [1].", [1]),
        ("12 litres[1] an hour", "12 litres[1] an hour", [1]),
        ("**12 litres**[1] an hour", "**12 litres**[1] an hour", [1]),
        ("12 litres【1†source】.", "12 litres[1].", [1]),
        ("12 litres ［2］.", "12 litres [2].", [2]),
        ("See [source 2].", "See [2].", [2]),
        ("So it is [1, 3].", "So it is [1][3].", [1, 3]),
        ("50 m[1] high, CO2[2], vitamin C[3].", "50 m[1] high, CO2[2], vitamin C[3].", [1, 2, 3]),
        ("| 12 litres | [1] |", "| 12 litres | [1] |", [1]),
        ("Invented [9].", "Invented .", []),
        ("It follows from the data[1]. It is in the list[2].",
         "It follows from the data[1]. It is in the list[2].", [1, 2]),
    ],
)  # fmt: skip
def test_citations(text: str, shown: str, numbers: list[int]) -> None:
    assert clean(text) == shown
    assert cited(shown) == numbers


def test_parentheses_count_where_the_prompt_asked_for_them() -> None:
    assert asks_for_parentheses("Cite sources as (1), (2).")
    assert not asks_for_parentheses("Cite sources as [1], not as (1).")
    assert not asks_for_parentheses("Use at most two (2) sentences.")
    text = "It is 12 (1). f(2) is not.\n(1) First\n(2) Second"
    assert clean(text) == text
    assert clean(text, parentheses=True) == "It is 12 [1]. f(2) is not.\n(1) First\n(2) Second"


@given(st.text(alphabet="ab [](){}=`\n.,0123456789【】†", max_size=60), st.integers(1, 7))
def test_how_a_stream_is_cut_changes_nothing(text: str, size: int) -> None:
    assert clean(text, size=size) == clean(text, size=1000)


def test_removing_them_leaves_the_rest() -> None:
    assert remove_citations("arr[1] is 12 [1].") == "arr[1] is 12 ."


@pytest.mark.parametrize(
    "text",
    [
        "Choose option [7] on the panel.",
        "Set register [0] to 5.",
        "See error [12].",
        "It [9] needs",
    ],
)
def test_a_number_that_no_passage_has_is_not_taken_out_of_a_sentence(text: str) -> None:
    assert clean(text) == text
    links = {n: CitationLink(n, "/u", "label") for n in range(1, 6)}
    assert "[" in render_answer(text, citations=links)
