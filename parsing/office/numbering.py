"""Automatic numbering: how a number looks, and which number a paragraph of Word has."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from lxml import etree

from parsing.markup import find_child, get_attribute, iter_children

_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_ONES = (
    "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉑㉒㉓㉔㉕㉖㉗㉘㉙㉚㉛㉜㉝㉞㉟㊱㊲㊳㊴㊵㊶㊷㊸㊹㊺㊻㊼㊽㊾㊿"
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_KNOWN = frozenset((
    "decimal", "upperRoman", "lowerRoman", "upperLetter", "lowerLetter", "decimalZero", "ordinal",
    "cardinalText", "ordinalText", "hex", "decimalEnclosedCircle", "decimalEnclosedCircleChinese",
    "russianLower", "russianUpper", "none", "bullet", "",
))  # fmt: skip
_PLACE = re.compile(r"%([1-9])")
MAX_LEVELS = 9
_MAX_CHAIN = 10


def number_text(value: int, form: str) -> str:
    """A number in one of Word's number formats; those of other scripts come as digits."""
    if form in {"upperRoman", "lowerRoman", "I", "i"} and 0 < value < 5000:
        text = _roman(value)
        return text if form in {"upperRoman", "I"} else text.lower()
    if form in {"upperLetter", "lowerLetter", "A", "a"} and value > 0:
        letter = chr(65 + (value - 1) % 26) * min((value - 1) // 26 + 1, 20)
        return letter if form in {"upperLetter", "A"} else letter.lower()
    if form == "decimalZero":
        return f"{value:02d}"
    if form == "ordinal":
        tail = (
            "th" if 10 <= value % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
        )
        return f"{value}{tail}"
    if form == "cardinalText" and 0 < value < 100:
        return _words(value).capitalize()
    if form == "ordinalText" and 0 < value < 100:
        return _ordinal_words(value).capitalize()
    if form == "hex" and value >= 0:
        return f"{value:X}"
    if form in {"decimalEnclosedCircle", "decimalEnclosedCircleChinese"} and 0 < value <= 50:
        return _CIRCLED[value - 1]
    if form in {"russianLower", "russianUpper"} and value > 0:
        letter = _RUSSIAN[(value - 1) % 29] * min((value - 1) // 29 + 1, 20)
        return letter if form == "russianLower" else letter.upper()
    return "" if form == "none" else str(value)


def _roman(value: int) -> str:
    out = ""
    for worth, letters in _ROMAN:
        count, value = divmod(value, worth)
        out += letters * count
    return out


def _words(value: int) -> str:
    if value < 20:
        return _ONES[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def _ordinal_words(value: int) -> str:
    head, dash, last = _words(value).rpartition("-")
    if last in _ORDINALS:
        last = _ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return head + dash + last


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a list. `text` is a pattern: `Article %1.` or `%1.%2`."""

    form: str = "decimal"
    text: str = ""
    start: int = 1
    restart: int = -1
    is_legal: bool = False
    style: str = ""


@dataclass(slots=True)
class Numbering:
    """Lists of a Word document, and how far each has counted.

    Word counts by abstract list: lists made from the same one go on from each other, unless a
    list says where it starts anew.
    """

    abstracts: dict[str, dict[int, Level]] = field(default_factory=dict)
    lists: dict[str, tuple[str, dict[int, Level]]] = field(default_factory=dict)
    starts: dict[str, dict[int, int]] = field(default_factory=dict)
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    _seen: set[tuple[str, int]] = field(default_factory=set)

    def levels(self, number: str) -> dict[int, Level]:
        """Levels of a list; empty if there is no such list."""
        return self.lists[number][1] if number in self.lists else {}

    def level_of_style(self, number: str, style: str) -> int | None:
        """The level that a list keeps for paragraphs of a style."""
        levels = self.levels(number).items()
        return next((at for at, level in levels if level.style == style), None)

    def is_bullet(self, number: str, at: int) -> bool:
        """Whether a paragraph on this level has a bullet instead of a number."""
        level = self.levels(number).get(at)
        return level is None or level.form == "bullet"

    def advance(self, number: str, at: int) -> str:
        """Count one paragraph, and return what stands before it: `Article 4.`, `(a)`, `2.1`."""
        if number not in self.lists:
            return ""
        abstract, levels = self.lists[number]
        counts = self.counts.setdefault(abstract, {})
        level = levels.get(at, Level())
        for place, start in self.starts.get(number, {}).items():
            if (number, place) not in self._seen and place <= at:
                self._seen.add((number, place))
                if place == at or place not in counts:
                    counts[place] = start - (1 if place == at else 0)
        if at in counts:
            counts[at] += 1
        else:
            counts[at] = level.start
        for place in [place for place in counts if place > at]:
            restart = levels.get(place, Level()).restart
            if restart < 0 or (restart > 0 and at < restart):
                del counts[place]
        for place in range(at):
            counts.setdefault(place, levels.get(place, Level()).start)
        return self._label(levels, counts, level)

    def _label(self, levels: dict[int, Level], counts: dict[int, int], level: Level) -> str:
        def value(match: re.Match[str]) -> str:
            place = int(match.group(1)) - 1
            other = levels.get(place, Level())
            form = "decimal" if level.is_legal and other.form != "none" else other.form
            form = "decimal" if form == "bullet" else form
            self.unknown |= {form} - _KNOWN
            return number_text(counts.get(place, other.start), form)

        return _PLACE.sub(value, level.text).strip()


def unknown_kinds_note(kinds: set[str]) -> str:
    """What is said of kinds of numbers that are not known; empty if there are none."""
    if not kinds:
        return ""
    return f"List numbers of unknown kinds ({', '.join(sorted(kinds))}) are shown as plain numbers."


def read_numbering(root: etree._Element) -> Numbering:
    """Lists of numbering.xml."""
    numbering = Numbering()
    links: dict[str, str] = {}
    style_lists: dict[str, str] = {}
    for abstract in iter_children(root, "abstractNum"):
        key = get_attribute(abstract, "abstractNumId")
        numbering.abstracts[key] = {}
        for element in iter_children(abstract, "lvl"):
            numbering.abstracts[key][_integer(get_attribute(element, "ilvl"))] = _level(element)
        link, own = find_child(abstract, "numStyleLink"), find_child(abstract, "styleLink")
        if link is not None:
            links[key] = get_attribute(link, "val")
        if own is not None:
            style_lists[get_attribute(own, "val")] = key
    for item in iter_children(root, "num"):
        linked = find_child(item, "abstractNumId")
        key = get_attribute(linked, "val") if linked is not None else ""
        for _ in range(_MAX_CHAIN):
            key = style_lists.get(links.get(key, ""), key)
        _read_list(item, key, numbering)
    return numbering


def _read_list(item: etree._Element, abstract: str, numbering: Numbering) -> None:
    number = get_attribute(item, "numId")
    levels = dict(numbering.abstracts.get(abstract, {}))
    starts: dict[int, int] = {}
    for override in iter_children(item, "lvlOverride"):
        at = _integer(get_attribute(override, "ilvl"))
        element = find_child(override, "lvl")
        if element is not None:
            levels[at] = _level(element)
        begin = find_child(override, "startOverride")
        if begin is not None:
            starts[at] = _integer(get_attribute(begin, "val"))
            levels[at] = replace(levels.get(at, Level()), start=starts[at])
    numbering.lists[number] = (abstract, levels)
    numbering.starts[number] = starts


def _level(element: etree._Element) -> Level:
    def value(name: str) -> str:
        child = find_child(element, name)
        return get_attribute(child, "val") if child is not None else ""

    form = find_child(element, "numFmt")
    legal = find_child(element, "isLgl")
    start, restart = value("start"), value("lvlRestart")
    return Level(
        form=get_attribute(form, "val") if form is not None else "decimal",
        text=value("lvlText"),
        start=_integer(start) if start else 0,
        restart=_integer(restart) if restart else -1,
        is_legal=legal is not None and get_attribute(legal, "val") not in {"0", "false", "off"},
        style=value("pStyle"),
    )


def _integer(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() and len(text) < 10 else 0
