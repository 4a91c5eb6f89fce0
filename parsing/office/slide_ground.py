"""Text of a slide that is not seen: too small, or white where the slide is white as well."""

from __future__ import annotations

from lxml import etree

from parsing.markup import find_child, get_attribute, iter_named, local_name
from parsing.ooxml import Package

_TINY = 150
"""Hundredths of a point."""
_FILLS = frozenset(("solidFill", "gradFill", "blipFill", "pattFill", "grpFill"))
_SHAPES = frozenset(("sp", "cxnSp", "grpSp", "graphicFrame"))
_LIGHT = frozenset(("bg1", "lt1"))


def is_tiny(properties: etree._Element) -> bool:
    """Whether a run is too small to be seen."""
    size = get_attribute(properties, "sz")
    return size.isdigit() and int(size) <= _TINY


def is_white(properties: etree._Element) -> bool:
    """Whether a run is white, or of the slide's light colour."""
    fill = find_child(properties, "solidFill")
    color = fill[0] if fill is not None and len(fill) else None
    return color is not None and not len(color) and _is_light(color)


def _is_light(color: etree._Element) -> bool:
    value = get_attribute(color, "val")
    if local_name(color) == "srgbClr":
        return value.upper() == "FFFFFF"
    return local_name(color) == "schemeClr" and value in _LIGHT


def has_white_ground(package: Package, slide: str) -> bool:
    """Whether all that can lie under the text of a slide is white, as far as the file tells.

    Pictures and filled shapes, on the slide or on what it is based on, may lie there.
    """
    part = slide
    for kind in ("slideLayout", "slideMaster", "theme"):
        root = package.parse_optional(part)
        if root is None or not _is_plain(root):
            return False
        part = next(package.related(part, kind), "")
        if not part:
            return False
    theme = package.parse_optional(part)
    light = next(iter_named(theme, "lt1"), None) if theme is not None else None
    if light is None or not len(light):
        return False
    shown = get_attribute(light[0], "lastClr") or get_attribute(light[0], "val")
    return shown.upper() == "FFFFFF"


def _is_plain(root: etree._Element) -> bool:
    for ground in iter_named(root, "bg"):
        colors = [item for item in ground.iter() if local_name(item).endswith("Clr")]
        if len(colors) != 1 or len(colors[0]) or not _is_light(colors[0]):
            return False
        if any(local_name(item) in _FILLS - {"solidFill"} for item in ground.iter()):
            return False
    mapped = next(iter_named(root, "clrMap"), None)
    if mapped is not None and get_attribute(mapped, "bg1") != "lt1":
        return False
    if next(iter_named(root, "pic"), None) is not None:
        return False
    groups = (item for item in root.iter() if local_name(item) in {"spPr", "grpSpPr"})
    if any(local_name(child) in _FILLS for group in groups for child in group):
        return False
    return not any(
        local_name(item) == "graphicFrame" or find_child(item, "style") is not None
        for item in root.iter()
        if local_name(item) in _SHAPES
    )
