"""Numbers of OpenDocument lists and headings."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from parsing.markup import get_attribute, iter_named, local_name
from parsing.office.numbering import number_text


@dataclass(frozen=True, slots=True)
class _Level:
    form: str
    prefix: str
    suffix: str
    start: int
    shown: int


@dataclass(slots=True)
class OdfLists:
    """List styles, and how far lists and headings have counted. Levels are counted from 0."""

    styles: dict[str, dict[int, _Level]] = field(default_factory=dict)
    outline: dict[int, _Level] = field(default_factory=dict)
    _counts: dict[int, int] = field(default_factory=dict)
    _ended: dict[str, dict[int, int]] = field(default_factory=dict)
    _headings: dict[int, int] = field(default_factory=dict)
    _current: str = ""

    def begin(self, element: etree._Element, style: str) -> None:
        """A list begins; one that goes on from an earlier one keeps its counts."""
        key = get_attribute(element, "continue-list")
        goes_on = get_attribute(element, "continue-numbering") == "true"
        if key and key in self._ended:
            self._counts = self._ended[key]
        elif not (goes_on and style == self._current):
            self._counts = {}
        self._current = style
        own = next((str(v) for k, v in element.attrib.items() if str(k).endswith("}id")), "")
        if own:
            self._ended[own] = self._counts

    def advance(self, style: str, level: int, start: str) -> str:
        """What stands before an item: `1.`, `(a)`; empty for bullets."""
        known = self.styles.get(style, {})
        if level not in known:
            return ""
        return _advance(known, self._counts, level, start)

    def heading(self, level: int) -> str:
        """What stands before a heading of this level (from 1 on); often nothing."""
        if level - 1 not in self.outline:
            return ""
        return _advance(self.outline, self._headings, level - 1, "")


def _advance(levels: dict[int, _Level], counts: dict[int, int], at: int, start: str) -> str:
    level = levels[at]
    first = int(start) if start.isdigit() else level.start
    counts[at] = counts[at] + 1 if at in counts and not start.isdigit() else first
    for deeper in [place for place in counts if place > at]:
        del counts[deeper]
    if not level.form:
        return ""
    parts = []
    for place in range(max(0, at - level.shown + 1), at + 1):
        other = levels.get(place)
        if other is not None and other.form:
            parts.append(number_text(counts.get(place, other.start), other.form))
    return f"{level.prefix}{'.'.join(parts)}{level.suffix}".strip()


def read_lists(*roots: etree._Element | None) -> OdfLists:
    """List styles and the outline of content.xml and styles.xml."""
    lists = OdfLists()
    for root in roots:
        if root is None:
            continue
        for style in iter_named(root, "list-style"):
            lists.styles[get_attribute(style, "name")] = _read_levels(style)
        for outline in iter_named(root, "outline-style"):
            lists.outline = _read_levels(outline)
    return lists


def _read_levels(style: etree._Element) -> dict[int, _Level]:
    levels: dict[int, _Level] = {}
    for element in style:
        if local_name(element) not in {"list-level-style-number", "outline-level-style"}:
            continue
        number, start, shown = (
            get_attribute(element, name) for name in ("level", "start-value", "display-levels")
        )
        if number.isdigit():
            levels[int(number) - 1] = _Level(
                get_attribute(element, "num-format"),
                get_attribute(element, "num-prefix"),
                get_attribute(element, "num-suffix"),
                int(start) if start.isdigit() else 1,
                int(shown) if shown.isdigit() else 1,
            )
    return levels
