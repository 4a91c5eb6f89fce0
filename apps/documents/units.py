"""What the parts of a document are called: pages, sheets, slides, sections or messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db.models import Count, F

from apps.core.formats import format_count
from apps.documents.models import DocumentVersion, Page

UnitName = Literal["page", "sheet", "slide", "section", "message"]

BY_MEDIA_TYPE: dict[str, UnitName] = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "sheet",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "sheet",
    "application/vnd.ms-excel": "sheet",
    "application/vnd.oasis.opendocument.spreadsheet": "sheet",
    "text/csv": "sheet",
    "text/tab-separated-values": "sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "slide",
    "application/vnd.oasis.opendocument.presentation": "slide",
    "application/vnd.ms-powerpoint": "slide",
    "application/epub+zip": "section",
    "application/vnd.ms-outlook": "message",
    "message/rfc822": "message",
    "application/mbox": "message",
}
"""The kinds of file whose parts are not pages. Text that just flows is read in pages too."""

ATTACHMENT = "Attachment "
"""How the label of a page begins that was attached to a message."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A word for the parts of a kind of document."""

    name: UnitName

    @property
    def plural(self) -> str:
        return f"{self.name}s"

    def count(self, number: int) -> str:
        """As "3 sheets"."""
        return f"{format_count(number)} {self.name if number == 1 else self.plural}"

    def label(self, number: int, label: str = "") -> str:
        """One part by its own label if it has one, as "Sheet Prices", or "Page 4"."""
        return label or f"{self.name.capitalize()} {number}"


def find_unit(media_type: str) -> Unit:
    """The word for the parts of documents of this media type."""
    return Unit(BY_MEDIA_TYPE.get(media_type, "page"))


def count_units(versions: Collection[DocumentVersion]) -> dict[UUID, int]:
    """How many sheets, slides or so each version has. At most two queries.

    A long sheet, chapter or message is read in several pages, which all have its label; what is
    attached to a message is no message.
    """
    counts = {version.pk: version.pages_total for version in versions}
    units = {v.pk: find_unit(v.media_type).name for v in versions if v.pages_done}
    labelled = [pk for pk, unit in units.items() if unit in ("sheet", "section")]
    mails = [pk for pk, unit in units.items() if unit == "message"]
    if labelled:
        counts |= _count(labelled, Count("label", distinct=True))
    if mails:
        counts |= _count(mails, Count("pk"), text__startswith=F("label"))
    return counts


def _count(version_ids: list[UUID], count: Count, **conditions: object) -> dict[UUID, int]:
    pages = Page.objects.filter(version__in=version_ids, **conditions)
    rows = pages.exclude(label__startswith=ATTACHMENT).values("version_id").annotate(units=count)
    return {row["version_id"]: row["units"] for row in rows}


def name_places(
    places: Iterable[tuple[UUID, int]], media_types: Mapping[UUID, str] | None = None
) -> dict[tuple[UUID, int], str]:
    """Where (version id, page number) is, as "page 3", "slide 2" or "sheet Prices".

    `media_types` are those of the versions, if the caller knows them. At most two queries.
    """
    asked = set(places)
    ids = {version_id for version_id, _ in asked}
    if media_types is None:
        rows = DocumentVersion.objects.filter(pk__in=ids).values_list("pk", "media_type")
        media_types = dict(rows)
    units = {version_id: find_unit(media_types.get(version_id, "")) for version_id in ids}
    labelled = {(pk, n) for pk, n in asked if units[pk].name in ("sheet", "section", "message")}
    pages = Page.objects.filter(
        version__in={pk for pk, _ in labelled}, number__in={n for _, n in labelled}
    )
    labels = {(pk, n): label for pk, n, label in pages.values_list("version_id", "number", "label")}
    return {
        (pk, number): _name_place(units[pk], number, labels.get((pk, number), ""))
        for pk, number in asked
    }


def _name_place(unit: Unit, number: int, label: str) -> str:
    if not label:
        return f"{unit.name} {number}"
    named = f"{unit.name.capitalize()} "
    if label.startswith((named, ATTACHMENT)):
        return label[:1].lower() + label[1:]
    return f"{unit.name} “{label}”"
