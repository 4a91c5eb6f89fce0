"""EPUB books: each chapter of the spine is a page, or several where it is long."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from parsing.archive import SafeArchive, resolve_member
from parsing.formats.common import emit_pages
from parsing.formats.html import decode_html, read_html
from parsing.inline import join_notes
from parsing.markup import get_attribute, iter_named, parse_xml, parse_xml_leniently
from parsing.source import Source
from parsing.text import paginate, squeeze
from parsing.types import Opened, ParsedPage, ParseError

_FONT_OBFUSCATION = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Chapters in reading order, labelled as in the table of contents."""
    archive = SafeArchive(source.file, limits=source.limits)
    _refuse_protected(archive)
    package_name = _find_package(archive)
    package = parse_xml(archive.read(package_name))
    labels = _read_contents(archive, package, package_name)
    pages: list[ParsedPage] = []
    notes: list[str] = []
    for name in _read_spine(package, package_name):
        if name not in archive:
            continue
        page = read_html(decode_html(archive.read(name)))
        pieces = page.pieces
        notes.append(page.note)
        heading = next((piece.text for piece in pieces if piece.kind == "heading"), "")
        label = labels.get(name, "") or heading or (pages[-1].label if pages else "")
        pages += paginate(pieces, first=len(pages) + 1, label=label)
    metadata = {**_read_metadata(package), "note": join_notes(*notes)}
    yield from emit_pages(source, pages, title=metadata.get("title", ""), metadata=metadata)


def _refuse_protected(archive: SafeArchive) -> None:
    """Scrambled fonts are harmless; anything else encrypted is a protected book."""
    data = archive.read_optional("META-INF/encryption.xml")
    root = parse_xml_leniently(data) if data else None
    for method in iter_named(root, "EncryptionMethod") if root is not None else ():
        algorithm = get_attribute(method, "Algorithm").encode()
        if algorithm not in _FONT_OBFUSCATION:
            raise ParseError(
                "encrypted",
                "This book is protected against copying, so its text cannot be read. "
                "Upload a copy without protection.",
            )


def _find_package(archive: SafeArchive) -> str:
    data = archive.read_optional("META-INF/container.xml")
    root = parse_xml_leniently(data) if data else None
    for element in iter_named(root, "rootfile") if root is not None else ():
        name = resolve_member("", get_attribute(element, "full-path"))
        if name in archive:
            return name
    for name in archive.names:
        if name.endswith(".opf"):
            return name
    raise ParseError("corrupt", "This EPUB file has no list of its chapters. Save it again.")


def _read_spine(package: etree._Element, base: str) -> list[str]:
    items = {
        get_attribute(item, "id"): resolve_member(base, get_attribute(item, "href"))
        for item in iter_named(package, "item")
        if "html" in get_attribute(item, "media-type")
    }
    order = [items.get(get_attribute(item, "idref"), "") for item in iter_named(package, "itemref")]
    return list(dict.fromkeys(name for name in order if name)) or list(items.values())


def _read_contents(archive: SafeArchive, package: etree._Element, base: str) -> dict[str, str]:
    """Chapter titles by member name, from the NCX or the navigation document."""
    labels: dict[str, str] = {}
    for item in iter_named(package, "item"):
        media_type = get_attribute(item, "media-type")
        is_navigation = "nav" in get_attribute(item, "properties").split()
        if "ncx" not in media_type and not is_navigation:
            continue
        name = resolve_member(base, get_attribute(item, "href"))
        data = archive.read_optional(name)
        root = parse_xml_leniently(data) if data else None
        for key, label in _iter_contents(root, name) if root is not None else ():
            labels.setdefault(key, label)
    return labels


def _iter_contents(root: etree._Element, name: str) -> Iterator[tuple[str, str]]:
    for point in iter_named(root, "navPoint"):
        text = next((item.text for item in iter_named(point, "text") if item.text), "")
        target = next(iter_named(point, "content"), None)
        if target is not None:
            yield resolve_member(name, get_attribute(target, "src")), squeeze(text or "")
    for link in iter_named(root, "a"):
        target_name = get_attribute(link, "href")
        if target_name:
            text = squeeze("".join(str(part) for part in link.itertext()))
            yield resolve_member(name, target_name), text


def _read_metadata(package: etree._Element) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for name, key in (("title", "title"), ("creator", "author"), ("language", "language")):
        element = next(iter_named(package, name), None)
        if element is not None and element.text:
            metadata[key] = element.text
    return metadata
