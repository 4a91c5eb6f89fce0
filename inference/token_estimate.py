"""How many tokens a text has for a model whose tokenizer is not at hand. Errs on the high side.

Byte-pair tokenizers take a common English word as one token, numbers in groups of one to three
digits, each punctuation mark by itself, and scripts that are rare in their training data nearly
letter by letter. The weights below were held against four of them (see the test).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ASCII_WORD = re.compile(r"[A-Za-z]+")
_DIGITS = re.compile(r"\d+")
_MARK = re.compile(r"[!-/:-@\[-`{-~]")
_BREAK = re.compile(r"\n+| {2,}|\t+")
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_OTHER = re.compile(r"[^\x00-\x7f\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")

CHARS_OF_WORD = 5
"""Letters of an English word that are one token at the most."""
MESSAGE_TOKENS = 8
"""What a chat template adds around each message."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, rather too many than too few."""
    words = sum(1 + (len(word) - 1) // CHARS_OF_WORD * 0.5 for word in _ASCII_WORD.findall(text))
    digits = sum(-(-len(run) // 2) for run in _DIGITS.findall(text))
    marks = len(_MARK.findall(text))
    breaks = len(_BREAK.findall(text))
    wide = 1.3 * len(_WIDE.findall(text))
    other = 0.9 * len(_OTHER.findall(text))
    return int(words + digits + marks + breaks + wide + other) + 1


def estimate_messages(contents: Iterable[str]) -> int:
    """Tokens of a conversation, with what the template adds."""
    return sum(estimate_tokens(content) + MESSAGE_TOKENS for content in contents)
