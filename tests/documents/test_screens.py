from __future__ import annotations

from apps.documents.screens import PageSpan, Part, find_screen, plan_excerpt, plan_screens

# Three pages of 10 characters, joined by two: 0-10, 12-22, 24-34.
SHORT = [PageSpan(1, 0, 10), PageSpan(2, 12, 22), PageSpan(3, 24, 34)]


def test_pages_share_a_screen_until_it_is_full() -> None:
    screens = plan_screens(SHORT, max_chars=20, max_pages=9)

    assert screens == [(Part(1, 0, 10), Part(2, 12, 22)), (Part(3, 24, 34),)]


def test_a_screen_has_a_limit_of_pages_too() -> None:
    assert [len(screen) for screen in plan_screens(SHORT, max_chars=99, max_pages=1)] == [1, 1, 1]


def test_a_long_page_is_cut_and_nothing_is_lost() -> None:
    screens = plan_screens([PageSpan(1, 0, 25)], max_chars=10)

    assert screens == [(Part(1, 0, 10),), (Part(1, 10, 20),), (Part(1, 20, 25),)]


def test_a_page_without_text_is_shown_too() -> None:
    assert plan_screens([PageSpan(1, 0, 0), PageSpan(2, 2, 4)]) == [(Part(1, 0, 0), Part(2, 2, 4))]


def test_no_pages_give_no_screens() -> None:
    assert plan_screens([]) == []
    assert find_screen([], 5) == 0


def test_the_screen_of_an_offset() -> None:
    screens = plan_screens(SHORT, max_chars=10)

    assert [find_screen(screens, offset) for offset in (0, 9, 12, 33, 999)] == [0, 0, 1, 2, 2]


def test_an_excerpt_has_the_passage_and_its_neighbours() -> None:
    pages = [PageSpan(n, n * 12, n * 12 + 10) for n in range(6)]

    excerpt = plan_excerpt(pages, start=38, end=40, context=99)

    assert [part.number for part in excerpt] == [2, 3, 4]


def test_a_passage_is_on_the_pages_that_it_reaches() -> None:
    """Pages are 0-10, 12-22, 24-34, 36-46, ...; each excerpt has a page more on either side."""
    pages = [PageSpan(n, n * 12, n * 12 + 10) for n in range(6)]

    def numbers(start: int, end: int) -> list[int]:
        return [part.number for part in plan_excerpt(pages, start=start, end=end, context=99)]

    assert numbers(26, 36) == [1, 2, 3]  # its end is excluded: the page from 36 on is not reached
    assert numbers(26, 37) == [1, 2, 3, 4]
    assert numbers(34, 37) == [1, 2, 3, 4]  # a passage may begin where a page ends
    assert numbers(35, 37) == [2, 3, 4]
    assert numbers(36, 36) == [2, 3, 4]  # without text it is on the page of its start


def test_an_excerpt_of_a_huge_page_is_a_window() -> None:
    assert plan_excerpt([PageSpan(1, 0, 10_000)], start=5_000, end=5_010, context=100) == (
        Part(1, 4_900, 5_110),
    )


def test_an_excerpt_beyond_the_text_is_empty() -> None:
    assert plan_excerpt(SHORT, start=900, end=910) == ()
