"""Every strategy: nothing lost, exact offsets, sizes kept; then what is particular to each.

One token is one word here, and one character of unspaced text.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.chunking.splitters import Piece
from apps.chunking.strategies import (
    STRATEGIES,
    ChunkingSource,
    EmbedderMissingError,
    Strategy,
)
from apps.chunking.strategies.finishing import Outline
from apps.chunking.strategies.packing import pack
from apps.chunking.units import CHARS_PER_TOKEN, PageText, join_pages
from apps.core.options import OptionError
from inference.protocols import Vectors
from tests.chunking.test_splitters import (
    count_tokens,
    documents,
    make_markdown,
    make_pages,
    sentence,
    texts_of,
)

ROOM = 120


def embed(texts: Sequence[str]) -> Vectors:
    """Unit vectors of shape (len(texts), 8) from a checksum of each text."""
    seeds = [np.random.default_rng(zlib.crc32(text.encode())) for text in texts]
    vectors = np.array([seed.standard_normal(8) for seed in seeds], np.float32).reshape(-1, 8)
    return cast(Vectors, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def cut(pages: Sequence[PageText], key: str, *, room: int = ROOM, **given: Any) -> list[Piece]:
    strategy = STRATEGIES[key]
    source = ChunkingSource(pages=pages, count_tokens=count_tokens, room=room, embed=embed)
    return strategy.cut(source, strategy.clean(given))


# What must hold for every strategy and any text


@st.composite
def settings_of(draw: st.DrawFn, strategy: Strategy) -> dict[str, Any]:
    """Small values, so that short texts are cut; what belongs together is kept in order."""
    values = strategy.defaults()
    for parameter in strategy.parameters:
        if parameter.kind == "whole":
            low = int(parameter.minimum or 0)
            values[parameter.name] = draw(
                st.integers(low, min(low + 60, int(parameter.maximum or 0)))
            )
        elif parameter.kind == "flag":
            values[parameter.name] = draw(st.booleans())
        elif parameter.kind == "choice":
            values[parameter.name] = draw(st.sampled_from([key for key, _ in parameter.choices]))
    size = values.get("size", values.get("rows", values.get("target", 2)))
    values["overlap"] = min(int(values.get("overlap", 0)), (int(size) - 1) // 2)
    if "cap" in values:
        values["cap"] = max(int(values["cap"]), int(values["target"]))
    if "parent" in values:
        values["parent"] = max(int(values["parent"]), 2 * int(values["target"]))
    return strategy.clean(values)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Strategy, dict[str, Any], list[PageText]]:
    strategy = draw(st.sampled_from(list(STRATEGIES.values())))
    return strategy, draw(settings_of(strategy)), draw(documents())


@hypothesis_settings(max_examples=200, deadline=None)
@given(case=cases())
def test_no_text_is_lost_and_every_passage_can_be_read_whole(
    case: tuple[Strategy, dict[str, Any], list[PageText]],
) -> None:
    strategy, values, pages = case
    pieces = strategy.cut(ChunkingSource(pages, count_tokens, ROOM, embed), values)

    full = join_pages([page.text for page in pages])
    covered = [False] * len(full)
    for piece in pieces:
        text = full[piece.start : piece.end]
        assert text
        assert text == text.strip()
        size, heading = count_tokens([text, piece.heading])
        assert size + heading <= ROOM
        assert len(text) <= ROOM * CHARS_PER_TOKEN
        assert piece.first_page <= piece.last_page
        assert full[piece.start : piece.end] in full[slice(*_parent(piece))]
        covered[piece.start : piece.end] = [True] * len(text)
    assert not {full[i] for i, seen in enumerate(covered) if not seen and not full[i].isspace()}
    assert [piece.start for piece in pieces] == sorted(piece.start for piece in pieces)
    assert len({(piece.start, piece.end) for piece in pieces}) == len(pieces)


def _parent(piece: Piece) -> tuple[int, int]:
    if piece.parent_start is None or piece.parent_end is None:
        return piece.start, piece.end
    assert piece.parent_start <= piece.start
    assert piece.end <= piece.parent_end
    return piece.parent_start, piece.parent_end


@hypothesis_settings(max_examples=60, deadline=None)
@given(case=cases())
def test_the_same_pages_give_the_same_passages(
    case: tuple[Strategy, dict[str, Any], list[PageText]],
) -> None:
    strategy, values, pages = case
    source = ChunkingSource(pages, count_tokens, ROOM, embed)
    assert strategy.cut(source, values) == strategy.cut(source, values)


@pytest.mark.parametrize("key", STRATEGIES)
def test_a_strategy_describes_itself(key: str) -> None:
    strategy = STRATEGIES[key]

    assert strategy.key == key
    assert strategy.name
    assert strategy.summary
    assert strategy.clean({}) == strategy.defaults()
    assert "overlap" in strategy.defaults()
    for parameter in strategy.parameters:
        assert parameter.label
        assert parameter.help
        if parameter.is_numeric:
            assert parameter.unit
            with pytest.raises(OptionError, match="from"):
                strategy.clean({parameter.name: 10**9})


@pytest.mark.parametrize("key", STRATEGIES)
@pytest.mark.parametrize("text", ["", " \n\n\t "])
def test_blank_pages_have_no_passages(key: str, text: str) -> None:
    assert cut(make_pages(text), key) == []


# Fixed sizes


def test_halves_of_a_passage_come_in_order_and_once() -> None:
    """A passage that is halved, and a next one that begins before the second half does."""
    pages = make_pages("x" * 300, "a" * 9 + "a-b_c.d/" * 20 + "a")

    pieces = cut(pages, "words", size=20, overlap=8, headings=False)

    starts = [(piece.start, piece.end) for piece in pieces]
    assert starts == sorted(starts)
    assert all(a[1] < b[1] for a, b in pairwise(starts))


def test_characters_keep_words_whole_or_do_not() -> None:
    pages = make_pages("abcdefghi " * 30)  # 300 characters, words of 9

    exact = cut(pages, "characters", size=100, overlap=0, whole_words=False)
    whole = cut(pages, "characters", size=105, overlap=0)

    assert [(p.start, p.end) for p in exact] == [(0, 99), (100, 199), (200, 299)]
    assert [(p.start, p.end) for p in whole] == [(0, 99), (100, 199), (200, 299)]


def test_characters_overlap_at_a_word() -> None:
    pieces = cut(make_pages("abcdefghi " * 30), "characters", size=100, overlap=25)

    assert [(p.start, p.end) for p in pieces] == [(0, 99), (80, 179), (160, 259), (240, 299)]


def test_words_and_their_overlap_are_counted() -> None:
    pages = make_pages(" ".join(f"w{n}" for n in range(50)))

    texts = texts_of(pages, cut(pages, "words", size=20, overlap=5))

    assert [text.split()[0] for text in texts] == ["w0", "w15", "w30"]
    assert [text.split()[-1] for text in texts] == ["w19", "w34", "w49"]


def test_sentences_are_counted() -> None:
    pages = make_pages(" ".join(sentence(n) for n in range(7)))

    texts = texts_of(pages, cut(pages, "sentences", size=3, overlap=1))

    assert [text.count(".") for text in texts] == [3, 3, 3]
    assert texts[1].startswith("Number2 ")


def test_tokens_are_counted() -> None:
    pages = make_pages(" ".join(sentence(n) for n in range(10)))  # each 11 with its full stop

    pieces = cut(pages, "tokens", target=33, overlap=0)

    assert pieces[0].num_tokens == 33
    assert max(piece.num_tokens for piece in pieces) <= 33


def test_what_is_asked_for_gives_way_to_what_the_model_reads() -> None:
    pages = make_pages(" ".join(["word"] * 300))

    pieces = cut(pages, "words", size=300, overlap=0)

    assert [piece.num_tokens for piece in pieces] == [75, 75, 75, 75]


def test_a_heading_path_can_be_left_away() -> None:
    pages = make_markdown(("heading", 1, "Guide"), ("paragraph", 0, "Some text."))

    assert [p.heading for p in cut(pages, "words")] == ["Guide"]
    assert [p.heading for p in cut(pages, "words", headings=False)] == [""]


def test_the_outline_knows_the_path_of_what_stands_below() -> None:
    pages = make_markdown(
        ("paragraph", 0, "Before."), ("heading", 1, "One"), ("heading", 2, "Two"),
        ("paragraph", 0, "Text."), ("heading", 2, "Three"), ("paragraph", 0, "More."),
    )  # fmt: skip
    text = join_pages([page.text for page in pages])
    outline = Outline(pages, text)

    assert outline.path_of(0, len(text)) == ""
    assert outline.path_of(text.index("One"), len(text)) == "One > Two"
    assert outline.path_of(text.index("Text."), len(text)) == "One > Two"
    assert outline.path_of(text.index("More."), len(text)) == "One > Three"


# Recursive


def test_separators_are_tried_from_the_largest_down() -> None:
    paragraph = " ".join(sentence(n) for n in range(2))  # 20 tokens
    pages = make_pages("\n\n".join([paragraph] * 3 + [" ".join(["word"] * 90)]))

    pieces = cut(pages, "separators", target=44, overlap=0)

    assert [piece.num_tokens for piece in pieces][:2] == [40, 44]
    assert max(piece.num_tokens for piece in pieces) <= 44


# Structure


def test_sections_down_to_a_level() -> None:
    body = " ".join(sentence(n) for n in range(3))
    pages = make_markdown(
        ("heading", 1, "A"), ("paragraph", 0, body), ("heading", 2, "B"), ("paragraph", 0, body),
        ("heading", 3, "C"), ("paragraph", 0, body),
    )  # fmt: skip

    deep = texts_of(pages, cut(pages, "headings", level=3, target=110, overlap=0, minimum=0))
    flat = texts_of(pages, cut(pages, "headings", level=2, target=110, overlap=0, minimum=0))

    assert [text[0] for text in deep] == ["A", "B", "C"]
    assert [text[0] for text in flat] == ["A", "B"]


def test_small_sections_are_joined_up_to_the_size() -> None:
    pages = make_markdown(*[
        part for n in range(6) for part in (("heading", 2, f"H{n}"), ("paragraph", 0, sentence(n)))
    ])  # fmt: skip

    texts = texts_of(pages, cut(pages, "headings", target=40, minimum=20, overlap=0))

    assert [text.count("Number") for text in texts] == [2, 2, 2]


def test_pages_stand_alone_and_may_share_a_sentence() -> None:
    pages = make_pages(*[" ".join(sentence(3 * n + k) for k in range(3)) for n in range(3)])

    alone = cut(pages, "pages", minimum=0)
    shared = texts_of(pages, cut(pages, "pages", minimum=0, overlap=1))

    assert [(p.first_page, p.last_page) for p in alone] == [(1, 1), (2, 2), (3, 3)]
    assert [text.split()[0] for text in shared] == ["Number0", "Number2", "Number5"]


def test_table_rows_keep_their_header_in_the_path() -> None:
    rows = ["Item | Price", *[f"thing{n} | {n}" for n in range(6)]]
    pages = make_markdown(
        ("paragraph", 0, " ".join(sentence(n) for n in range(4))), ("heading", 2, "Prices"),
        ("table", 0, "\n".join(rows)), ("paragraph", 0, sentence(9)),
    )  # fmt: skip

    pieces = cut(pages, "tables", rows=3, overlap=1)
    texts = texts_of(pages, pieces)

    assert texts[1] == "Prices\n\nItem | Price\nthing0 | 0\nthing1 | 1\nthing2 | 2"
    assert texts[2] == "thing2 | 2\nthing3 | 3\nthing4 | 4\nthing5 | 5"
    assert pieces[2].heading == "Prices > Item | Price"
    assert texts[3] == sentence(9)


def test_code_keeps_functions_whole() -> None:
    def function(name: str) -> str:
        return f"def {name}(x):\n" + "\n".join(f"    step{n} = x + {n}" for n in range(8))

    code = "\n\n\n".join(function(name) for name in ("alpha", "beta", "gamma"))
    pages = make_markdown(("code", 0, code))
    size = count_tokens([function("alpha")])[0]

    pieces = cut(pages, "code", target=size + 5, overlap=0)
    together = cut(pages, "code", room=300, target=2 * size + 1, overlap=0)

    assert texts_of(pages, pieces) == [function(name) for name in ("alpha", "beta", "gamma")]
    assert [text.count("def ") for text in texts_of(pages, together)] == [2, 1]


# Meaning


def test_a_cut_is_made_where_the_meaning_turns() -> None:
    cats, cars = (
        [f"The cat sleeps {n}." for n in range(8)],
        [f"A car drives {n}." for n in range(8)],
    )
    pages = make_pages(" ".join(cats + cars))

    def by_topic(texts: Sequence[str]) -> Vectors:
        axis = [[text.count("cat"), text.count("car"), 0.01] for text in texts]
        vectors = np.array(axis, np.float32)
        return cast(Vectors, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    strategy = STRATEGIES["semantic"]
    source = ChunkingSource(pages, count_tokens, ROOM, by_topic)
    values = strategy.clean({"percentile": 95, "minimum": 10, "window": 0})
    texts = texts_of(pages, strategy.cut(source, values))

    assert [("cat" in text, "car" in text) for text in texts] == [(True, False), (False, True)]


def test_meaning_needs_an_embedder() -> None:
    strategy = STRATEGIES["semantic"]
    with pytest.raises(EmbedderMissingError):
        strategy.cut(
            ChunkingSource(make_pages("One. Two."), count_tokens, ROOM), strategy.defaults()
        )


# Parents and children


def test_children_lie_in_parents_that_lie_side_by_side() -> None:
    body = " ".join(sentence(n) for n in range(12))
    pages = make_markdown(
        ("heading", 1, "One"), ("paragraph", 0, body), ("heading", 1, "Two"), ("paragraph", 0, body)
    )
    full = join_pages([page.text for page in pages])

    pieces = cut(pages, "parent_child", target=40, parent=200, overlap=0)
    parents = list(dict.fromkeys((p.parent_start, p.parent_end) for p in pieces))

    assert [full[start:end][:3] for start, end in parents] == ["One", "Two"]
    assert all(before[1] <= after[0] for before, after in pairwise(cast(Any, parents)))
    assert max(piece.num_tokens for piece in pieces) <= 40


def test_a_parent_is_at_least_twice_a_child() -> None:
    with pytest.raises(OptionError, match="twice"):
        STRATEGIES["parent_child"].clean({"target": 100, "parent": 150})


# Packing


@given(
    sizes=st.lists(st.integers(1, 30), max_size=40),
    limit=st.integers(1, 40),
    overlap=st.integers(0, 15),
)
def test_packing_covers_everything_and_moves_on(sizes: list[int], limit: int, overlap: int) -> None:
    ranges = list(pack(sizes, limit=limit, overlap=overlap))

    assert {i for first, last in ranges for i in range(first, last)} == set(range(len(sizes)))
    for first, last in ranges:
        assert sum(sizes[first:last]) <= limit or last - first == 1
    for before, after in pairwise(ranges):
        assert before[0] < after[0] <= before[1] < after[1]
        assert sum(sizes[after[0] : before[1]]) <= overlap
