"""Text of Word's paragraphs: runs, fields, links, equations; hidden and deleted text left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from parsing.formulas import fraction, omml_text
from parsing.inline import (
    mark_lowered,
    mark_raised,
    mark_struck,
    reading_text,
    settle,
    with_address,
)
from parsing.markup import find_child, get_attribute, iter_children, iter_named, local_name
from parsing.office.symbol_fonts import UNKNOWN, is_symbol_font, symbol_text
from parsing.office.word_styles import (
    WordStyles,
    font_of,
    is_on,
    is_struck,
    is_unseen,
    script_of,
    value_of,
)
from parsing.ooxml import relation_id
from parsing.text import squeeze

PAGE_BREAK = "\x1d"
SKIPPED = frozenset((
    "del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "rPr", "tblPr", "tblGrid",
    "tcPr", "trPr", "sectPr", "fldData", "binData", "annotationRef", "delInstrText",
))  # fmt: skip
_LEAVES = {
    "t": "", "br": "", "sym": "", "docPr": "", "tab": "\t", "ptab": "\t", "cr": "\n",
    "noBreakHyphen": "-", "lastRenderedPageBreak": PAGE_BREAK, "oMath": "",
    "footnoteReference": "", "endnoteReference": "",
}  # fmt: skip
"""Elements that stand for text; those with an empty string are worked out one by one."""

_FRACTION = re.compile(r"^\s*EQ\s.*?\\f\s?\(([^()]+)[,;]([^()]+)\)", re.IGNORECASE)
_FIELD_PARTS = frozenset(("fldChar", "instrText"))
_HYPERLINK = re.compile(r'HYPERLINK\s+(?:"([^"]+)"|([^\s"\\]\S*))', re.IGNORECASE)


@dataclass(slots=True)
class _Open:
    """Text from `start` on that a link or a raised run will change when it ends."""

    start: int
    target: str = ""
    script: str = ""
    instruction: str = ""
    is_showing: bool = True


@dataclass(slots=True)
class WordText:
    """Turns paragraphs into text. `addresses` are those of the part that is being read."""

    styles: WordStyles
    addresses: dict[str, str] = field(default_factory=dict)
    notes: dict[tuple[str, str], int] = field(default_factory=dict)
    hidden: int = 0
    deleted: int = 0
    unknown: int = 0
    unseen: int = 0
    _font: str = ""

    def read(self, paragraph: etree._Element, boxes: list[etree._Element]) -> str:
        """Text of one paragraph; text boxes match inside are put into `boxes`."""
        style = value_of(find_child(paragraph, "pPr"), "pStyle") or self.styles.default
        out: list[str] = []
        fields: list[_Open] = []
        stack: list[etree._Element | _Open] = list(reversed(paragraph))
        while stack:
            item = stack.pop()
            if isinstance(item, _Open):
                _close(item, out)
                continue
            name = local_name(item)
            if name in _LEAVES:
                if all(entry.is_showing for entry in fields):
                    text = self._leaf(item, name)
                    self.unknown += text.count(UNKNOWN)
                    out.append(text)
            elif name in _FIELD_PARTS:
                self._field(item, name, fields, out)
            elif name == "txbxContent":
                boxes.append(item)
            elif name == "r":
                stack += self._run(item, style, len(out))
            else:
                stack += self._inside(item, name, len(out))
        for entry in reversed(fields):
            _finish(entry, out)
        return settle("".join(out))

    def _inside(
        self, element: etree._Element, name: str, start: int
    ) -> list[etree._Element | _Open]:
        if name in SKIPPED:
            self.deleted += name in {"del", "moveFrom"}
            return []
        items: list[etree._Element | _Open] = []
        if name == "ruby":
            # The reading is stored before what it is the reading of, and stands above it.
            bases = [child for child in element if local_name(child) != "rt"]
            readings = [child for child in element if local_name(child) == "rt"]
            return [*reversed(readings), *reversed(bases)]
        if name == "rt":
            items.append(_Open(start, script="reading"))
        if name == "hyperlink":
            items.append(_Open(start, target=self.addresses.get(relation_id(element), "")))
        elif name == "fldSimple":
            items.append(_Open(start, target=_target(get_attribute(element, "instr"))))
        return [*items, *reversed(element)]

    def _run(self, run: etree._Element, style: str, start: int) -> list[etree._Element | _Open]:
        properties = find_child(run, "rPr")
        own = value_of(properties, "rStyle")
        hidden = is_on(properties, "vanish")
        if hidden is None:
            hidden = self.styles.hides(own) or self.styles.hides(style)
        if hidden:
            shown = [child for child in run if local_name(child) in {"fldChar", "instrText"}]
            if any((child.text or "").strip() for child in run if local_name(child) == "t"):
                self.hidden += 1
            return list(reversed(shown))
        looks = [self.styles.look(key) for key in (own, style) if key]
        if is_unseen(run, properties, looks):
            if any((child.text or "").strip() for child in run if local_name(child) == "t"):
                self.unseen += 1
            kept = [child for child in run if local_name(child) in _FIELD_PARTS]
            return list(reversed(kept))
        self._font = font_of(properties) or self.styles.font(own) or self.styles.font(style)
        script = script_of(properties) or self.styles.script(own)
        strikes = is_struck(properties, self.styles.strikes(own), self.styles.strikes(style))
        marks: list[etree._Element | _Open] = [_Open(start, script="struck")] if strikes else []
        if script in {"superscript", "subscript"}:
            marks.append(_Open(start, script=script))
        return [*marks, *reversed(run)]

    def _field(
        self, element: etree._Element, name: str, fields: list[_Open], out: list[str]
    ) -> None:
        """A field shows what is between `separate` and `end`; before that it says what it does."""
        kind = get_attribute(element, "fldCharType")
        if kind == "begin":
            if all(entry.is_showing for entry in fields):
                out.append(_form_state(element))
            fields.append(_Open(len(out), is_showing=False))
        elif not fields:
            return
        elif name == "instrText":
            fields[-1].instruction += element.text or ""
        elif kind == "separate":
            fields[-1].start, fields[-1].is_showing = len(out), True
        elif kind == "end":
            _finish(fields.pop(), out)

    def _leaf(self, element: etree._Element, name: str) -> str:
        if name == "t":
            return symbol_text(element.text or "", self._font)
        if name == "br":
            return PAGE_BREAK if get_attribute(element, "type") == "page" else "\n"
        if name == "sym":
            return _symbol(get_attribute(element, "char"), get_attribute(element, "font"))
        if name == "docPr":
            return _alternative_text(element)
        if name == "oMath":
            return omml_text(element)
        if name.endswith("Reference"):
            return self._reference(name.removesuffix("Reference"), element)
        return _LEAVES[name]

    def _reference(self, kind: str, element: etree._Element) -> str:
        """Where a note belongs; notes are numbered in the order in which they are called."""
        key = (kind, get_attribute(element, "id"))
        if key not in self.notes:
            self.notes[key] = 1 + sum(1 for other, _ in self.notes if other == kind)
        return f" [{kind.capitalize()} {self.notes[key]}]"


_MARKS = {
    "superscript": mark_raised,
    "subscript": mark_lowered,
    "struck": mark_struck,
    "reading": reading_text,
}


def _close(entry: _Open, out: list[str]) -> None:
    if entry.start >= len(out):
        return
    text = "".join(out[entry.start :])
    if entry.script and not text.startswith(" ["):
        text = _MARKS[entry.script](text)
    if entry.target:
        text = with_address(text, entry.target)
    out[entry.start :] = [text]


def _finish(entry: _Open, out: list[str]) -> None:
    """A field ends: a link gets its address; a fraction shows what its instruction says."""
    entry.target = _target(entry.instruction)
    quotient = None if entry.is_showing else _FRACTION.search(entry.instruction)
    if quotient:
        out.append(fraction(quotient[1], quotient[2]))
    if entry.is_showing:
        _close(entry, out)


def _form_state(field_start: etree._Element) -> str:
    """What a check box or a drop-down list of an old form shows; empty for other fields."""
    for box in iter_named(field_start, "checkBox"):
        checked = is_on(box, "checked")
        checked = is_on(box, "default") if checked is None else checked
        return "☒" if checked else "☐"
    for choice in iter_named(field_start, "ddList"):
        entries = [get_attribute(item, "val") for item in iter_children(choice, "listEntry")]
        at = value_of(choice, "result") or value_of(choice, "default") or "0"
        return entries[int(at)] if at.isdigit() and int(at) < len(entries) else ""
    return ""


def _target(instruction: str) -> str:
    match = _HYPERLINK.search(instruction)
    return (match[1] or match[2]) if match else ""


def _symbol(code: str, font: str) -> str:
    """The character that a symbol font has at a place; U+FFFD where that cannot be told."""
    value = int(code, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,5}", code) else 0
    if is_symbol_font(font) or 0xE000 <= value <= 0xF8FF:
        return symbol_text(chr(value), font) if value >= 32 else UNKNOWN
    return UNKNOWN if value < 32 or 0xD800 <= value <= 0xDFFF else chr(value)


def _alternative_text(element: etree._Element) -> str:
    text = get_attribute(element, "descr").strip()
    return f" [Image: {squeeze(text)}] " if text else ""


def has_text(element: etree._Element) -> bool:
    """Whether anything is written in an element."""
    return any((item.text or "").strip() for item in iter_named(element, "t"))
