"""Words, and what kind of answer a question asks for: the reader's view of language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import Stemmer

AnswerType = Literal["person", "time", "number", "place", "reason", "yes_no", "other"]

_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
# Question words and particles: no answer holds a pair of characters across one of them.
_CJK_ASKING = re.compile(
    r"多少|多久|多长|多長|多大|几|幾|什么|什麼|怎么样?|怎樣|怎样|如何|哪[里裡个個些儿]?|是否|有没有"
    r"|请问|請問|[谁誰吗嗎呢的了是在有]|何|いつ|どこ|だれ|どの|どれ|なぜ|いくら|いくつ"
    r"|무엇|언제|어디|누구|얼마|몇|어떻게"
)
_STEMMER = Stemmer.Stemmer("english")

_STOP_WORD_TEXT = """
a an the and or but if of at by for with about into through during to from in out on off over under
is are was were be been being am do does did doing have has had having will would shall should can
could may might must i you he she it we they me him her us them my your his its our their this that
these those there here what which who whom whose when where why how as than then so too very just
also not no nor only own same such both each some any all more most other s t d ll re ve m
"""
STOP_WORDS = frozenset(_STOP_WORD_TEXT.split())

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty"
    "|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|half|twice|once|third"
)
_TIME = re.compile(
    rf"\b(?:1\d{{3}}|20\d{{2}})s?\b|\b(?:{_MONTHS})\b|\b\d{{1,2}}(?::\d\d|(?=\s?[ap]m\b))"
    r"|\bcentur(?:y|ies)\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\b(?:days?|weeks?|months?|years?|hours?|minutes?|today|yesterday|annually|daily)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"\d|\b(?:{_NUMBER_WORDS})\b", re.IGNORECASE)
_REASON = re.compile(
    r"\b(?:because|due to|owing to|in order to|so that|since|as a result|reasons?|caus\w+|led to"
    r"|therefore|thus|to (?:avoid|prevent|ensure|protect|allow|reduce|make))\b",
    re.IGNORECASE,
)
_PLACE_BEFORE_NAME = re.compile(r"\b(?:in|at|from|to|near|of|on)\s+(?:the\s+)?[A-Z]")
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)(?<![\"“'(])\b[A-Z][\w'’-]+")
_QUESTION_TYPES: tuple[tuple[re.Pattern[str], AnswerType], ...] = (
    (re.compile(r"\b(?:how (?:many|much|long|old|far|often|big|large|tall|high))\b"), "number"),
    (
        re.compile(
            r"\bwhat (?:percent\w*|number|amount|population|age|size|rate|price|cost|fee)\b"
            r"|\bwhat is the (?:percent\w*|number|amount|population|price|cost|fee)\b"
        ),
        "number",
    ),
    (
        re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"),
        "time",
    ),
    (re.compile(r"\bwho(?:m|se)?\b"), "person"),
    (re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|place|state|region)\b"), "place"),
    (re.compile(r"\bwhy\b|\bwhat (?:caused|causes|is the reason)\b"), "reason"),
    (
        re.compile(r"^(?:is|are|was|were|do|does|did|can|could|may|must|should|has|have|will)\b"),
        "yes_no",
    ),
)


_LEANS_BACK = re.compile(
    r"(?:It|They|He|She|This|That|These|Those|Its|Their|His|Her|However|Therefore|Thus|Instead"
    r"|In addition|For this reason|As a result)\b"
)


@dataclass(frozen=True, slots=True)
class Words:
    """Content words of a text: stems in order, and which of them are names or numbers."""

    stems: tuple[str, ...]
    marked: frozenset[str]

    @property
    def unique(self) -> frozenset[str]:
        """The distinct stems."""
        return frozenset(self.stems)

    def join(self, before: Words) -> Words:
        """Return these words with those of the text before."""
        return Words(before.stems + self.stems, before.marked | self.marked)


def leans_back(sentence: str) -> bool:
    """Tell whether a sentence is understood only after the one before it."""
    return bool(_LEANS_BACK.match(sentence))


def read_words(text: str) -> Words:
    """Take the content words of a text; scripts without spaces give pairs of characters."""
    stems: list[str] = []
    marked: set[str] = set()
    for index, match in enumerate(_WORD.finditer(text)):
        word = match.group()
        if _CJK.search(word):
            stems.extend(_pair_characters(word))
            continue
        lower = word.lower().replace("’", "'").removesuffix("'s")
        if lower in STOP_WORDS:
            continue
        stem = _STEMMER.stemWord(lower.replace(".", ""))
        stems.append(stem)
        if any(c.isdigit() for c in word) or (index and word[0].isupper()):
            marked.add(stem)
    return Words(tuple(stems), frozenset(marked))


def read_question_words(text: str) -> Words:
    """Take the content words of a question, without those that ask."""
    if not has_cjk(text):
        return read_words(text)
    words = read_words(_CJK_ASKING.sub(" ", text))
    longer = tuple(stem for stem in words.stems if len(stem) > 1 or not has_cjk(stem))
    return Words(longer, words.marked) if longer else read_words(text)


def has_cjk(text: str) -> bool:
    """Tell whether a text is written, at least in part, in Chinese, Japanese or Korean."""
    return bool(_CJK.search(text))


def _pair_characters(word: str) -> list[str]:
    return [word[i : i + 2] for i in range(len(word) - 1)] or [word]


def detect_answer_type(question: str) -> AnswerType:
    """Tell what kind of thing the question asks for."""
    lower = question.strip().lower()
    for pattern, answer_type in _QUESTION_TYPES:
        if pattern.search(lower):
            return answer_type
    return "other"


def match_answer_type(answer_type: AnswerType, sentence: str, *, question: frozenset[str]) -> float:
    """Return 1 when the sentence holds such an answer, -1 when not, 0 when it cannot be told.

    Names and numbers that the ``question`` (stems) already holds answer nothing.
    """
    if answer_type in ("other", "yes_no"):
        return 0.0
    if answer_type == "reason":
        return 1.0 if _REASON.search(sentence) else -0.5
    if answer_type == "time":
        has_answer = any(_is_new(m.group(), question) for m in _TIME.finditer(sentence))
    elif answer_type == "number":
        has_answer = any(
            _is_new(m.group(), question)
            for m in _WORD.finditer(sentence)
            if _NUMBER.search(m.group())
        )
    else:
        has_answer = any(_is_new(m.group(), question) for m in _NAME.finditer(sentence))
        if answer_type == "place":
            has_answer = has_answer and bool(_PLACE_BEFORE_NAME.search(sentence))
    return 1.0 if has_answer else -1.0


def _is_new(text: str, question: frozenset[str]) -> bool:
    stems = read_words(text).unique
    return bool(stems) and not stems <= question
