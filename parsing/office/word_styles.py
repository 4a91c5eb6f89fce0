"""What the styles of a Word document mean: headings, lists, code, hidden and raised text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from parsing.markup import find_child, get_attribute, iter_children, local_name

_HEADING_NAME = re.compile(r"^(?:heading|überschrift|titre|título|titolo)\s*(\d)$", re.IGNORECASE)
_LIST_NAME = re.compile(r"^list (?:bullet|number)", re.IGNORECASE)
_CODE_WORDS = ("code", "preformatted", "verbatim")
_MAX_CHAIN = 20
_TINY = 3
"""Half points. Nobody reads characters of a point and a half."""
_OFF = frozenset(("0", "false", "off"))


@dataclass(frozen=True, slots=True)
class WordStyle:
    """One style. `outline` is its heading level, 0 for none and None where it says nothing.

    `is_filled` says that it gives its text a ground of its own.
    """

    name: str = ""
    parent: str = ""
    outline: int | None = None
    number: str = ""
    level: str = ""
    is_hidden: bool | None = None
    script: str = ""
    font: str = ""
    is_struck: bool | None = None
    color: str = ""
    size: str = ""
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Colour and size, empty where nothing is said of them, and whether it has its own ground."""

    color: str = ""
    size: str = ""
    is_filled: bool = False


@dataclass(slots=True)
class WordStyles:
    """Styles by their id, with what they inherit."""

    known: dict[str, WordStyle] = field(default_factory=dict)
    default: str = ""
    _hides: dict[str, bool] = field(default_factory=dict)
    _scripts: dict[str, str] = field(default_factory=dict)
    _fonts: dict[str, str] = field(default_factory=dict)
    _strikes: dict[str, bool] = field(default_factory=dict)
    _looks: dict[str, Look] = field(default_factory=dict)

    def add(self, element: etree._Element) -> None:
        """Take in one `w:style`."""
        name, key = value_of(element, "name"), get_attribute(element, "styleId")
        paragraph, run = find_child(element, "pPr"), find_child(element, "rPr")
        numbers = find_child(paragraph, "numPr") if paragraph is not None else None
        self.known[key] = WordStyle(
            name,
            value_of(element, "basedOn"),
            _outline(name, paragraph),
            value_of(numbers, "numId"),
            value_of(numbers, "ilvl"),
            is_on(run, "vanish"),
            script_of(run),
            font_of(run),
            _strikes(run),
            value_of(run, "color").upper(),
            value_of(run, "sz"),
            any(_is_filled(group) for group in (paragraph, run) if group is not None),
        )
        if get_attribute(element, "type") == "paragraph" and get_attribute(element, "default") in {
            "1", "true",
        }:  # fmt: skip
            self.default = key

    def outline(self, key: str) -> int:
        """Heading level of a style, 0 if it is none."""
        return next((s.outline for s in self._chain(key) if s.outline is not None), 0)

    def numbering(self, key: str) -> tuple[str, str]:
        """Id of the list and level that a style brings; empty strings if none."""
        number = level = ""
        for style in self._chain(key):
            number, level = number or style.number, level or style.level
            if number:
                break
        return number, level

    def lineage(self, key: str) -> list[str]:
        """A style and those it is based on."""
        return list(self._keys(key))

    def is_list(self, key: str) -> bool:
        """Whether the style is one of Word's own lists."""
        return any(_LIST_NAME.match(style.name) for style in self._chain(key))

    def is_code(self, key: str) -> bool:
        """Whether the style is for source code."""
        name = self.known.get(key, WordStyle()).name.lower()
        return any(word in name for word in _CODE_WORDS)

    def hides(self, key: str) -> bool:
        """Whether text of this style is hidden."""
        if key not in self._hides:
            said = (style.is_hidden for style in self._chain(key))
            self._hides[key] = bool(next((value for value in said if value is not None), False))
        return self._hides[key]

    def script(self, key: str) -> str:
        """superscript, subscript or another value that means neither."""
        if key not in self._scripts:
            said = (style.script for style in self._chain(key))
            self._scripts[key] = next((value for value in said if value), "")
        return self._scripts[key]

    def font(self, key: str) -> str:
        """The font of a style; empty where it says nothing."""
        if key not in self._fonts:
            named = (style.font for style in self._chain(key))
            self._fonts[key] = next((value for value in named if value), "")
        return self._fonts[key]

    def strikes(self, key: str) -> bool:
        """Whether text of a style is struck out."""
        if key not in self._strikes:
            said = (style.is_struck for style in self._chain(key))
            self._strikes[key] = bool(next((value for value in said if value is not None), False))
        return self._strikes[key]

    def look(self, key: str) -> Look:
        """Colour, size and ground of a style."""
        if key not in self._looks:
            chain = list(self._chain(key))
            self._looks[key] = Look(
                next((style.color for style in chain if style.color), ""),
                next((style.size for style in chain if style.size), ""),
                any(style.is_filled for style in chain),
            )
        return self._looks[key]

    def _keys(self, key: str) -> Iterator[str]:
        for _ in range(_MAX_CHAIN):
            if key not in self.known:
                return
            yield key
            key = self.known[key].parent

    def _chain(self, key: str) -> Iterator[WordStyle]:
        return (self.known[name] for name in self._keys(key))


def _outline(name: str, paragraph: etree._Element | None) -> int | None:
    match = _HEADING_NAME.match(name)
    if match:
        return int(match.group(1))
    if name.lower() in {"title", "subtitle"}:
        return 1 if name.lower() == "title" else 2
    value = value_of(paragraph, "outlineLvl")
    if not value.isdigit():
        return None
    return int(value) + 1 if int(value) < 9 else 0


def value_of(parent: etree._Element | None, name: str) -> str:
    """The w:val of a child; empty if there is none."""
    child = find_child(parent, name) if parent is not None else None
    return get_attribute(child, "val") if child is not None else ""


def is_on(properties: etree._Element | None, name: str) -> bool | None:
    """A property that is on or off; None where nothing is said."""
    child = find_child(properties, name) if properties is not None else None
    return None if child is None else get_attribute(child, "val").lower() not in _OFF


def is_struck(properties: etree._Element | None, *styles: bool) -> bool:
    """Whether a run is struck out: as it says itself, else as one of its two styles says."""
    own = _strikes(properties)
    return sum(styles) == 1 if own is None else own


def _strikes(properties: etree._Element | None) -> bool | None:
    said = [is_on(properties, name) for name in ("strike", "dstrike")]
    return None if said == [None, None] else any(said)


def is_unseen(run: etree._Element, properties: etree._Element | None, looks: list[Look]) -> bool:
    """Whether a run is too small to be seen, or white where nothing says the ground is not.

    `looks` are those of its styles, the closest first.
    """
    looks = [Look(value_of(properties, "color").upper(), value_of(properties, "sz")), *looks]
    size = next((look.size for look in looks if look.size), "")
    if size.isdigit() and int(size) <= _TINY:
        return True
    if next((look.color for look in looks if look.color), "") != "FFFFFF":
        return False
    if any(look.is_filled for look in looks):
        return False
    if properties is not None and _is_filled(properties):
        return False
    for node in run.iterancestors():
        name = local_name(node)
        if name in {"txbxContent", "hdr", "ftr"}:
            return False  # boxes and bands of a page often have a ground of their own
        group = find_child(node, f"{name}Pr") if name in {"p", "tc", "tr", "tbl"} else None
        if group is not None and (_is_filled(group) or find_child(group, "tblStyle") is not None):
            return False
        if name == "document" and find_child(node, "background") is not None:
            return False
    return True


def _is_filled(properties: etree._Element) -> bool:
    """Whether shading or a marker pen lies under text. White shading is none."""
    shading = find_child(properties, "shd")
    fill = get_attribute(shading, "fill").upper() if shading is not None else ""
    if shading is not None and (
        fill not in {"", "AUTO", "FFFFFF"} or get_attribute(shading, "themeFill")
        or get_attribute(shading, "val") not in {"", "clear", "nil"}
    ):  # fmt: skip
        return True
    return value_of(properties, "highlight") not in {"", "none", "white"}


def font_of(properties: etree._Element | None) -> str:
    """The font of a run's Western characters; empty where nothing is said."""
    fonts = find_child(properties, "rFonts") if properties is not None else None
    if fonts is None:
        return ""
    return get_attribute(fonts, "ascii") or get_attribute(fonts, "hAnsi")


def script_of(properties: etree._Element | None) -> str:
    """superscript or subscript, also where text was raised or lowered and made smaller by hand."""
    script = value_of(properties, "vertAlign")
    if script or properties is None:
        return script
    position, size = value_of(properties, "position"), value_of(properties, "sz")
    if position.lstrip("-").isdigit() and size and abs(int(position)) >= 4:
        return "superscript" if int(position) > 0 else "subscript"
    return ""


def read_styles(root: etree._Element | None) -> WordStyles:
    """Styles of styles.xml."""
    styles = WordStyles()
    for element in iter_children(root, "style") if root is not None else ():
        styles.add(element)
    return styles
