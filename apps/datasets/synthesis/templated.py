"""Questions from a passage without a model: from its heading and its sentences. Pure.

The questions are plain and often clumsy, so each one waits for review and says how it was
generated. The patterns are English; in other languages only the heading is asked about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from inference.sentences import split_sentences
from measures.detectors.short_language import guess_language

METHOD = "from headings and sentences, without a model"
LEAST_CHARS, MOST_CHARS = 25, 320
_NOUN = r"(?!(?:an?|the|per|in|each|every|for|on|to|at|and|or)\b)[a-z][\w-]*"
_AMOUNT = re.compile(
    r"^(?P<who>(?:[A-Z][\w'-]*|The|All)(?: [\w'-]+){0,4}?)"
    r" (?P<verb>get|have|receive|need|take|keep) (?P<number>\d[\d.,]*)"
    rf" (?P<what>[a-z][\w-]*(?: of {_NOUN}(?: {_NOUN})?)?)(?P<rest>(?: [^.;:]*)?)\.?$"
)
_COST = re.compile(r"^(?P<what>(?:The|An?) [\w' -]{2,60}?) costs (?P<rest>[^.]*\d[^.]*)\.?$")
_IS = re.compile(
    r"^(?P<what>(?:The|An?) [a-z][\w' -]{2,50}?|[A-Z][\w-]+(?: [A-Z][\w-]+){0,3}) "
    r"(?P<verb>is|are) (?P<rest>[^?]{12,})$"
)
_PRONOUNS = "this that these those it they he she there here what which who we you all if when"
_NO_SUBJECT = frozenset(_PRONOUNS.split())
_ABOUT = {
    "en": "What do the documents say about {}?",
    "de": "Was steht in den Dokumenten über {}?",
    "fr": "Que disent les documents sur {} ?",
    "es": "¿Qué dicen los documentos sobre {}?",
    "it": "Che cosa dicono i documenti su {}?",
    "pt": "O que dizem os documentos sobre {}?",
    "nl": "Wat staat er in de documenten over {}?",
}


@dataclass(frozen=True, slots=True)
class Drafted:
    """A question, its answer, and the answer's location in the text."""

    question: str
    answer: str
    start: int
    end: int


def draft_question(text: str, *, heading: str = "") -> Drafted | None:
    """The best question that the rules find in a passage, or None. `heading` is a path with ">"."""
    title = heading.rsplit(">", 1)[-1].strip()
    sentences = [
        (sentence.start, sentence.end, " ".join(text[sentence.start : sentence.end].split()))
        for sentence in split_sentences(text)
    ]
    usable = [
        item
        for item in sentences
        if LEAST_CHARS <= len(item[2]) <= MOST_CHARS and item[2] not in (title, heading)
    ]
    for start, end, sentence in usable:
        question = _from_sentence(sentence)
        if question:
            return Drafted(question, sentence, start, end)
    if not title or not usable or len(title) > 80:
        return None
    start, end, sentence = usable[0]
    about = _ABOUT.get(guess_language(text) or "en")
    return Drafted(about.format(title), sentence, start, end) if about else None


def _from_sentence(sentence: str) -> str:
    """Amounts first, then prices, then definitions."""
    if match := _AMOUNT.match(sentence):
        if match["who"].lower() not in _NO_SUBJECT:
            who = _lower_first(match["who"])
            return f"How many {match['what']} do {who} {match['verb']}{match['rest']}?"
        return ""
    if match := _COST.match(sentence):
        return f"How much does {_lower_first(match['what'])} cost?"
    if match := _IS.match(sentence):
        words = match["what"].split()
        if words[0].lower() not in _NO_SUBJECT and len(words) > 1:
            return f"What {match['verb']} {_lower_first(match['what'])}?"
    return ""


def _lower_first(words: str) -> str:
    """Lower-case the first word unless it is a name."""
    first, *rest = words.split(" ")
    is_name = any(word[:1].isupper() for word in rest) or not first[1:].islower()
    return words if is_name and first not in ("The", "A", "An") else words[:1].lower() + words[1:]
