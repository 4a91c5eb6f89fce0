"""Estimates of tokens, worked out by hand from the weights."""

from __future__ import annotations

import pytest

from inference.token_estimate import MESSAGE_TOKENS, estimate_messages, estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 1),
        ("the", 2),  # a word, and one for safety
        ("pumpers", 2),  # 1 + (7 - 1) // 4 * .65 = 1.65, and one
        ("12,553", 7),  # five digits, a comma, and one
        ("高压水泵", 7),  # 4 * 1.6 = 6.4, and one
        ("a\n\nb", 4),  # two words, a break, and one
    ],
)
def test_by_hand(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_messages_have_a_frame() -> None:
    assert estimate_messages(["the", "the"]) == 2 * (2 + MESSAGE_TOKENS)
