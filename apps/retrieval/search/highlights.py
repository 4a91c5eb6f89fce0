"""Which words of a chunk a question matched, as the search page shows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from apps.retrieval.postings.terms import iter_terms

_WORD = re.compile(r"\w+(?:[-.'\u2019]\w+)*[+#]*")


def mark_terms(text: str, *, terms: Collection[str]) -> list[tuple[str, bool]]:
    """The text as pieces of (text, whether it matched), which join to the text again.

    A word matches if it is indexed under one of `terms`, so "notices" is marked for a question
    about a "notice".
    """
    matches = frozenset(terms)
    pieces: list[tuple[str, bool]] = []
    position = 0
    for word in _WORD.finditer(text):
        if matches.isdisjoint(iter_terms(word.group())):
            continue
        if word.start() > position:
            pieces.append((text[position : word.start()], False))
        pieces.append((word.group(), True))
        position = word.end()
    if position < len(text):
        pieces.append((text[position:], False))
    return pieces
