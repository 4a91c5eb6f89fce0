"""Cutting pages into passages. One token is one word here, and one character of unspaced text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.chunking.splitters import Piece, SplitParams, split_pages
from apps.chunking.units import PageText, join_pages

SMALL = SplitParams(target=40, cap=50, overlap=8, room=120)
WORD = re.compile(r"[一-鿿ぁ-ヿ]|[^\W一-鿿ぁ-ヿ]+|[^\w\s]")


def count_tokens(texts: Sequence[str]) -> list[int]:
    return [len(WORD.findall(text)) for text in texts]


def make_pages(*texts: str, blocks: Sequence[Sequence[object]] = ()) -> list[PageText]:
    """Pages with their offsets; `blocks` are those of the first."""
    pages, start = [], 0
    for number, text in enumerate(texts, 1):
        pages.append(PageText(number, text, start, blocks if number == 1 else ()))
        start += len(text) + 2
    return pages


def split(pages: Sequence[PageText], params: SplitParams = SMALL) -> list[Piece]:
    return split_pages(pages, params=params, count_tokens=count_tokens)


def texts_of(pages: Sequence[PageText], pieces: Sequence[Piece]) -> list[str]:
    full = join_pages([page.text for page in pages])
    return [full[piece.start : piece.end] for piece in pieces]


def sentence(number: int, words: int = 10) -> str:
    return " ".join([f"Number{number}", *["word"] * (words - 2)]) + "."


def make_markdown(*parts: tuple[str, int, str]) -> list[PageText]:
    """One page of (kind, level, text) blocks."""
    blocks: list[list[object]] = []
    text = ""
    for kind, level, part in parts:
        text += "\n\n" if text else ""
        blocks.append([kind, level, len(text), len(text) + len(part)])
        text += part
    return make_pages(text, blocks=blocks)


def assert_sound(pages: Sequence[PageText], pieces: Sequence[Piece], params: SplitParams) -> None:
    full = join_pages([page.text for page in pages])
    covered = [False] * len(full)
    for piece in pieces:
        text = full[piece.start : piece.end]
        assert text
        assert text == text.strip()
        size, heading = count_tokens([text, piece.heading])
        assert size <= params.cap
        assert size + heading <= params.room
        assert piece.first_page <= piece.last_page
        covered[piece.start : piece.end] = [True] * len(text)
    lost = {full[i] for i, seen in enumerate(covered) if not seen and not full[i].isspace()}
    assert not lost
    assert [piece.start for piece in pieces] == sorted(piece.start for piece in pieces)


# What must hold for any text

ALPHABET = st.sampled_from(
    [
        *"abcXYZ019.,!?;:-_'\"()#|。、東京はéß😀\t \n",
        " ",
        "\n\n",
        "word ",
        "Sentence one. ",
        "e.g. ",
        "x" * 300,
        "漢字" * 40,
        "a-b_c.d/" * 20,
    ]
)
TEXT = st.lists(ALPHABET, max_size=120).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> list[PageText]:
    texts = draw(st.lists(TEXT, min_size=1, max_size=4))
    pages, start = [], 0
    for number, text in enumerate(texts, 1):
        offset = st.integers(0, len(text))
        block = st.tuples(
            st.sampled_from(["heading", "paragraph", "table", "code", "list"]),
            st.integers(1, 4), offset, offset,
        )  # fmt: skip
        pages.append(PageText(number, text, start, draw(st.lists(block, max_size=6))))
        start += len(text) + 2
    return pages


@hypothesis_settings(max_examples=150, deadline=None)
@given(pages=documents())
@example(pages=make_pages("x" * 5000))
@example(pages=make_pages("", " \n ", "\n\n"))
def test_no_text_is_lost_and_no_passage_is_too_large(pages: list[PageText]) -> None:
    assert_sound(pages, split(pages), SMALL)


@hypothesis_settings(max_examples=60, deadline=None)
@given(pages=documents())
def test_the_same_pages_give_the_same_passages(pages: list[PageText]) -> None:
    assert split(pages) == split(pages)


@pytest.mark.parametrize("text", ["", " \n\n\t ", "\u3000"])
def test_blank_pages_have_no_passages(text: str) -> None:
    assert split(make_pages(text)) == []


# Sizes and borders


def test_a_short_text_is_one_passage() -> None:
    pages = make_pages("  Only this.  \n")

    pieces = split(pages)

    assert pieces == [Piece(start=2, end=12, heading="", first_page=1, last_page=1, num_tokens=3)]


def test_long_prose_is_cut_evenly_and_between_sentences() -> None:
    pages = make_pages(" ".join(sentence(n) for n in range(12)))  # 120 tokens, target 40

    pieces = split(pages, SplitParams(target=40, cap=50, overlap=0, room=120))

    assert [piece.num_tokens for piece in pieces] == [40, 40, 40]
    assert all(text.endswith(".") for text in texts_of(pages, pieces))


def test_neighbours_share_the_sentence_at_their_border() -> None:
    pages = make_pages(" ".join(sentence(n) for n in range(12)))

    pieces = split(pages, SplitParams(target=40, cap=50, overlap=10, room=120))

    for before, after in pairwise(pieces):
        shared = count_tokens(texts_of(pages, [before])[0][after.start - before.start :].split())
        assert sum(shared) == 10


def test_a_paragraph_end_is_preferred_to_a_sentence_end() -> None:
    first = " ".join(sentence(n) for n in range(3))  # 30 tokens; the even cut would be at 40
    rest = " ".join(sentence(n) for n in range(3, 8))
    pages = make_pages(f"{first}\n\n{rest}")

    pieces = split(pages)

    assert texts_of(pages, pieces)[0] == first


def test_a_page_end_is_preferred_and_a_passage_may_span_pages() -> None:
    pages = make_pages(
        " ".join(sentence(n) for n in range(3)),
        sentence(3),
        " ".join(sentence(n) for n in range(4, 8)),
    )

    pieces = split(pages, SplitParams(target=40, cap=50, overlap=0, room=120))

    assert [(piece.first_page, piece.last_page) for piece in pieces] == [(1, 2), (3, 3)]


def test_abbreviations_do_not_end_sentences() -> None:
    words = " ".join(["word"] * 30)
    pages = make_pages(f"{words} e.g. Paris. Then {words}.")

    assert texts_of(pages, split(pages))[0].endswith("Paris.")


def test_japanese_is_cut_at_its_own_full_stops() -> None:
    pages = make_pages("東京は日本の首都である。" * 20)  # 12 tokens each

    pieces = split(pages)

    assert len(pieces) > 4
    assert all(text.endswith("。") for text in texts_of(pages, pieces))


def test_a_word_without_end_is_cut_and_kept() -> None:
    pages = make_pages("Key: " + "A1b2-" * 400)

    pieces = split(pages)

    assert_sound(pages, pieces, SMALL)
    assert len(pieces) > 5


def test_huge_unknown_words_are_limited_in_characters_too() -> None:
    """A tokenizer may count a word of any length as one token."""
    pages = make_pages(" ".join(["z" * 500] * 40))

    pieces = split_pages(
        pages, params=SMALL, count_tokens=lambda texts: [len(text.split()) for text in texts]
    )

    assert max(piece.end - piece.start for piece in pieces) <= SMALL.cap * 12


# Headings


def test_headings_become_the_path_of_what_stands_below_them() -> None:
    body = " ".join(sentence(n) for n in range(3))
    pages = make_markdown(
        ("heading", 1, "Guide"), ("heading", 2, "Install"), ("heading", 3, "Linux"),
        ("paragraph", 0, body), ("heading", 3, "Mac"), ("paragraph", 0, body),
        ("heading", 2, "Use"), ("paragraph", 0, body),
    )  # fmt: skip

    pieces = split(pages)

    assert [piece.heading for piece in pieces] == [
        "Guide > Install > Linux", "Guide > Install > Mac", "Guide > Use",
    ]  # fmt: skip
    assert texts_of(pages, pieces)[0].startswith("Guide\n\nInstall\n\nLinux\n\nNumber0")


def test_small_sections_are_joined_below_a_top_heading_but_not_across() -> None:
    pages = make_markdown(
        ("heading", 1, "One"), ("heading", 2, "A"), ("paragraph", 0, "Short a."),
        ("heading", 2, "B"), ("paragraph", 0, "Short b."),
        ("heading", 1, "Two"), ("heading", 2, "C"), ("paragraph", 0, "Short c."),
    )  # fmt: skip

    texts = texts_of(pages, split(pages))

    assert texts == ["One\n\nA\n\nShort a.\n\nB\n\nShort b.", "Two\n\nC\n\nShort c."]


def test_a_heading_never_ends_a_passage() -> None:
    body = " ".join(sentence(n) for n in range(4))
    pages = make_markdown(("paragraph", 0, body), ("heading", 2, "Next"), ("paragraph", 0, body))

    assert not any(text.endswith("Next") for text in texts_of(pages, split(pages)))


def test_a_long_heading_path_leaves_room_for_the_text() -> None:
    title = " ".join(["title"] * 90)
    pages = make_markdown(
        ("heading", 1, title), ("heading", 2, title), ("heading", 3, title),
        ("paragraph", 0, " ".join(sentence(n) for n in range(9))),
    )  # fmt: skip

    assert_sound(pages, split(pages), SMALL)


# Tables, code, lists


def test_a_long_table_is_cut_between_rows_and_keeps_its_header_in_the_path() -> None:
    rows = ["Item | Price | Stock", *[f"thing{n} | {n} | {n} pieces" for n in range(20)]]
    pages = make_markdown(("heading", 1, "Prices"), ("table", 0, "\n".join(rows)))

    pieces = split(pages)

    texts = texts_of(pages, pieces)
    assert len(pieces) > 2
    assert all(line in rows for text in texts[1:] for line in text.splitlines())
    assert pieces[0].heading == "Prices"
    assert {piece.heading for piece in pieces[1:]} == {"Prices > Item | Price | Stock"}


def test_a_table_header_stays_with_its_first_row() -> None:
    rows = ["Item | Price", *[f"thing{n} | {n}" for n in range(30)]]
    pages = make_markdown(
        ("paragraph", 0, " ".join(sentence(n) for n in range(4))), ("table", 0, "\n".join(rows))
    )

    assert not any(text.endswith("Item | Price") for text in texts_of(pages, split(pages)))


def test_code_is_cut_between_lines_and_not_repeated() -> None:
    lines = [f"call(argument_{n}, {n})" for n in range(30)]
    pages = make_markdown(("code", 0, "\n".join(lines)))

    pieces = split(pages)

    assert [line for text in texts_of(pages, pieces) for line in text.splitlines()] == lines


# Parameters


@pytest.mark.parametrize(
    "wrong",
    [{"target": 300}, {"cap": 300}, {"overlap": 100}, {"target": 10, "overlap": 1}],
)
def test_sizes_that_cannot_work_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        SplitParams(**wrong)
