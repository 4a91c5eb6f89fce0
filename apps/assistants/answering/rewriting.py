"""From a follow-up to a question that can be searched alone, without a model.

"And for contractors?" finds nothing by itself. When a question leans on what was said before
(it is very short, starts with a connective or points with a pronoun), the previous question is
put in front of it for the search. The person's own words still go to the model unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"\w+", re.UNICODE)
OPENERS = (
    "and ", "but ", "or ", "also ", "what about", "how about", "then ", "so ", "why", "how so",
    "und ", "aber ", "et ", "mais ", "y ", "pero ",
)  # fmt: skip
POINTERS = frozenset(
    [
        "it",
        "its",
        "they",
        "them",
        "their",
        "theirs",
        "this",
        "that",
        "these",
        "those",
        "he",
        "him",
        "his",
        "she",
        "her",
        "hers",
        "there",
        "one",
        "ones",
        "same",
        "such",
        "former",
        "latter",
    ]
)
QUESTION_WORDS = frozenset(
    [
        "what",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "which",
        "how",
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "can",
        "could",
        "should",
        "would",
        "will",
        "may",
        "must",
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "about",
        "and",
        "or",
        "but",
        "i",
        "we",
        "you",
        "my",
        "our",
        "your",
        "me",
        "us",
    ]
)
MAX_PREVIOUS_WORDS = 40


def leans_on_history(question: str) -> bool:
    """Whether the question cannot be understood without the one before it."""
    text = question.strip().lower()
    words = WORD.findall(text)
    content = [word for word in words if word not in QUESTION_WORDS]
    if text.startswith(OPENERS) and len(words) <= 8:
        return True
    if POINTERS & set(words) and len(words) <= 14:
        return True
    return len(content) <= 1 and len(words) <= 4


def rewrite_question(question: str, previous: Sequence[str]) -> str:
    """The question to search for, given the earlier questions of the conversation, oldest first.

    Takes the latest earlier question that stands on its own, so that a chain of follow-ups
    keeps its topic.
    """
    if not previous or not leans_on_history(question):
        return question
    topic = next((text for text in reversed(previous) if not leans_on_history(text)), previous[-1])
    return f"{' '.join(topic.split()[:MAX_PREVIOUS_WORDS])} {question}"
