"""Placing people's changes into freshly cut pieces. Everything here is pure."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.chunking.edits import ChunkChange, apply_changes, locate, map_cut, place
from apps.chunking.splitters import Piece
from apps.chunking.strategies import STRATEGIES, ChunkingSource
from tests.chunking.test_splitters import count_tokens, make_pages

TEXT = "aa bb cc dd ee ff gg hh ii jj"  # "cc" at 6, "ff" at 15


def change(start: int, end: int, *, text: str = TEXT, **fields: object) -> ChunkChange:
    values: dict[str, object] = {"id": UUID(int=start * 1000 + end), **fields}
    return ChunkChange(start=start, original=text[start:end], **values)  # type: ignore[arg-type]


def piece(start: int, end: int, parent: tuple[int, int] | None = None) -> Piece:
    first, last = parent or (None, None)
    return Piece(start, end, "Path", 1, 1, 1, parent_start=first, parent_end=last)


def apply(
    pieces: list[Piece], changes: list[ChunkChange], text: str = TEXT
) -> list[tuple[object, ...]]:
    passages = apply_changes(
        pieces, place(changes, text).placed, text=text, page_at=lambda _: 1,
        count_tokens=count_tokens,
    )  # fmt: skip
    return [(p.piece.start, p.piece.end, p.text, p.tags) for p in passages]


def test_without_changes_pieces_are_passages() -> None:
    assert apply([piece(0, 14), piece(15, 29)], []) == [
        (0, 14, "aa bb cc dd ee", ()),
        (15, 29, "ff gg hh ii jj", ()),
    ]


def test_an_edited_stretch_stays_a_passage_and_others_give_way() -> None:
    found = apply([piece(0, 14), piece(15, 29)], [change(9, 20, text=TEXT)])
    assert found == [(0, 8, "aa bb cc", ()), (9, 20, "dd ee ff gg", ()), (21, 29, "hh ii jj", ())]

    edited = change(6, 8)
    edited = ChunkChange(edited.id, 6, "cc", text="CORRECTED")
    assert apply([piece(0, 14)], [edited]) == [
        (0, 5, "aa bb", ()),
        (6, 8, "CORRECTED", ()),
        (9, 14, "dd ee", ()),
    ]


def test_a_disabled_stretch_is_in_no_passage() -> None:
    found = apply([piece(0, 14), piece(9, 29)], [change(6, 14, is_disabled=True)])
    assert found == [(0, 5, "aa bb", ()), (15, 29, "ff gg hh ii jj", ())]


def test_a_rest_that_another_passage_holds_is_dropped() -> None:
    # The second piece, cut off at 6, would repeat what the first begins with.
    assert apply([piece(0, 14), piece(3, 14)], [change(6, 14)]) == [
        (0, 5, "aa bb", ()),
        (6, 14, "cc dd ee", ()),
    ]


def test_tags_fall_on_what_shares_more_than_half() -> None:
    tagged = change(0, 14, is_fixed=False, tags=("x",))
    fine = apply([piece(0, 5), piece(6, 14), piece(12, 29)], [tagged])
    assert [(start, tags) for start, _, _, tags in fine] == [(0, ("x",)), (6, ("x",)), (12, ())]


def test_a_pinned_passage_lies_in_its_parent() -> None:
    [pinned, _] = apply_changes(
        [piece(0, 14, (0, 14)), piece(15, 29, (15, 29))],
        place([change(0, 20)], TEXT).placed, text=TEXT, page_at=lambda _: 1,
        count_tokens=count_tokens,
    )  # fmt: skip
    assert (pinned.piece.parent_start, pinned.piece.parent_end) == (0, 20)
    assert pinned.piece.heading == "Path"
    assert pinned.piece.num_tokens == 7


def test_a_stretch_is_found_where_it_moved_to() -> None:
    original = "A sentence that is long enough."
    text = f"New. {original} Old. {original}"

    assert locate(original, text, near=5) == 5
    assert locate(original, text, near=9) == 5
    assert locate(original, text, near=30) == 42
    assert locate("Gone for good, all of it.", text, near=0) is None
    assert locate("Old.", text, near=0) is None  # too short to be sure
    assert locate("Old.", text, near=37) == 37


def test_of_two_that_overlap_the_newer_stays() -> None:
    newer, older, tags = change(6, 14), change(9, 20), change(9, 20, is_fixed=False, tags=("x",))

    placement = place([newer, older, tags], TEXT)

    assert [found.change for found in placement.placed] == [newer, tags]
    assert placement.lost == (older,)


def test_a_cut_in_edited_text_falls_between_words_of_the_source() -> None:
    assert map_cut("same", 2, original="same") == 2
    assert map_cut("x" * 20, 10, original="aa bb cc dd") == 5


SETTINGS = STRATEGIES["words"].clean({"size": 20, "overlap": 8, "headings": False})
WORDS = st.lists(st.sampled_from(["alpha", "beta.", "gamma", "delta\n\n", "ε"]), max_size=120)


@st.composite
def changed_texts(draw: st.DrawFn) -> tuple[str, list[ChunkChange]]:
    text = " ".join(draw(WORDS))
    spans = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(1, 80)), max_size=5))
    changes = []
    for number, (start, length) in enumerate(spans):
        end = min(start + length, len(text))
        original = text[start:end]
        if original.strip() and original == original.strip():
            kind = draw(st.sampled_from(["pin", "edit", "disable"]))
            changes.append(
                ChunkChange(
                    UUID(int=number), start, original, text="EDIT" if kind == "edit" else "",
                    is_disabled=kind == "disable",
                )
            )  # fmt: skip
    return text, changes


@hypothesis_settings(max_examples=200, deadline=None)
@given(case=changed_texts())
def test_nothing_is_lost_but_what_was_disabled(case: tuple[str, list[ChunkChange]]) -> None:
    text, changes = case
    source = ChunkingSource(make_pages(text), count_tokens, 120)
    pieces = STRATEGIES["words"].cut(source, SETTINGS)
    placed = place(changes, text).placed

    passages = apply_changes(
        pieces, placed, text=text, page_at=lambda _: 1, count_tokens=count_tokens
    )

    covered = [False] * len(text)
    for passage in passages:
        start, end = passage.piece.start, passage.piece.end
        assert passage.text == ("EDIT" if passage.text == "EDIT" else text[start:end])
        assert passage.piece.num_tokens == count_tokens([passage.text])[0]
        covered[start:end] = [True] * (end - start)
    hidden = [False] * len(text)
    for found in placed:
        pinned = [p for p in passages if p.edit_id == found.change.id]
        others = [p.piece for p in passages if p.edit_id != found.change.id]
        assert not any(o.start < found.end and found.start < o.end for o in others)
        assert len(pinned) == (0 if found.change.is_disabled else 1)
        if found.change.is_disabled:
            hidden[found.start : found.end] = [True] * (found.end - found.start)
    for index, character in enumerate(text):
        assert character.isspace() or covered[index] != hidden[index]
    starts = [(p.piece.start, p.piece.end) for p in passages]
    assert starts == sorted(starts)
    assert all(a != b for a, b in pairwise(starts))
