"""The text of a mail: all that its alternatives say, once, with flowed lines put together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from parsing.formats.html import decode_html, extract_html
from parsing.formats.plain import split_text
from parsing.text import Piece, clean_text, decode_text

_ADDRESS = re.compile(r"(?:https?://|mailto:|www\.)[^\s<>\[\]()\"|]+", re.IGNORECASE)
_BRACKETED = re.compile(r"<((?:https?://|mailto:|www\.)[^\s<>]*)>", re.IGNORECASE)
_EMBEDDED = re.compile(r"\[cid:[^\[\]\s]{1,300}\]")
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
    r"|[-+\u2212]?(?<![\w.])\d+(?:[.,\u00b7]\d+)*(?:\^[-+\w{}()]+)?\w*|\w+(?:\^[-+\w{}()]+)?"
    r"|[<>=\u2264\u2265\u00b1%\u2030]"
)
_RAISED = re.compile(r"[\^{}()]")
_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[^\d\s][.!?])\s+|(?<=[\u3002\uff01\uff1f])\s*|\n[ \t]*\n")
_NUMBERING = re.compile(r"\A\s*\d{1,3}[.)]\s+")
_STOCK = re.compile(
    r"(?=.*\b(?:html|mime|your (?:e-?)?(?:mail )?(?:client|reader|program|browser|viewer))\b)"
    r"(?=.*(?:\bnot\b|cannot|n't\b|\bunable\b|\bto (?:view|read|see|display) this\b))"
    r"(?=.*\b(?:show|display|view|support|render|read|see)\w*\b)[^\d]{1,300}\Z",
    re.IGNORECASE | re.DOTALL,
)
"""What mailers write into the plain part in place of the mail: all of it, without a number."""
_MAX_COMPARED = 500_000_000
"""Characters searched for what a part says too; beyond, a text is kept, at worst twice."""
FROM_PLAIN, FROM_PAGE = "(From the plain part:)", "(From the web page part:)"


def text_pieces(data: bytes | str, *, is_html: bool, charset: str = "") -> list[Piece]:
    """Blocks of a body."""
    if is_html:
        text = data if isinstance(data, str) else decode_html(data, charset=charset)
        return extract_html(clean_text(text))[1]
    text = data if isinstance(data, str) else decode_text(data, charset=charset)
    return list(split_text(clean_text(text)))


def choose_body(plain: list[Piece], page: list[Piece]) -> list[Piece]:
    """Blocks of the web page where it says all that the plain text says; else of the fuller part.

    The page is preferred because it has the tables, raised characters and links. What only the
    other part says follows the fuller one, sentence by sentence, under a line that names it.
    """
    page_says = _Said(page, flattened=True)
    if page_says.size and _STOCK.match("\n".join(piece.text for piece in plain).strip()):
        return page
    plain_only = list(_find_lacking(plain, page_says))
    if not plain_only:
        return page or plain
    plain_says = _Said(plain)
    page_only = list(_find_lacking(page, plain_says))
    if not page_only:
        return plain
    if plain_says.size > page_says.size:
        return [*plain, Piece("paragraph", FROM_PAGE), *page_only]
    return [*page, Piece("paragraph", FROM_PLAIN), *plain_only]


class _Said:
    """The words of a part in their order, and its addresses, to look up what it says.

    With `flattened`, raised characters count as said in the way plain text has them too: 106 for
    the sixth power of ten.
    """

    def __init__(self, pieces: list[Piece], *, flattened: bool = False) -> None:
        whole = "\n".join(piece.text for piece in pieces)
        self._addresses = set(_addresses(whole))
        texts = [_words(whole)]
        if flattened:
            texts.append(_words(_RAISED.sub("", unicodedata.normalize("NFKC", whole))))
        self._texts = list(dict.fromkeys(texts))
        self._left = _MAX_COMPARED
        self.size = len(self._texts[0].split())

    def has(self, text: str) -> bool:
        """Whether the part says this in the same order, whatever its marks and line ends."""
        if not all(address in self._addresses for address in _addresses(text)):
            return False
        return self._has_words(_words(text)) or (
            bool(_NUMBERING.match(text)) and self._has_words(_words(_NUMBERING.sub("", text)))
        )

    def _has_words(self, words: str) -> bool:
        if not words.strip():
            return True
        for text in self._texts:
            self._left -= len(text)
            if self._left > 0 and words in text:
                return True
        return False


def _addresses(text: str) -> Iterator[str]:
    for address in _ADDRESS.findall(text):
        yield address.rstrip(".,;:!?*_/").removeprefix("mailto:").casefold()


def _words(text: str) -> str:
    """Words, numbers and signs that change them, each between spaces."""
    text = _BRACKETED.sub(r"\1", _EMBEDDED.sub(" ", _QUOTE.sub("", text)))
    text = _ADDRESS.sub(" ", text)
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _find_lacking(pieces: list[Piece], other: _Said) -> Iterator[Piece]:
    """What the other part does not say: whole tables, and sentences of prose."""
    for piece in pieces:
        if piece.kind in {"table", "code"}:
            if not other.has(piece.text):
                yield piece
            continue
        units = piece.text.split("\n") if piece.kind == "list" else _SENTENCE.split(piece.text)
        lacking = [unit for unit in units if not other.has(unit)]
        if lacking and len(lacking) == len(units) - units.count(""):
            yield piece
        elif lacking:
            separator = "\n" if piece.kind == "list" else " "
            yield replace(piece, text=separator.join(lacking))


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
