"""XML and HTML parsing without entity expansion, network or DTDs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from lxml import etree
from lxml import html as lxml_html

from parsing.types import ParseError

_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)


XML_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": True,
    "remove_comments": True,
    "remove_pis": True,
}
"""For every XML parser: a file opens no other file or address, and may be large and deep."""


def parse_xml(data: bytes) -> etree._Element:
    """Root element of an XML file. Entity declarations are refused, damage is an error."""
    refuse_entities(data)
    parser = etree.XMLParser(**XML_OPTIONS)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if "depth" in str(error).lower():
            raise too_deep() from error
        raise ParseError(
            "corrupt",
            "This file, or a part of it, is not well-formed XML "
            f"({_first_line(error)}). Save it again in the program that made it.",
        ) from error


def parse_xml_leniently(data: bytes) -> etree._Element | None:
    """Root element of an XML file, repaired as far as possible; None where nothing is left.

    Entity declarations are refused.
    """
    refuse_entities(data)
    parser = etree.XMLParser(recover=True, **XML_OPTIONS)
    try:
        return cast("etree._Element | None", etree.fromstring(data, parser))
    except (etree.XMLSyntaxError, ValueError):
        return None


def too_deep() -> ParseError:
    """The error for elements within elements beyond what can be followed."""
    return ParseError(
        "corrupt",
        "This file is nested too deeply to be read. If it is genuine, simplify its structure.",
    )


def refuse_entities(data: bytes) -> None:
    """A file that declares entities can expand without end or read other files: refuse it."""
    head = data[:200_000]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.replace(b"\x00", b"")
    if b"<!DOCTYPE" in head.upper() and _ENTITY.search(data.replace(b"\x00", b"")):
        raise ParseError(
            "expansion",
            "This file declares XML entities, which can be used to read other files or to fill "
            "the memory, so it was not opened. Remove the DOCTYPE section and upload it again.",
        )


def parse_html(text: str) -> etree._Element | None:
    """Root element of an HTML page however broken; None if it holds no element."""
    parser = lxml_html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        return lxml_html.document_fromstring(text.encode("utf-8"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def local_name(element: etree._Element) -> str:
    """Tag without its namespace; an empty string for comments and the like."""
    tag: object = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rpartition("}")[2]


def get_attribute(element: etree._Element, name: str) -> str:
    """Value of the attribute of that local name in any namespace, or an empty string."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""


def iter_children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Direct children of that local name."""
    return element.iterchildren("{*}" + name)


def find_child(element: etree._Element, name: str) -> etree._Element | None:
    """First direct child of that local name."""
    return next(element.iterchildren("{*}" + name), None)


def iter_named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Descendants of that local name in any namespace, in document order."""
    return element.iter("{*}" + name)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else "no details"
