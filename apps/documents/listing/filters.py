"""What a list of documents can be narrowed and sorted by: the same names on pages and in REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.text import storable
from apps.documents.labels import TAG_CHARS, clean_tag
from apps.documents.models import OPEN_STATES, VersionState

STATES: dict[str, list[VersionState]] = {
    "working": list(OPEN_STATES),
    "ready": [VersionState.READY],
    "failed": [VersionState.FAILED],
    "cancelled": [VersionState.CANCELLED],
}
"""What the state filter offers, and the states of the newest version that it stands for."""
TO_CHECK = "to-check"
"""Offered beside the states: documents of which a page needs a person."""
STATE_CHOICES = (*STATES, TO_CHECK)
SORTS = ("name", "state", "pages", "passages", "updated", "used")
SORT_CHOICES = (*SORTS, *(f"-{name}" for name in SORTS))
DEFAULT_SORT = "-updated"
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """A part of a collection's documents and their order.

    `name` is a part of the name; `tag` stands for itself and for what is below it, as "hr" for
    "hr/leave".
    """

    name: str = ""
    state: str = ""
    tag: str = ""
    sort: str = DEFAULT_SORT

    @property
    def is_narrowing(self) -> bool:
        return bool(self.name or self.state or self.tag)

    def as_query(self) -> dict[str, str]:
        """The parameters that lead to it again, without those that change nothing."""
        sort = "" if self.sort == DEFAULT_SORT else self.sort
        values = {"name": self.name, "state": self.state, "tag": self.tag, "sort": sort}
        return {name: value for name, value in values.items() if value}


def read_filter(parameters: Mapping[str, Any]) -> DocumentFilter:
    """The filter that an address asks for; a state or an order that there is not is left out."""
    state, sort = str(parameters.get("state", "")), str(parameters.get("sort", ""))
    return DocumentFilter(
        name=storable(str(parameters.get("name", ""))).strip()[:MAX_NAME],
        state=state if state in STATE_CHOICES else "",
        tag=clean_tag(str(parameters.get("tag", "")))[:TAG_CHARS],
        sort=sort if sort in SORT_CHOICES else DEFAULT_SORT,
    )
