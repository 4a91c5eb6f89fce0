"""IFEval-style checks: does the answer keep to instructions that a program can verify?

All 25 kinds of IFEval (Zhou et al., 2023) with the names and arguments of that data set. An
example gives ``instructions``: [{"kind": "length_constraints:number_words", "relation": "at
least", "num_words": 300}, ...]. The value is the share that was followed (instruction-level
accuracy); "pass" means all of them (prompt-level accuracy). Known differences from the original:
keywords are plain text and whole words where the original takes them for patterns, sentences and
languages are found by our own splitter and detector. On 26,588 answers to IFEval's instructions
the verdicts were those of the original in 99.7 % (sentences aside, which were not compared).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from apps.core.options import Option
from inference.sentences import split_sentences
from measures.detectors.language import detect_language
from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    failed,
    not_applicable,
)

Arguments: TypeAlias = Mapping[str, Any]
Check: TypeAlias = Callable[[str, Arguments], bool]
MAX_INSTRUCTIONS = 50
_FENCED_JSON = re.compile(r"^```(?:json)?\s*(.*?)\s*(?:```)?$", re.DOTALL | re.IGNORECASE)
_BULLET = re.compile(r"^[ \t]*(?:\*(?!\*)|-)", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*\*([^\n*]+)\*\*|\*([^\n*]+)\*")
_CAPITAL_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def check_instruction(kind: str, answer: str, arguments: Arguments) -> bool:
    """Whether the answer follows one; raises ``KeyError`` or ``ValueError`` for a bad one.

    An empty answer follows nothing.
    """
    return bool(answer.strip()) and CHECKS[kind](answer, arguments)


def check_loosely(kind: str, answer: str, arguments: Arguments) -> bool:
    """As IFEval's loose criterion: also without its first or last line, or its asterisks."""
    lines = answer.split("\n")
    variants = [answer]
    variants += ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    variants += [variant.replace("*", "") for variant in variants]
    return any(check_instruction(kind, variant, arguments) for variant in variants)


def _holds(count: int, arguments: Arguments, relation: str, limit: str) -> bool:
    """Compare a count as ``relation`` says: "at least", "less than" or "at most"."""
    comparison = arguments.get(relation) or "at least"
    number = int(arguments[limit])
    if comparison == "less than":
        return count < number
    if comparison == "at most":
        return count <= number
    if comparison != "at least":
        raise ValueError(f"no such relation: {comparison}")
    return count >= number


def _count_word(answer: str, word: str) -> int:
    """Occurrences of a word or phrase, whatever the case."""
    pattern = rf"(?<!\w){re.escape(word.strip())}(?!\w)"
    return len(re.findall(pattern, answer, re.IGNORECASE))


def _parts(answer: str, separator: str) -> list[str] | None:
    """Non-empty parts; ``None`` when one in the middle is empty."""
    parts = [part.strip() for part in answer.split(separator)]
    parts = parts[not parts[0] : len(parts) - (not parts[-1])]
    return parts if all(parts) else None


def _keywords(answer: str, arguments: Arguments) -> bool:
    text = answer.lower()
    return all(str(word).lower() in text for word in arguments["keywords"])


def _forbidden(answer: str, arguments: Arguments) -> bool:
    return not any(_count_word(answer, str(word)) for word in arguments["forbidden_words"])


def _frequency(answer: str, arguments: Arguments) -> bool:
    count = answer.lower().count(str(arguments["keyword"]).strip().lower())
    return _holds(count, arguments, "relation", "frequency")


def _letters(answer: str, arguments: Arguments) -> bool:
    count = answer.lower().count(str(arguments["letter"]).lower())
    return _holds(count, arguments, "let_relation", "let_frequency")


def _language(answer: str, arguments: Arguments) -> bool:
    return detect_language(answer) == str(arguments["language"])


def _words(answer: str, arguments: Arguments) -> bool:
    return _holds(len(re.findall(r"\w+", answer)), arguments, "relation", "num_words")


def _sentences(answer: str, arguments: Arguments) -> bool:
    return _holds(len(split_sentences(answer)), arguments, "relation", "num_sentences")


def _paragraphs(answer: str, arguments: Arguments) -> bool:
    parts = _parts(answer, "***")
    return parts is not None and len(parts) == int(arguments["num_paragraphs"])


def _first_word(answer: str, arguments: Arguments) -> bool:
    paragraphs = [part for part in re.split(r"\n\n", answer) if part.strip()]
    place = int(arguments["nth_paragraph"])
    if len(paragraphs) != int(arguments["num_paragraphs"]) or place > len(paragraphs):
        return False
    word = paragraphs[place - 1].split()[0].lstrip("'\"")
    return re.split(r"[.,?!'\"]", word)[0].lower() == str(arguments["first_word"]).lower()


def _json(answer: str, arguments: Arguments) -> bool:
    match = _FENCED_JSON.match(answer.strip())
    try:
        orjson.loads(match[1] if match else answer)
    except ValueError:
        return False
    return True


def _sections(answer: str, arguments: Arguments) -> bool:
    marker = re.escape(str(arguments["section_spliter"]).strip())
    return len(re.findall(rf"{marker}\s?\d+", answer)) >= int(arguments["num_sections"])


def _highlights(answer: str, arguments: Arguments) -> bool:
    texts = [bold or plain for bold, plain in _HIGHLIGHT.findall(answer)]
    return sum(bool(text.strip()) for text in texts) >= int(arguments["num_highlights"])


def _postscript(answer: str, arguments: Arguments) -> bool:
    marker = str(arguments["postscript_marker"]).strip().rstrip(".")
    letters = r"\.\s?".join(re.escape(letter) for letter in marker.split("."))
    return bool(re.search(rf"(?<!\w){letters}", answer, re.IGNORECASE))


def _two_responses(answer: str, arguments: Arguments) -> bool:
    parts = _parts(answer, "******")
    return parts is not None and len(parts) == 2 and parts[0] != parts[1]


def _capital_words(answer: str, arguments: Arguments) -> bool:
    count = sum(word.isupper() for word in _CAPITAL_WORD.findall(answer))
    return _holds(count, arguments, "capital_relation", "capital_frequency")


def _in_english(answer: str) -> bool:
    return detect_language(answer.lower()) in ("en", None)


def _quoted(answer: str, arguments: Arguments) -> bool:
    text = answer.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


def _ends(answer: str, arguments: Arguments) -> bool:
    return answer.strip().strip('"').lower().endswith(str(arguments["end_phrase"]).strip().lower())


def _repeats(answer: str, arguments: Arguments) -> bool:
    prompt = str(arguments["prompt_to_repeat"]).strip().lower()
    return answer.strip().lower().startswith(prompt)


_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
CHECKS: dict[str, Check] = {
    "keywords:existence": _keywords,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden,
    "keywords:letter_frequency": _letters,
    "language:response_language": _language,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_words": _words,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": lambda answer, a: (
        len(re.findall(r"\[.*?\]", answer)) >= int(a["num_placeholders"])
    ),
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": lambda answer, a: (
        len(_BULLET.findall(answer)) == int(a["num_bullets"])
    ),
    "detectable_format:constrained_response": lambda answer, a: any(
        option in answer for option in _OPTIONS
    ),
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": lambda answer, a: bool(
        re.search(r"<<[^\n<>]*[^\s<>]+.*?>>", answer)
    ),
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeats,
    "startend:end_checker": _ends,
    "startend:quotation": _quoted,
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": lambda answer, a: answer.isupper() and _in_english(answer),
    "change_case:english_lowercase": lambda answer, a: answer.islower() and _in_english(answer),
    "punctuation:no_comma": lambda answer, a: "," not in answer,
}


def _score(observation: Observation, tools: Tools) -> Score:
    instructions = observation.extra.get("instructions")
    if not isinstance(instructions, Sequence) or isinstance(instructions, str) or not instructions:
        return not_applicable("The example has no instructions to check.")
    check = check_loosely if tools.settings["loose"] else check_instruction
    followed: list[str] = []
    missed: list[str] = []
    for one in list(instructions)[:MAX_INSTRUCTIONS]:
        kind = str(one.get("kind", "")) if isinstance(one, Mapping) else ""
        if kind not in CHECKS:
            return failed(f"There is no check called {kind or one!r}.")
        try:
            kept = check(kind, observation.verbatim, one)
        except (KeyError, TypeError, ValueError) as error:
            return failed(f"The check {kind} lacks something: {error}")
        (followed if kept else missed).append(kind)
    value = len(followed) / (len(followed) + len(missed))
    reason = f"Not followed: {', '.join(missed)}"[:300] if missed else ""
    label = "fail" if missed else "pass"
    return Score(value, label, reason, {"followed": followed, "missed": missed})


EVALUATORS = (
    Evaluator(
        "instructions", "Instructions followed",
        "Which share of the example's checkable instructions (length, format, keywords, case, "
        "language...) the answer follows.",
        "format", frozenset({Need.ANSWER, Need.INSTRUCTIONS}),
        "Zhou et al., 2023 (IFEval), all 25 kinds", _score,
        settings=(Option("loose", "Also without first or last line, or asterisks", "flag",
                          False),),
    ),
)  # fmt: skip
