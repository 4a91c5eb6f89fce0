"""Text of PowerPoint's paragraphs and tables: runs, links, equations, numbers, merged cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from parsing.formulas import omml_text
from parsing.grid import MAX_LABEL, Grid
from parsing.inline import mark_lowered, mark_raised, mark_struck, settle, with_address
from parsing.markup import find_child, get_attribute, iter_children, iter_named, local_name
from parsing.office.numbering import number_text
from parsing.office.slide_ground import is_tiny, is_white
from parsing.office.symbol_fonts import UNKNOWN, is_symbol_font, symbol_text
from parsing.ooxml import relation_id
from parsing.text import squeeze

_SKIPPED = frozenset(("Fallback", "pPr", "endParaRPr"))
_SCHEME = re.compile(r"(arabic|alphaLc|alphaUc|romanLc|romanUc)(\w*)$")
_FORMS = {
    "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}  # fmt: skip


@dataclass(slots=True)
class SlideText:
    """Turns paragraphs and tables into text. `addresses` are those of the slide's links.

    `has_white_ground` says whether white text cannot be seen on the slide.
    """

    addresses: dict[str, str] = field(default_factory=dict)
    has_white_ground: Callable[[], bool] = lambda: False
    unknown: int = 0
    unseen: int = 0

    def read(self, paragraph: etree._Element) -> str:
        """Text of one paragraph."""
        out = ""
        stack = list(reversed(paragraph))
        while stack:
            element = stack.pop()
            name = local_name(element)
            if name in {"r", "fld"}:
                out += self._run(element)
            elif name in {"br", "tab"}:
                out += " "
            elif name == "oMath":
                out += omml_text(element)
            elif name and name not in _SKIPPED:
                stack.extend(reversed(element))
        return settle(out)

    def _run(self, run: etree._Element) -> str:
        text = "".join(item.text or "" for item in iter_children(run, "t"))
        properties = find_child(run, "rPr")
        if properties is None or not text.strip():
            return text
        if is_tiny(properties) or (is_white(properties) and self.has_white_ground()):
            self.unseen += 1
            return ""
        text = symbol_text(text, _symbol_font(properties, text))
        self.unknown += text.count(UNKNOWN)
        baseline = get_attribute(properties, "baseline").rstrip("%")
        if baseline.lstrip("-").isdigit() and int(baseline):
            text = mark_raised(text) if int(baseline) > 0 else mark_lowered(text)
        if get_attribute(properties, "strike") in {"sngStrike", "dblStrike"}:
            text = mark_struck(text)
        link = find_child(properties, "hlinkClick")
        if link is not None:
            text = with_address(text, self.addresses.get(relation_id(link), ""))
        return text

    def linked(self, text: str, shape: etree._Element) -> str:
        """Text of a shape that is a link as a whole."""
        properties = next(iter_named(shape, "cNvPr"), None)
        link = find_child(properties, "hlinkClick") if properties is not None else None
        if link is None:
            return text
        return with_address(text, self.addresses.get(relation_id(link), ""))

    def grid(self, table: etree._Element) -> Grid:
        """Cells of a table; covered ones have the label of the cell that covers them."""
        grid = Grid([])
        above: dict[int, str] = {}
        for y, row in enumerate(iter_children(table, "tr")):
            line: list[str] = []
            for x, cell in enumerate(iter_children(row, "tc")):
                from_left = get_attribute(cell, "hMerge") in {"1", "true"}
                from_above = get_attribute(cell, "vMerge") in {"1", "true"}
                if from_left and line:
                    text = line[-1] if len(line[-1]) <= MAX_LABEL else ""
                    grid.across.add((y, x))
                elif from_above:
                    text = above.get(x, "")
                else:
                    text = self._cell(cell)
                if from_above:
                    grid.down.add((y, x))
                above[x] = text if len(text) <= MAX_LABEL else ""
                line.append(text)
            grid.rows.append(line)
        return grid

    def _cell(self, cell: etree._Element) -> str:
        return squeeze(" ".join(self.read(item) for item in iter_named(cell, "p")))


def _symbol_font(properties: etree._Element, text: str) -> str:
    """The symbol font of a run; one beside an ordinary font is for private characters only."""
    names: dict[str, str] = {}
    for kind in ("latin", "sym"):
        font = find_child(properties, kind)
        names[kind] = get_attribute(font, "typeface") if font is not None else ""
    if is_symbol_font(names["latin"]):
        return names["latin"]
    is_private = all("\ue000" <= char <= "\uf8ff" or char.isspace() for char in text)
    return names["sym"] if is_private else ""


def list_level(paragraph: etree._Element) -> int:
    """How deep a paragraph stands in its list."""
    properties = find_child(paragraph, "pPr")
    level = get_attribute(properties, "lvl") if properties is not None else ""
    return min(int(level), 8) if level.isdigit() else 0


@dataclass(slots=True)
class ListCounter:
    """Numbers of the paragraphs of one shape."""

    _counts: dict[int, tuple[str, int]] = field(default_factory=dict)

    def advance(self, paragraph: etree._Element) -> str:
        """What stands before a paragraph: `1.`, `(b)`; empty if it is not numbered."""
        level = list_level(paragraph)
        for deeper in [at for at in self._counts if at > level]:
            del self._counts[deeper]
        properties = find_child(paragraph, "pPr")
        auto = find_child(properties, "buAutoNum") if properties is not None else None
        if auto is None:
            self._counts.pop(level, None)
            return ""
        kind, start = get_attribute(auto, "type"), get_attribute(auto, "startAt")
        key = f"{kind} {start}"
        known = self._counts.get(level)
        value = known[1] + 1 if known and known[0] == key else int(start) if start.isdigit() else 1
        self._counts[level] = (key, value)
        return _scheme_text(kind, value)


def _scheme_text(kind: str, value: int) -> str:
    match = _SCHEME.match(kind)
    number = number_text(value, _FORMS.get(match[1], "decimal") if match else "decimal")
    tail = match[2] if match else "Period"
    patterns = {"ParenBoth": f"({number})", "ParenR": f"{number})", "Plain": number}
    return patterns.get(tail, f"{number}.")
