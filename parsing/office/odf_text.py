"""What OpenDocument formats share: styles that hide, raise or number, and the text of a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lxml import etree

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
from parsing.text import squeeze

MAX_REPEAT = 100
_TINY = re.compile(r"(?:0(?:\.\d+)?|1(?:\.[0-5]\d*)?)(?:pt|px)$")
_SKIPPED = frozenset((
    "note-citation", "tracked-changes", "image", "text-box", "annotation-end",
    "table", "list", "event-listeners",
))  # fmt: skip
_ALONE = frozenset(("note", "annotation", "frame", "hidden-text", "hidden-paragraph", "object"))


@dataclass(frozen=True, slots=True)
class Style:
    """What matters of one style. `position` is super, sub or empty."""

    parent: str = ""
    position: str = ""
    is_hidden: bool = False
    shows: bool = False
    is_struck: bool | None = None
    color: str = ""
    ground: str = ""
    size: str = ""
    font: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How text looks, as its styles say; empty where they say nothing."""

    color: str = ""
    ground: str = ""
    size: str = ""
    font: str = ""

    def over(self, around: Look) -> Look:
        """This look where it says something, else the one around it."""
        return Look(
            self.color or around.color,
            self.ground or around.ground,
            self.size or around.size,
            self.font or around.font,
        )

    @property
    def is_tiny(self) -> bool:
        """Whether it is too small to be seen."""
        return bool(_TINY.match(self.size))

    @property
    def is_white(self) -> bool:
        """Whether it is white on no ground of its own."""
        return self.color.lower() in {"#ffffff", "white"} and self.ground.lower() in _NO_GROUND


_NO_GROUND = frozenset(("", "transparent", "#ffffff"))
_PLAIN = Look()


@dataclass(slots=True)
class OdfStyles:
    """Styles by family and name, with what they inherit. `fonts` are families by font name."""

    known: dict[tuple[str, str], Style] = field(default_factory=dict)
    fonts: dict[str, str] = field(default_factory=dict)
    _looks: dict[tuple[str, str], Look] = field(default_factory=dict)

    def add(self, element: etree._Element) -> None:
        """Take in one `style:style`."""
        key = (get_attribute(element, "family"), get_attribute(element, "name"))
        position, hidden, shows = "", False, False
        struck: bool | None = None
        look = {"color": "", "background-color": "", "font-size": "", "font-name": ""}
        for properties in element:
            name = local_name(properties)
            if name == "text-properties":
                position = _position(get_attribute(properties, "text-position"))
                look = {key: get_attribute(properties, key) or value for key, value in look.items()}
                look["font-name"] = look["font-name"] or get_attribute(properties, "font-family")
                display = get_attribute(properties, "display")
                line = get_attribute(properties, "text-line-through-style")
                struck = line != "none" if line else None
                hidden, shows = hidden or display == "none", display == "true"
            elif name == "paragraph-properties":
                ground = get_attribute(properties, "background-color")
                look["background-color"] = ground or look["background-color"]
            elif name == "table-properties":
                hidden = hidden or get_attribute(properties, "display") == "false"
            elif name == "drawing-page-properties":
                hidden = hidden or get_attribute(properties, "visibility") == "hidden"
        self.known[key] = Style(
            get_attribute(element, "parent-style-name"),
            position,
            hidden,
            shows,
            struck,
            *look.values(),
        )

    def is_hidden(self, family: str, name: str) -> bool:
        """Whether what has this style is not shown."""
        for style in self._chain(family, name):
            if style.is_hidden or style.shows:
                return style.is_hidden
        return False

    def position(self, name: str) -> str:
        """super, sub or an empty string."""
        return next((style.position for style in self._chain("text", name) if style.position), "")

    def look(self, family: str, name: str) -> Look:
        """How text of a style looks."""
        key = (family, name)
        if key not in self._looks:
            chain = list(self._chain(family, name))
            font = next((style.font for style in chain if style.font), "")
            self._looks[key] = Look(
                next((style.color for style in chain if style.color), ""),
                next((style.ground for style in chain if style.ground), ""),
                next((style.size for style in chain if style.size), ""),
                self.fonts.get(font, font).strip("'\""),
            )
        return self._looks[key]

    def strikes(self, family: str, name: str) -> bool:
        """Whether text of this style is struck out."""
        said = (style.is_struck for style in self._chain(family, name))
        return bool(next((value for value in said if value is not None), False))

    def _chain(self, family: str, name: str) -> Iterator[Style]:
        for _ in range(20):
            style = self.known.get((family, name))
            if style is None:
                return
            yield style
            name = style.parent


def _position(value: str) -> str:
    first = value.split()[0] if value.split() else ""
    if first in {"super", "sub"}:
        return first
    try:
        height = float(first.rstrip("%"))
    except ValueError:
        return ""
    return "super" if height > 0 else "sub" if height < 0 else ""


def read_styles(*roots: etree._Element | None) -> OdfStyles:
    """Styles of content.xml and styles.xml."""
    styles = OdfStyles()
    for root in roots:
        for element in iter_named(root, "style") if root is not None else ():
            styles.add(element)
        for face in iter_named(root, "font-face") if root is not None else ():
            styles.fonts[get_attribute(face, "name")] = get_attribute(face, "font-family")
    return styles


@dataclass(slots=True)
class OdfText:
    """Turns paragraphs into text. `formula` gives the text of an embedded object, if it is one."""

    styles: OdfStyles
    formula: Callable[[str], str] = lambda _: ""
    hidden: int = 0
    unknown: int = 0

    def inline(self, element: etree._Element, *, depth: int = 0) -> str:
        """Text of a paragraph with its own spaces, tabs, breaks, notes and addresses."""
        out: list[str] = []
        marks: list[tuple[etree._Element, int, Look]] = []
        events = etree.iterwalk(element, events=("start", "end"))
        for event, node in events:
            name = local_name(node)
            around = marks[-1][2] if marks else _PLAIN
            if event == "start":
                if node is not element and self._is_left_out(node, name):
                    events.skip_subtree()
                    marks.append((node, len(out), around))
                    continue
                if node is not element and name in _ALONE:
                    out.append(self._alone(node, name, depth) if depth < 20 else "")
                    events.skip_subtree()
                    marks.append((node, len(out), around))
                    continue
                look = self._look(node, name, around)
                marks.append((node, len(out), look))
                out.append(_special(node, name))
                out.append(self._shown(node.text or "", node, look))
                continue
            at = marks.pop()[1]
            if name in {"span", "a", "ruby-text"} and at < len(out):
                out[at:] = [self._mark(node, name, "".join(out[at:]))]
            if node is not element:
                out.append(" " if name in {"p", "h"} else "")
                out.append(self._shown(node.tail or "", node, marks[-1][2]))
        text = "".join(out)
        if self.styles.strikes("paragraph", get_attribute(element, "style-name")):
            text = mark_struck(text)
        return settle(text)

    def _look(self, node: etree._Element, name: str, around: Look) -> Look:
        family = {"p": "paragraph", "h": "paragraph", "span": "text"}.get(name, "")
        style = get_attribute(node, "style-name") if family else ""
        return self.styles.look(family, style).over(around) if style else around

    def _shown(self, text: str, node: etree._Element, look: Look) -> str:
        """What is seen of a text that looks so: none of it, or what its symbol font shows."""
        if look is _PLAIN or not text.strip():
            return text
        if look.is_tiny or (look.is_white and not _has_ground(node)):
            self.hidden += 1
            return ""
        if is_symbol_font(look.font):
            text = symbol_text(text, look.font)
            self.unknown += text.count(UNKNOWN)
        return text

    def _is_left_out(self, node: etree._Element, name: str) -> bool:
        if not name or name in _SKIPPED:
            return True
        hidden = name == "span" and self.styles.is_hidden("text", get_attribute(node, "style-name"))
        hidden = hidden or (
            name in {"hidden-text", "hidden-paragraph"}
            and get_attribute(node, "is-hidden") != "false"
        )
        self.hidden += hidden
        return hidden

    def _mark(self, node: etree._Element, name: str, text: str) -> str:
        if name == "a":
            return with_address(text, get_attribute(node, "href"))
        if name == "ruby-text":
            return reading_text(text)
        style = get_attribute(node, "style-name")
        position = self.styles.position(style)
        text = mark_struck(text) if self.styles.strikes("text", style) else text
        if not position:
            return text
        return mark_raised(text) if position == "super" else mark_lowered(text)

    def _alone(self, node: etree._Element, name: str, depth: int) -> str:
        if name == "note":
            body = find_child(node, "note-body")
            kind = get_attribute(node, "note-class") or "footnote"
            text = self._paragraphs(body, depth) if body is not None else ""
            return f" [{kind.capitalize()}: {text}] " if text else ""
        if name == "annotation":
            return f" [{self.comment(node, depth=depth)}] "
        if name == "frame":
            return self._frame(node)
        if name == "object":
            return self.formula(get_attribute(node, "href"))
        return node.text or ""  # a conditional text that is shown

    def comment(self, node: etree._Element, *, depth: int = 0) -> str:
        """`Comment by Ann: text`."""
        author = next((item.text or "" for item in iter_children(node, "creator")), "")
        by = f" by {squeeze(author)}" if author.strip() else ""
        return f"Comment{by}: {self._paragraphs(node, depth)}"

    def _paragraphs(self, node: etree._Element, depth: int) -> str:
        texts = [self.inline(item, depth=depth + 1) for item in node.iter("{*}p", "{*}h")]
        return squeeze(" ".join(texts))

    def _frame(self, node: etree._Element) -> str:
        """A formula, or what a picture is said to show; text boxes are blocks of their own."""
        for item in iter_children(node, "object"):
            text = self.formula(get_attribute(item, "href"))
            if text:
                return f" {text} "
        if find_child(node, "text-box") is not None:
            return ""
        words = [
            item.text or "" for name in ("title", "desc") for item in iter_children(node, name)
        ]
        text = squeeze(" ".join(dict.fromkeys(words)))
        return f" [Image: {text}] " if text else ""


def _has_ground(node: etree._Element) -> bool:
    """Whether text lies in a cell, frame or shape, which may have a colour of its own."""
    return any(local_name(item) in {"table-cell", "text-box", "custom-shape", "page"}
               for item in node.iterancestors())  # fmt: skip


def _special(node: etree._Element, name: str) -> str:
    if name == "s":
        count = get_attribute(node, "c")
        return " " * min(int(count) if count.isdigit() else 1, MAX_REPEAT)
    return {"tab": "\t", "line-break": "\n"}.get(name, "")
