"""Questions from the words of a passage, by plain rules: headings, definitions, numbers, tables.

Pure. A rule only proposes: whoever asks these questions tries first whether they are answered.
English and German passages are understood; of others, only headings that are questions already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.assistants.suggestions import wording
from measures.detectors.short_language import guess_language

MAX_CHARS = 120
MIN_WORDS = 3
LEAST_MENTIONS = 2
"""A term that its document has once may be words that were run together."""

_GENERIC = re.compile(
    r"(?:table of )?contents?|introduction|overview|summary|general|notes?|appendix.*|misc.*|about"
    r"|references|glossary|index|changelog|faq|questions|untitled.*|page \d+|slide \d+|sheet ?\d+"
    r"|inhalt.*|einleitung|überblick|zusammenfassung|allgemeines|hinweise?|anhang.*|seite \d+",
    re.IGNORECASE,
)
_NUMBERING = re.compile(
    r"(?:(?:chapter|section|kapitel|abschnitt|§)\s*)?(?:\d+|[IVX]+)(?:\.\d+)*[.)]?\s+",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")

_DEFINITION_EN = re.compile(
    r"(?:(?P<article>An?|The)\s+)?(?P<term>[\w’'-]+(?:\s[\w’'-]+){0,3}?)\s+"
    r"(?P<verb>is|are|means|refers to)\s+(?:an?|the|any|all|every|how|what|when|that)\s"
)
_AMOUNT_EN = re.compile(
    r"(?P<who>[A-Z][\w’'-]*(?:\s[\w’'-]+){0,2}?)\s+(?P<verb>get|receive|have|need|earn)\s+"
    r"(?P<number>\d[\d,.]*)\s+(?P<what>[a-z][\w-]*(?:\s(?!per\b|a\b|in\b|for\b|from\b|at\b|and\b)[a-z][\w-]*){0,4})"
)
_FACT_EN = re.compile(
    r"(?P<who>(?:An?|The)\s[\w’'-]+(?:\s[\w’'-]+){0,4}?)\s"
    r"(?P<verb>costs|takes place|begins|starts|ends|opens|closes|"
    r"(?P<may>can|may|must) be"
    r" (?:\w+(?:ed|en|wn)|made|paid|sent|kept|held|sold|bought|done|left|lent))\b"
)
_BASE_FORMS = {
    "takes place": "take place", "begins": "begin", "starts": "start", "ends": "end",
    "opens": "open", "closes": "close",
}  # fmt: skip
_DEFINITION_DE = re.compile(
    r"(?:(?:Ein|Eine|Der|Die|Das)\s+)?(?P<term>[A-ZÄÖÜ][\wäöüß-]*(?:\s[\wäöüß-]+){0,2}?)\s+"
    r"(?:ist|sind|bezeichnet|bedeutet)\s+(?:ein|eine|der|die|das|jede[rs]?|alle)\s"
)
_NAMES_SUBJECT_DE = re.compile(r"[A-ZÄÖÜ][^\W\d_]{2,}(?:[ -][^\W\d_]+){0,4}")
"""Words alone, which begin like a noun: no figures, addresses, colons or marks of a cut."""
_PRONOUNS = re.compile(
    r"(?:it|this|that|these|those|there|they|he|she|we|you|which|what|here|es|dies\w*|das|sie|er|wir)\b",
    re.IGNORECASE,
)


def propose_questions(
    *,
    heading: str,
    text: str,
    table_head: str | None = None,
    language: str = "",
    around: str = "",
) -> list[str]:
    """Questions that this passage may answer, the most specific first, each once.

    `language` is that of its document, for passages that are too short to tell; `around` is more
    of the document's text, which says how its words are written.
    """
    language = guess_language(f"{heading}\n{text[:600]}") or language
    title = _clean_heading(heading)
    around = f"{text}\n{around}"
    questions = [
        *_from_question(title, language=language),
        *_from_sentences(text, language=language, around=around),
        *_from_heading(title, text, language=language, around=around),
        *(_from_table(title, language=language, around=around) if table_head is not None else ()),
    ]
    kept = (_tidy(question) for question in questions)
    return list(dict.fromkeys(question for question in kept if question))


def same_question(first: str, second: str) -> bool:
    """Whether two questions have the same words, whatever stands around them."""
    return _words(first) == _words(second)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _clean_heading(heading: str) -> str:
    """The innermost heading without its number and its marks."""
    inner = heading.rsplit(" > ", 1)[-1].strip().strip("#*_:").strip()
    number = _NUMBERING.match(inner)
    return inner[number.end() :].strip() if number else inner


def _tidy(question: str) -> str:
    question = " ".join(question.split())
    fits = len(question) <= MAX_CHARS and len(question.split()) >= MIN_WORDS
    return question if fits and not re.search(r"[\[\]|{}<>]", question) else ""


def _from_question(title: str, *, language: str) -> Iterator[str]:
    if title.endswith("?") and (language != "en" or wording.is_asked(title)):
        yield title


def _from_heading(title: str, text: str, *, language: str, around: str) -> Iterator[str]:
    if not title or title.endswith("?") or _GENERIC.fullmatch(title):
        return
    if language == "en":
        yield from _from_english_heading(title, text, around=around)
    elif language == "de" and _NAMES_SUBJECT_DE.fullmatch(title):
        yield f"Was ist zu „{title}“ geregelt?"
        yield f"Was steht zum Thema {title} in den Dokumenten?"


def _from_english_heading(title: str, text: str, *, around: str) -> Iterator[str]:
    if match := re.fullmatch(r"how to\s+([a-z][\w’' -]+)", title, re.IGNORECASE):
        yield f"How do I {match[1]}?"
    elif wording.is_instruction(title):
        verb, things = title.split(maxsplit=1)
        settled = wording.lower(things, around)
        if settled is not None:
            yield re.sub(r"\byour\b", "my", f"How do I {verb.lower()} {settled}?")
    elif wording.is_subject(title) and wording.mentions(text, title):
        subject = wording.lower(title, around)
        subject = subject and wording.with_article(subject, around)
        if subject:
            yield f"What is there to know about {subject}?"


def _from_table(title: str, *, language: str, around: str) -> Iterator[str]:
    if not title or title.endswith("?") or _GENERIC.fullmatch(title):
        return
    if language == "en" and wording.is_list(title):
        things = wording.lower(title, around)
        if things is not None:
            yield f"Which {things} are listed?"
    elif language == "de" and _NAMES_SUBJECT_DE.fullmatch(title):
        yield f"Welche Angaben stehen unter {title}?"


def _from_sentences(text: str, *, language: str, around: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text)[:12]:
        if language == "en":
            yield from _from_english(sentence, around=around)
        elif language == "de":
            match = _DEFINITION_DE.match(sentence)
            if match and not _PRONOUNS.match(match["term"]):
                yield f"Was ist {match['term']}?"


def _from_english(sentence: str, *, around: str) -> Iterator[str]:
    if match := _AMOUNT_EN.match(sentence):
        who = _read_people(match["who"], around)
        if who:
            yield f"How many {match['what']} do {who} {match['verb']}?"
    elif match := _FACT_EN.match(sentence):
        article, noun = match["who"].split(maxsplit=1)
        if not wording.is_term(noun):
            return
        who, verb = f"{article.lower()} {noun}", match["verb"]
        if verb == "costs":
            yield f"How much does {who} cost?"
        elif match["may"]:
            yield f"{match['may'].capitalize()} {who} {verb.removeprefix(match['may'] + ' ')}?"
        else:
            yield f"When does {who} {_BASE_FORMS[verb]}?"
    elif match := _DEFINITION_EN.match(sentence):
        yield from _ask_definition(match, around)


def _read_people(who: str, around: str) -> str | None:
    """Who gets something. One plural word is no name: names would get it in the singular."""
    if not wording.is_term(who):
        return None
    is_plural = len(who.split()) == 1 and who[1:].islower() and who.endswith("s")
    return wording.lower(who, around) or (who.lower() if is_plural else None)


def _ask_definition(match: re.Match[str], around: str) -> Iterator[str]:
    term, verb = match["term"], "are" if match["verb"] == "are" else "is"
    if not wording.is_term(term):
        return
    if match["article"]:
        yield f"What {verb} {match['article'].lower()} {term}?"
    elif (
        term[0].isupper()
        and around.casefold().count(term.casefold()) >= LEAST_MENTIONS
        and (settled := wording.lower(term, around))
    ):
        yield f"What {verb} {settled}?"
