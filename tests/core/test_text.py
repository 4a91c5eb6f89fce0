"""What a database can keep of a text."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.core.text import is_storable, storable, storable_json

SMILE = "\U0001f600"
HIGH, LOW = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    ("text", "kept", "kept_in_length"),
    [
        ("", "", ""),
        ("plain", "plain", "plain"),
        (f"é 漢 {SMILE} \ufeff\ufffe", f"é 漢 {SMILE} \ufeff\ufffe", f"é 漢 {SMILE} \ufeff\ufffe"),
        ("a\x00b", "ab", "a\ufffdb"),
        ("\x00", "", "\ufffd"),
        (f"a{HIGH}b", "a\ufffdb", "a\ufffdb"),
        (f"a{LOW}b", "a\ufffdb", "a\ufffdb"),
        (f"a{HIGH}", "a\ufffd", "a\ufffd"),
        (f"a{HIGH}{LOW}b", f"a{SMILE}b", "a\ufffd\ufffdb"),
        (f"{LOW}{HIGH}", "\ufffd\ufffd", "\ufffd\ufffd"),
        (f"{HIGH}{HIGH}{LOW}", f"\ufffd{SMILE}", "\ufffd\ufffd\ufffd"),
        # Dropping NUL must not make a character of halves that were apart.
        (f"{HIGH}\x00{LOW}", "\ufffd\ufffd", "\ufffd\ufffd\ufffd"),
    ],
)
def test_what_is_kept(text: str, kept: str, kept_in_length: str) -> None:
    assert storable(text) == kept
    assert storable(text, keep_length=True) == kept_in_length
    assert is_storable(text) == (text == kept)


any_text = st.text(st.characters())
broken = st.lists(st.sampled_from(["\x00", HIGH, LOW, "a", "é", SMILE]), max_size=12).map("".join)


@given(any_text | broken)
def test_whatever_comes_can_be_kept_and_needs_no_second_look(text: str) -> None:
    for kept in (storable(text), storable(text, keep_length=True)):
        kept.encode()
        assert is_storable(kept)
        assert storable(kept) == kept
    assert len(storable(text, keep_length=True)) == len(text)


def test_json_is_cleaned_at_every_depth() -> None:
    value = {"a\x00": ["b\x00", {"c": ("d\ud800", 1, None, True, 2.5)}]}
    assert storable_json(value) == {"a": ["b", {"c": ["d\ufffd", 1, None, True, 2.5]}]}


@pytest.mark.django_db
def test_postgres_agrees() -> None:
    text = storable(f"a\x00{HIGH} {HIGH}{LOW}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text, to_jsonb(%s::text)", [text, text])
        assert cursor.fetchone()[0] == f"a\ufffd {SMILE}"
