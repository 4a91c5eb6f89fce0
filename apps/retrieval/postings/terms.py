"""Words for lexical search: the same function reads chunks and questions.

A word becomes its stem without case or accents. Identifiers (`parseURL`, `max_tokens`,
`state-of-the-art`, `docs.python.org`) count as a whole and as their parts. Scripts that put no
spaces between words become pairs of neighbouring characters.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

import Stemmer

MAX_TERM_CHARS = 80
MAX_QUERY_CHARS = 4_000
MAX_QUERY_TERMS = 48
_CACHED_CHARS = 40
"""Longer tokens are rare, and would only displace useful words from the cache."""

# Scripts that do not separate words (Thai to Khmer, kana, ideographs), and Hangul, whose endings
# are handled well by the same treatment.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
)
# Marks that belong to words but that `re` does not count as letters: accents, Hebrew and Arabic
# points, vowel signs.
_MARKS = (
    r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
    r"\u0e31-\u0e4e\u0eb1-\u0ece\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
)
_TOKEN = re.compile(rf"[Cc]\+\+|[CcFf]#|[\w{_MARKS}]+(?:[-.'\u2019][\w{_MARKS}]+|(?<=\d),\d+)*")
_ASCII_TOKEN = re.compile(_TOKEN.pattern.replace(_MARKS, ""), re.ASCII)
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)+")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_FOLDED_MARKS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
_FOLDED_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h"}
)
_JOINERS = re.compile(r"[-_.',]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CONTRACTED = frozenset({"t", "s", "d", "m", "ll", "re", "ve"})

_STOP_TEXT = (
    "a an and are as at be been but by can could did do does for from had has have how i if in "
    "into is it its me my of on or our shall should so such that the their them then there these "
    "they this those to us was we were what when where which who whom whose why will with would "
    "you your"
)
STOP_WORDS = frozenset(_STOP_TEXT.split())
"""Neither stored nor looked up, unless written in capitals: WHO, US and IT are names."""

_local = threading.local()


def _stem(word: str) -> str:
    """The English Snowball stem. The stemmer is not thread-safe, so each thread has its own."""
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english", 0)
    stemmed: str = stemmer.stemWord(word)
    return stemmed


def _fold(word: str) -> str:
    """Without case, accents and width."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return unicodedata.normalize("NFKC", _FOLDED_MARKS.sub("", decomposed)).translate(
        _FOLDED_LETTERS
    )


def _bigrams(run: str) -> tuple[str, ...]:
    if len(run) < 3:
        return (run,)
    return tuple(run[i : i + 2] for i in range(len(run) - 1))


def _parts(token: str) -> list[str]:
    """`parseURL_v2` -> parse, URL, v, 2."""
    pieces = [piece for piece in _JOINERS.split(token) if piece]
    return [part for piece in pieces for part in (_HUMPS.findall(piece) or [piece])]


def _expand_compound(token: str) -> list[str]:
    """An identifier as a whole and its parts; of a plain word only the stem."""
    parts = _parts(token) if token.isascii() else [p for p in _JOINERS.split(token) if p]
    if len(parts) < 2:
        return [_stem(_fold(parts[0]))] if parts else []
    if all(len(part) == 1 for part in parts):
        return [_fold("".join(parts))]  # U.S.A. is looked up as USA
    stems = [_stem(_fold(part)) for part in parts if len(part) > 1 or part.isdigit()]
    # Neither the article of "l'eau" nor both words together would be useful.
    return stems if "'" in token else [_fold(token.strip("_")), *stems]


def _expand_word(token: str) -> list[str]:
    token = token.replace("\u2019", "'")
    if "'" in token:
        head, _, tail = token.rpartition("'")
        if tail.lower() == "s":
            token = head
        elif tail.lower() in _CONTRACTED and head.isalpha():
            return [_fold(head + tail)]
    return _expand_compound(token)


def _is_stop_word(token: str) -> bool:
    shouted = len(token) > 1 and token.isupper()
    return not shouted and token.lower() in STOP_WORDS


def _expand(token: str) -> tuple[str, ...]:
    """The terms of one token of `_TOKEN`."""
    if _is_stop_word(token):
        return ()
    terms: list[str] = []
    if "," in token or _NUMBER.fullmatch(token):
        terms = [part for part in _THOUSANDS.sub("", token).split(",") if part]
    elif token[-1] in "+#":
        terms = [token.lower()]
    elif token.isascii() or not _UNSPACED_RUN.search(token):
        terms = _expand_word(token)
    else:
        position = 0
        for run in _UNSPACED_RUN.finditer(token):
            terms += _expand_word(token[position : run.start()].strip("-.'\u2019"))
            terms += _bigrams(_fold(run.group()))
            position = run.end()
        terms += _expand_word(token[position:].strip("-.'\u2019"))
    return tuple(term[:MAX_TERM_CHARS] for term in terms if term)


_expand_cached = lru_cache(maxsize=65_536)(_expand)


def iter_terms(text: str) -> Iterator[str]:
    """The terms of a text in reading order, repeated as often as they occur."""
    pattern = _ASCII_TOKEN
    if not text.isascii():
        pattern, text = _TOKEN, unicodedata.normalize("NFKC", text)
    for token in pattern.findall(text):
        yield from _expand_cached(token) if len(token) <= _CACHED_CHARS else _expand(token)


def count_terms(text: str) -> Counter[str]:
    """How often each term occurs in a chunk."""
    return Counter(iter_terms(text))


def query_terms(text: str) -> dict[str, int]:
    """The terms to look up for a question, with their counts; at most MAX_QUERY_TERMS."""
    return dict(islice(count_terms(text[:MAX_QUERY_CHARS]).items(), MAX_QUERY_TERMS))
