"""What a conversation is about, from its first question. Plain rules for English, pure.

They take away what every question begins with and keep what only this one says. A question that
no rule fits, or that would be left with one word that says something, stays as it was asked.
"""

from __future__ import annotations

import re

MAX_TITLE = 60
LEAST_WORDS = 2

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day))\b"
    r"(?:[ ](?:there|all|everyone|everybody|team|folks|again))?(?:\s*[,.!:–-]+\s*|\s+|$)",
    re.IGNORECASE,
)
_YOU = r"(?:can|could|would|will) (?:you|someone|anyone|somebody|anybody)(?: please| kindly)?"
_TELL = r"(?:tell|explain(?: to)?|show|give|remind|help)(?: me| us)?(?: understand)?"
_LEADS = tuple(
    re.compile(rf"(?:{pattern})\b[,:]?\s*", re.IGNORECASE)
    for pattern in (
        r"please|kindly|so|well|ok|okay|um|quick question|just",
        r"(?:i have|i've got|here is|here's) (?:a|another|one|a quick) question"
        r"(?: about| on| regarding)?",
        r"my question is(?: about)?",
        rf"{_YOU} {_TELL}(?: please)?(?: know)?(?: about)?",
        rf"{_YOU} (?:let me know|say|describe|list|summari[sz]e)(?: about)?",
        r"(?:tell|explain to|show|remind) (?:me|us)(?: about)?",
        r"(?:i|we)(?:'d| would)? (?:like|want|need|wish) to (?:know|understand|ask|learn)"
        r"(?: more)?(?: about)?",
        r"(?:do|does) (?:you|anyone|anybody|someone) (?:happen to )?know",
        r"(?:i|we)(?:'m| am|'re| are) (?:wondering|looking for|curious)(?: about| if| whether)?",
        r"if|whether",
    )
)
_AUXILIARY = r"(?:do|does|did|is|are|was|were|can|could|may|might|must|should|will|would|has|have)"
_PERSON = r"(?:i|we|you|one|people|someone|somebody)"
# What stands before the subject, by what follows it: a noun, or what somebody wants to do.
_SUBJECTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"what (?:do|does) .{1,40}? (?:say|state|tell us) (?:about|on|regarding) (?P<subject>.+)",
        rf"how (?:many|much) (?P<subject>.+?) {_AUXILIARY} .+",
        rf"(?:which|what) (?P<subject>(?!{_AUXILIARY}\b).+?) {_AUXILIARY} {_PERSON} .+",
        rf"(?:how|where) {_AUXILIARY} {_PERSON} (?:find|get|see|look up) (?P<subject>.+)",
        rf"how (?:{_AUXILIARY} {_PERSON}|to) (?P<subject>.+)",
        rf"(?:can|could|may|should|must|do|am|are) {_PERSON} (?:have to |need to |allowed to )?"
        r"(?P<subject>.+)",
        r"(?:is|are) there (?P<subject>.+)",
        r"(?:what|where|when|who|which)(?:'s| is| are| was| were) (?P<subject>.+)",
    )
)
_REFERS_BACK = re.compile(rf"{_AUXILIARY} (?:it|this|that|they|these|those)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|a|an|any|some|our|my|your|this)\s+", re.IGNORECASE)
_EMPTY_WORDS = frozenset({
    "a", "about", "after", "all", "an", "and", "any", "are", "as", "at", "be", "before",
    "between", "by", "can", "do", "does", "else", "for", "from", "had", "has", "have", "he",
    "her", "here", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "me", "my",
    "of", "on", "one", "or", "other", "our", "out", "she", "so", "some", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "to", "under", "up",
    "us", "was", "we", "were", "what", "when", "where", "which", "who", "why", "with", "you",
    "your",
})  # fmt: skip
"""Words that say nothing by themselves."""
_WORD = re.compile(r"\w[\w'’-]*")
_TAIL = re.compile(
    r"[\s,]*(?:\b(?:please|thanks|thank you|many thanks)(?: in advance| a lot)?\b)?[\s?.!,;:…]*$",
    re.IGNORECASE,
)


def make_title(question: str) -> str:
    """The subject of a question on one line, of at most `MAX_TITLE` characters."""
    line = " ".join(question.split())
    asked = _trim(_strip_leads(_pick_sentence(line))) or _trim(line) or line
    subject = _trim(_ARTICLE.sub("", _find_subject(asked), count=1))
    return _shorten(_capitalize(subject if _counts(subject) else asked))


def _pick_sentence(line: str) -> str:
    """The first sentence that asks on its own, else the first that is more than a greeting."""
    sentences = [text for text in _SENTENCE.split(line) if _trim(_strip_leads(text))]
    questions = [t for t in sentences if t.endswith("?") and not _REFERS_BACK.match(t)]
    return (questions or sentences or [line])[0]


def _strip_leads(text: str) -> str:
    before = None
    while before != text:
        before = text
        for pattern in (_GREETING, *_LEADS):
            text = pattern.sub("", text, count=1) if pattern.match(text) else text
    return text


def _find_subject(text: str) -> str:
    for pattern in _SUBJECTS:
        if match := pattern.fullmatch(text):
            return match["subject"]
    return text


def _counts(subject: str) -> bool:
    words = [word for word in _WORD.findall(subject.lower()) if word not in _EMPTY_WORDS]
    return len(words) >= LEAST_WORDS


def _trim(text: str) -> str:
    return _TAIL.sub("", text).strip()


def _capitalize(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.islower() else text


def _shorten(text: str) -> str:
    if len(text) <= MAX_TITLE:
        return text
    return text[:MAX_TITLE].rsplit(" ", 1)[0].rstrip(",;:") + "…"
