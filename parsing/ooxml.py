"""Parts and relationships of Office Open XML packages (DOCX, PPTX, XLSX)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from parsing.archive import SafeArchive, resolve_member
from parsing.markup import get_attribute, local_name, parse_xml, parse_xml_leniently
from parsing.source import Source


@dataclass(frozen=True, slots=True)
class Relation:
    """One reference from a part: its id, the last word of its type and the part it names."""

    id: str
    kind: str
    target: str


class Package:
    """An OOXML package."""

    def __init__(self, source: Source) -> None:
        self.archive = SafeArchive(source.file, limits=source.limits)

    def main_part(self, default: str) -> str:
        """Name of the part that holds the document itself."""
        for relation in self.relations(""):
            if relation.kind == "officeDocument" and relation.target in self.archive:
                return relation.target
        return default

    def relations(self, part: str) -> list[Relation]:
        """References of a part that stay inside the package."""
        folder, name = posixpath.split(part)
        data = self.archive.read_optional(posixpath.join(folder, "_rels", f"{name}.rels"))
        root = parse_xml_leniently(data) if data else None
        if root is None:
            return []
        return [
            Relation(
                id=element.get("Id") or "",
                kind=(element.get("Type") or "").rsplit("/", 1)[-1],
                target=resolve_member(part, element.get("Target") or ""),
            )
            for element in root
            if element.get("TargetMode") != "External"
        ]

    def addresses(self, part: str) -> dict[str, str]:
        """Addresses outside the package that a part refers to, by the id of the reference."""
        folder, name = posixpath.split(part)
        data = self.archive.read_optional(posixpath.join(folder, "_rels", f"{name}.rels"))
        root = parse_xml_leniently(data) if data else None
        return {
            element.get("Id") or "": element.get("Target") or ""
            for element in (root if root is not None else ())
            if element.get("TargetMode") == "External"
        }

    def related(self, part: str, kind: str) -> Iterator[str]:
        """Names of existing parts of one kind that `part` refers to, in order."""
        for relation in self.relations(part):
            if relation.kind == kind and relation.target in self.archive:
                yield relation.target

    def parse(self, part: str) -> etree._Element:
        """Root element of a part that must be there and be well-formed."""
        return parse_xml(self.archive.read(part))

    def parse_optional(self, part: str) -> etree._Element | None:
        """Root element of a part, or None if it is missing or beyond repair."""
        data = self.archive.read_optional(part)
        return parse_xml_leniently(data) if data else None

    def properties(self) -> dict[str, str]:
        """Title, author and the like from docProps/core.xml."""
        root = self.parse_optional("docProps/core.xml")
        names = {"title": "title", "creator": "author", "subject": "subject",
                  "keywords": "keywords", "created": "created", "modified": "modified"}  # fmt: skip
        if root is None:
            return {}
        return {
            names[local_name(child)]: (child.text or "").strip()
            for child in root
            if local_name(child) in names and (child.text or "").strip()
        }


def relation_id(element: etree._Element) -> str:
    """The r:id, r:embed or r:link of an element."""
    for key, value in element.attrib.items():
        name = str(key)
        if name.startswith("{http") and "relationships}" in name:
            return str(value)
    return get_attribute(element, "id")
