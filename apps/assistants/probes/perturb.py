"""Questions in other shapes, by rules. Pure, and repeatable for each seed.

Meaning stays; what changes is what people vary without thinking: words around the question, case,
slips of the fingers. How much answers move shows how far a single one can be trusted.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import partial

AGAIN = "again"
REVERSED = "reversed"
WORD = re.compile(r"[^\W\d_]{4,}")
NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "ko", "m": "n", "n": "bm", "o": "ip", "p": "o",
    "q": "wa", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc",
    "y": "tu", "z": "x",
}  # fmt: skip
CONTRACTIONS = (
    (r"\bwhat is\b", "what's"), (r"\bwho is\b", "who's"), (r"\bwhere is\b", "where's"),
    (r"\bdo not\b", "don't"), (r"\bdoes not\b", "doesn't"), (r"\bcannot\b", "can't"),
    (r"\bis not\b", "isn't"), (r"\bare not\b", "aren't"), (r"\bI am\b", "I'm"),
)  # fmt: skip
SYNONYMS = (
    (r"\bhow many\b", "what number of"), (r"\bhow much\b", "what amount of"),
    (r"\bwhich\b", "what"), (r"\bneed to\b", "have to"),
    (r"\bmay I\b", "am I allowed to"), (r"\bcan I\b", "is it possible for me to"),
    (r"\bget\b", "receive"), (r"\bgets\b", "receives"), (r"\bbuy\b", "purchase"),
    (r"\bstart\b", "begin"), (r"\bstarts\b", "begins"), (r"\bend\b", "finish"),
    (r"\bshow\b", "display"), (r"\bask\b", "request"), (r"\bhelp\b", "assist"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to rephrase a question. `label` is for people."""

    name: str
    label: str


KINDS = (
    Kind(AGAIN, "Asked again, word for word"),
    Kind("polite", "With words around it"),
    Kind("synonyms", "With other words"),
    Kind("typo", "With a slip of the finger"),
    Kind("typos", "With three slips"),
    Kind("lower", "All in small letters"),
    Kind("upper", "All in capitals"),
    Kind("bare", "Without punctuation"),
    Kind(REVERSED, "Passages in reverse order"),
)
LABELS = {kind.name: kind.label for kind in KINDS}


def perturb(question: str, kind: str, *, seed: int = 0) -> str:
    """The question in this shape; unchanged where the rule finds nothing to change."""
    # Seeded so that it is repeatable; nothing secret depends on it.
    chance = random.Random(f"{seed}:{kind}:{question}")  # noqa: S311
    if kind == "polite":
        return _polite(question, chance)
    if kind == "synonyms":
        return _swap(question)
    if kind in ("typo", "typos"):
        return _slip(question, chance, count=1 if kind == "typo" else 3)
    if kind == "lower":
        return question.lower()
    if kind == "upper":
        return question.upper()
    if kind == "bare":
        return re.sub(r"\s+", " ", re.sub(r"[^\w\s'-]", " ", question)).strip()
    return question


def _polite(question: str, chance: random.Random) -> str:
    before, after = chance.choice(
        [("Hello, quick question: ", " Thanks!"), ("Could you tell me this: ", ""),
         ("I have been wondering. ", " Please let me know."), ("Please answer: ", "")]
    )  # fmt: skip
    return f"{before}{question}{after}"


def _swap(question: str) -> str:
    for pattern, word in (*SYNONYMS, *CONTRACTIONS):
        question = re.sub(pattern, partial(_replace, word), question, flags=re.I)
    return question


def _replace(word: str, match: re.Match[str]) -> str:
    return _like(match.group(), word)


def _like(model: str, word: str) -> str:
    """The replacement, capitalised if the original was."""
    return word[0].upper() + word[1:] if model[:1].isupper() else word


def _slip(question: str, chance: random.Random, *, count: int) -> str:
    """Swapped, doubled, dropped or neighbouring letters inside words of four and more."""
    words = list(WORD.finditer(question))
    letters = list(question)
    for word in chance.sample(words, min(count, len(words))):
        at = chance.randrange(word.start() + 1, word.end() - 1)
        slip = chance.choice(("swap", "double", "drop", "neighbour"))
        here = letters[at]
        if slip == "swap" and letters[at + 1] != here:
            letters[at], letters[at + 1] = letters[at + 1], here
        elif slip == "double":
            letters[at] = here * 2
        elif slip == "neighbour" and here.lower() in NEIGHBOURS:
            letters[at] = chance.choice(NEIGHBOURS[here.lower()])
        else:
            letters[at] = ""
    return "".join(letters)
