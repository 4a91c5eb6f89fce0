"""The sentence splitter on the text that documents really hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.sentences import MAX_SENTENCE, split_sentences


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith met J. R. Doe on Jan. 5. He left.", None),
        ("See Sec. 4.2 and e.g. Form 9. It cost $3.5 million.", None),
        ("The U.S. Army moved. It won.", ["The U.S. Army moved.", "It won."]),
        ('"Stop." He ran.', ['"Stop."', "He ran."]),
        ("As shown [1]. And (see below.) Then it ended.[2] Good.", None),
        ("Wait... what is this? Fine.", ["Wait... what is this?", "Fine."]),
        ("東京は首都です。人口は多い！本当？", ["東京は首都です。", "人口は多い！", "本当？"]),
        ("Born in 1990. Died in 2020.", ["Born in 1990.", "Died in 2020."]),
        ("No stop at the end", ["No stop at the end"]),
        ("", []),
        (" \n\n ... \n", []),
    ],
)
def test_prose(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = {
            "Dr.": ["Dr. Smith met J. R. Doe on Jan. 5.", "He left."],
            "See": ["See Sec. 4.2 and e.g. Form 9.", "It cost $3.5 million."],
            "As ": ["As shown [1].", "And (see below.)", "Then it ended.[2]", "Good."],
        }[text[:3]]
    assert texts(text) == expected


def test_headings_lists_and_tables_keep_to_themselves() -> None:
    text = (
        "# Leave policy\nEmployees get 25 days.\n\nNotice period\n\n"
        "- First item. It goes on.\n- Second item\n2. Third\n\n"
        "| Name | Days |\n|------|------|\n| Ada  | 25   |\n\nPlan\tPrice\nPro\t20\n"
    )
    assert [(s.kind, s.text) for s in split_sentences(text)] == [
        ("heading", "# Leave policy"),
        ("prose", "Employees get 25 days."),
        ("heading", "Notice period"),
        ("item", "First item."),
        ("item", "It goes on."),
        ("item", "Second item"),
        ("item", "Third"),
        ("row", "| Name | Days |"),
        ("row", "| Ada  | 25   |"),
        ("row", "Plan\tPrice"),
        ("row", "Pro\t20"),
    ]


def test_hard_wrapped_lines_are_one_sentence() -> None:
    text = "The committee met on the first Monday of the month\nand decided\nto wait. It rose."
    assert texts(text) == [
        "The committee met on the first Monday of the month\nand decided\nto wait.",
        "It rose.",
    ]


def test_short_lines_are_sentences_of_their_own() -> None:
    assert texts("Name: Ada\nRole: Engineer") == ["Name: Ada", "Role: Engineer"]


@given(st.text(alphabet="aB1 .!?\n|\t-#。中", max_size=300))
def test_offsets_always_point_at_the_text(text: str) -> None:
    end = 0
    for sentence in split_sentences(text):
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text == sentence.text.strip() != ""
        assert sentence.start >= end
        end = sentence.end


def test_text_without_punctuation_is_cut() -> None:
    pieces = split_sentences("word " * 1000)
    assert all(len(piece.text) <= MAX_SENTENCE for piece in pieces)
    assert " ".join(piece.text for piece in pieces).split() == ["word"] * 1000
