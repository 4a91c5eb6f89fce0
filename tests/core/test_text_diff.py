from __future__ import annotations

from apps.core.text_diff import DiffPart, compare_texts


def test_equal_texts_have_no_changes() -> None:
    result = compare_texts("a\nb\n", "a\nb\n")

    assert (result.added, result.removed, result.is_cut) == (0, 0, False)
    assert result.parts == (DiffPart("a\nb\n", "same"),)


def test_a_changed_word_is_shown_inside_of_its_line() -> None:
    result = compare_texts("Leave is 25 days.\n", "Leave is 28 days.\n")

    assert result.parts == (
        DiffPart("Leave is ", "same"),
        DiffPart("25", "removed"),
        DiffPart("28", "added"),
        DiffPart(" days.\n", "same"),
    )
    assert (result.added, result.removed) == (1, 1)


def test_lines_come_and_go() -> None:
    result = compare_texts("one\ntwo fine words\n", "one\ntwo new words\nfour\n")

    assert (result.added, result.removed) == (2, 1)
    assert compare_texts("", "a b").added == 2
    assert compare_texts("a b", "").removed == 2


def test_lines_without_a_word_in_common_are_replaced_as_a_whole() -> None:
    result = compare_texts("alpha beta gamma\n", "un deux trois\n")

    assert [part.kind for part in result.parts] == ["removed", "added"]


def test_long_unchanged_text_is_shortened_around_the_changes() -> None:
    same = "".join(f"line {n}\n" for n in range(500))
    result = compare_texts(same + "old\n", same + "new thing\n")

    assert result.parts[0].kind == "same"
    assert result.parts[0].text.startswith("\n…\n")
    assert result.parts[0].text.endswith("line 499\n")
    assert len(result.parts[0].text) < 200


def test_the_work_is_bounded() -> None:
    result = compare_texts("x\n" * 300_000, "y\n" * 300_000)

    assert result.is_cut
