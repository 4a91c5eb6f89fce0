"""Questions from the words of a passage, by plain rules: headings, definitions, numbers, tables.

Pure. A rule only proposes: whoever asks these questions tries first whether they are answered.
English and German passages are understood; of others, only headings that are questions already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from measures.detectors.short_language import guess_language

MAX_CHARS = 120
MIN_WORDS = 3

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
    r"(?P<verb>costs|takes place|begins|starts|ends|opens|closes|(?P<may>can|may|must) be \w+)\b"
)
_BASE_FORMS = {
    "takes place": "take place", "begins": "begin", "starts": "start", "ends": "end",
    "opens": "open", "closes": "close",
}  # fmt: skip
_DEFINITION_DE = re.compile(
    r"(?:(?:Ein|Eine|Der|Die|Das)\s+)?(?P<term>[A-ZÄÖÜ][\wäöüß-]*(?:\s[\wäöüß-]+){0,2}?)\s+"
    r"(?:ist|sind|bezeichnet|bedeutet)\s+(?:ein|eine|der|die|das|jede[rs]?|alle)\s"
)
_PRONOUNS = re.compile(
    r"(?:it|this|that|these|those|there|they|he|she|we|you|which|what|here|es|dies\w*|das|sie|er|wir)\b",
    re.IGNORECASE,
)


def propose_questions(
    *, heading: str, text: str, table_head: str | None = None, language: str = ""
) -> list[str]:
    """Questions that this passage may answer, the most specific first, each once.

    `language` is that of its document, for passages that are too short to tell.
    """
    language = guess_language(f"{heading}\n{text[:600]}") or language
    title = _clean_heading(heading)
    questions = [
        *_from_question(title),
        *_from_sentences(text, language=language),
        *_from_heading(title, language=language),
        *(_from_table(title, language=language) if table_head is not None else ()),
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


def _from_question(title: str) -> Iterator[str]:
    if title.endswith("?"):
        yield title


def _from_heading(title: str, *, language: str) -> Iterator[str]:
    if not title or title.endswith("?") or _GENERIC.fullmatch(title) or len(title.split()) > 7:
        return
    if not re.search(r"[^\W\d]{3}", title):
        return
    if language == "en":
        if match := re.match(r"how to\s+(.+)", title, re.IGNORECASE):
            yield f"How do I {match[1]}?"
        elif re.match(r"[A-Z][a-z]+ing\s", title):
            yield f"How does {_lower_first(title)} work?"
        else:
            yield f"What is there to know about {_lower_first(title)}?"
    elif language == "de":
        yield f"Was ist zu „{title}“ geregelt?"
        yield f"Was steht zum Thema {title} in den Dokumenten?"


def _from_table(title: str, *, language: str) -> Iterator[str]:
    if not title or title.endswith("?") or _GENERIC.fullmatch(title):
        return
    if language == "en":
        yield f"Which {_lower_first(title)} are listed?"
    elif language == "de":
        yield f"Welche Angaben stehen unter {title}?"


def _from_sentences(text: str, *, language: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text)[:12]:
        if language == "en":
            yield from _from_english(sentence)
        elif language == "de":
            match = _DEFINITION_DE.match(sentence)
            if match and not _PRONOUNS.match(match["term"]):
                yield f"Was ist {match['term']}?"


def _from_english(sentence: str) -> Iterator[str]:
    if (match := _AMOUNT_EN.match(sentence)) and not _PRONOUNS.match(match["who"]):
        yield f"How many {match['what']} do {_lower_first(match['who'])} {match['verb']}?"
    elif match := _FACT_EN.match(sentence):
        who, verb = _lower_first(match["who"]), match["verb"]
        if verb == "costs":
            yield f"How much does {who} cost?"
        elif match["may"]:
            yield f"{match['may'].capitalize()} {who} {verb.removeprefix(match['may'] + ' ')}?"
        else:
            yield f"When does {who} {_BASE_FORMS[verb]}?"
    elif (match := _DEFINITION_EN.match(sentence)) and not _PRONOUNS.match(match["term"]):
        verb = "are" if match["verb"] == "are" else "is"
        article = f"{match['article'].lower()} " if match["article"] else ""
        yield f"What {verb} {article}{_lower_first(match['term'])}?"


def _lower_first(words: str) -> str:
    """As it stands inside a sentence; names, abbreviations and one-letter words stay."""
    first = words.split()[0]
    if first in ("A", "An", "The"):
        return words[:1].lower() + words[1:]
    is_plain = first[:1].isupper() and first[1:].islower() and len(words.split()) > 1
    is_plain = is_plain or (first[:1].isupper() and first[1:].islower() and first.endswith("s"))
    return words[:1].lower() + words[1:] if is_plain else words
