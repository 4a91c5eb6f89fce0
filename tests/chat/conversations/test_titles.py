from __future__ import annotations

import pytest

from apps.chat.conversations.titles import MAX_TITLE, make_title


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How many days of annual leave do employees get?", "Days of annual leave"),
        ("What is the notice period during probation?", "Notice period during probation"),
        ("How do I request parental leave?", "Request parental leave"),
        ("Where can I find the travel policy?", "Travel policy"),
        ("What does the handbook say about remote work?", "Remote work"),
        ("Is there a dress code?", "Dress code"),
        ("Hi, can you tell me about the travel policy, please?", "Travel policy"),
        ("Could you please explain the opening hours. Thanks in advance!", "Opening hours"),
        ("Hello! I have a question about the dress code. Is it strict?", "Dress code"),
        ("I would like to know\nthe opening hours.", "Opening hours"),
        # Nothing but one word would be left.
        ("Where is the office?", "Where is the office"),
        ("How many days does probation last?", "How many days does probation last"),
        ("What is in it?", "What is in it"),
        ("Is there more on that one?", "Is there more on that one"),
        # A follow-up, a greeting and other languages stay as they are.
        ("And contractors?", "And contractors"),
        ("What about the second one?", "What about the second one"),
        ("Hi there!", "Hi there"),
        ("iPhone repair costs?", "iPhone repair costs"),
        ("员工每年有多少天年假？", "员工每年有多少天年假？"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_a_title_says_the_subject(question: str, title: str) -> None:
    assert make_title(question) == title


def test_a_long_title_is_cut_at_a_word() -> None:
    title = make_title("word " * 30)
    assert title == "Word " + " ".join(["word"] * 11) + "…"
    assert len(title) <= MAX_TITLE + 1


def test_words_are_not_cut_in_their_middle() -> None:
    assert make_title("What happens if many people lose a badge in Germany?") == (
        "What happens if many people lose a badge in Germany"
    )
