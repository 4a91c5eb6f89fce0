"""The text of a mail: the better of its alternatives, with flowed lines put together."""

from __future__ import annotations

import re

from parsing.formats.html import decode_html, extract_html
from parsing.formats.plain import split_text
from parsing.text import Piece, clean_text, decode_text

_WORD = re.compile(r"\w{3,}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_ENOUGH = 0.8
_STOCK_CHARS = 300
"""Plain parts that say something else than the page and are shorter are stock sentences."""


def text_pieces(data: bytes | str, *, is_html: bool, charset: str = "") -> list[Piece]:
    """Blocks of a body."""
    if is_html:
        text = data if isinstance(data, str) else decode_html(data, charset=charset)
        return extract_html(clean_text(text))[1]
    text = data if isinstance(data, str) else decode_text(data, charset=charset)
    return list(split_text(clean_text(text)))


def choose_body(plain: list[Piece], page: list[Piece]) -> list[Piece]:
    """Blocks of the plain text where it says what the web page says; else of what says more.

    Both where each says much that the other does not.
    """
    plain_words, page_words = _words(plain), _words(page)
    if not page_words or _share(page_words, plain_words) >= _ENOUGH:
        return plain if plain_words or not page else page
    length = sum(len(piece.text) for piece in plain)
    if length < _STOCK_CHARS or _share(plain_words, page_words) >= _ENOUGH:
        return page
    return plain + page


def _words(pieces: list[Piece]) -> set[str]:
    return {word for piece in pieces for word in _WORD.findall(piece.text.casefold())}


def _share(words: set[str], others: set[str]) -> float:
    """The share of `words` that `others` holds too."""
    return len(words & others) / len(words) if words else 1.0


def join_flowed(text: str, *, delsp: bool) -> str:
    """Text of format=flowed (RFC 3676) with its lines as they were before they were wrapped."""
    out: list[str] = []
    goes_on, depth_before = False, 0
    for line in text.replace("\r\n", "\n").split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        is_signature = content == "-- "
        if goes_on and depth == depth_before and not is_signature:
            out[-1] += content
        else:
            out.append(f"{'>' * depth} {content}" if depth else content)
        goes_on = content.endswith(" ") and not is_signature
        if goes_on and delsp:
            out[-1] = out[-1][:-1]
        depth_before = depth
    return "\n".join(out)
