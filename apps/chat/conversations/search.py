"""Which conversations hold all words of a search, inside SQL and inside one workspace.

Words are found by their beginnings with the index `message_words` (migration 0004), so that "leav"
finds "leave" and "leaves" in whatever language. Scripts that write no spaces between words have no
beginnings to find; their terms are looked for as they are.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import and_
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import F, Func, Q, QuerySet

from apps.chat.models import Message
from apps.core.text import storable

MAX_TERMS = 12
MAX_SEARCH = 200
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"\w")


class _Words(Func):
    """The words of a message, written exactly as the index has it."""

    template = "to_tsvector('simple'::regconfig, left(%(expressions)s, 50000))"
    output_field = SearchVectorField()


def read_terms(text: str) -> list[str]:
    """What is searched for: at most `MAX_TERMS` terms with a letter or a figure in them."""
    terms = storable(text)[:MAX_SEARCH].split()
    return [term for term in terms if _WORD.search(term)][:MAX_TERMS]


def find_conversations(workspace_id: UUID, terms: list[str]) -> QuerySet[Message, UUID]:
    """The ids of conversations with a current message that holds all of the terms."""
    messages = Message.objects.filter(workspace_id=workspace_id, replaced=False)
    words = [term for term in terms if not _UNSPACED.search(term)]
    if words:
        messages = messages.annotate(words=_Words(F("content"))).filter(words=_as_query(words))
    for term in terms:
        if _UNSPACED.search(term):
            messages = messages.filter(content__icontains=term)
    return messages.values_list("conversation_id", flat=True)


def match_title(terms: list[str], *, path: str = "title") -> Q:
    """The condition that a title holds all of the terms."""
    return reduce(and_, (Q((f"{path}__icontains", term)) for term in terms), Q())


def _as_query(words: list[str]) -> SearchQuery:
    """All of them, each by its beginning, in any order."""
    lexemes = ("'{}':*".format(word.replace("\\", "\\\\").replace("'", "''")) for word in words)
    return SearchQuery(" & ".join(lexemes), config="simple", search_type="raw")
