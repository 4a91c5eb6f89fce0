"""The page of a collection and its table, which several views answer with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.paginator import Page as PageOfRows
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from apps.core.disk.space import describe_shortage
from apps.documents.bulk.changes import find_latest_change
from apps.documents.forms import CollectionForm, UrlForm
from apps.documents.listing.filters import DEFAULT_SORT, STATES, TO_CHECK, read_filter
from apps.documents.listing.rows import Totals, read_listing
from apps.documents.listing.snapshot import one_snapshot
from apps.documents.models import Collection, Document
from apps.workspaces.http import WorkspaceRequest

ROWS = 50
COLUMNS = (
    ("name", "Name", ""),
    ("state", "State", ""),
    ("pages", "Size", "num"),
    ("passages", "Passages", "num"),
    ("used", "Used in answers", "num"),
    ("updated", "Updated", ""),
)
"""What the table can be sorted by: parameter, heading, class."""
FALLING = {"pages", "passages", "used", "updated"}
"""Columns of which people want to see the largest first."""
SORT_WORDS = (
    ("-updated", "Latest first"),
    ("updated", "Oldest first"),
    ("name", "Name, A to Z"),
    ("-name", "Name, Z to A"),
    ("state", "Failed first"),
    ("-state", "Ready first"),
    ("-pages", "Largest first"),
    ("pages", "Smallest first"),
    ("-passages", "Most passages first"),
    ("passages", "Fewest passages first"),
    ("-used", "Most used first"),
    ("used", "Least used first"),
)
STATE_WORDS = {
    "working": "In progress",
    "ready": "Ready",
    "failed": "Failed",
    "cancelled": "Cancelled",
    TO_CHECK: "Needs a person",
}


def render_collection(
    request: WorkspaceRequest, collection: Collection, *, status: int = 200, **forms: object
) -> HttpResponse:
    """The whole page of a collection; `forms` are those that were filled in wrongly."""
    context = {
        "nav": "documents",
        "url_form": UrlForm(),
        "sorts": SORT_WORDS,
        "shortage": describe_shortage(),
        "edit_form": CollectionForm(
            initial={"name": collection.name, "description": collection.description},
            prefix="edit",
        ),
    }
    return render(
        request,
        "documents/collection.html",
        {**context, **_read_table(request, collection), **forms},
        status=status,
    )


def render_table(request: WorkspaceRequest, collection: Collection) -> HttpResponse:
    """Rows, totals and progress alone, as they are now: what the page asks for again and again."""
    return render(request, "documents/_table.html", _read_table(request, collection))


def _read_table(request: WorkspaceRequest, collection: Collection) -> dict[str, Any]:
    chosen = read_filter(request.GET)
    pages: list[PageOfRows[Document]] = []

    def page_of(documents: QuerySet[Document]) -> Sequence[Document]:
        pages.append(Paginator(documents, ROWS).get_page(request.GET.get("page")))
        return list(pages[0].object_list)

    with one_snapshot():
        listing = read_listing(collection, chosen, page_of=page_of)
        change = find_latest_change(collection)
    number = pages[0].number
    query = chosen.as_query() | ({"page": str(number)} if number > 1 else {})
    return {
        "collection": collection,
        "page": pages[0],
        "rows": listing.rows,
        "totals": listing.totals,
        "tags": listing.tags,
        "chosen": chosen,
        "states": _list_states(listing.totals, chosen.state),
        "columns": [_head(*column, sort=chosen.sort) for column in COLUMNS],
        "table_query": urlencode(query),
        "change": change,
        "is_working": bool(listing.totals.working or (change and change.is_open)),
        "max_upload_mb": settings.MAX_UPLOAD_BYTES // 1_048_576,
    }


def _list_states(totals: Totals, chosen: str) -> list[tuple[str, str, int]]:
    """The states that can be chosen, with their words and counts; those of nothing are left out."""
    counts = {state: getattr(totals, state) for state in STATES} | {TO_CHECK: totals.to_check}
    return [
        (state, STATE_WORDS[state], count)
        for state, count in counts.items()
        if count or state == chosen
    ]


def _head(name: str, title: str, css: str, *, sort: str) -> dict[str, str]:
    """A column's heading: the order that a click on it leads to, and the one that holds."""
    column = sort.removeprefix("-")
    is_falling = sort.startswith("-")
    first = f"-{name}" if name in FALLING else name
    turned = name if is_falling else f"-{name}"
    target = turned if column == name else first
    return {
        "title": title,
        "css": css,
        "sort": "" if target == DEFAULT_SORT else target,
        "order": ("descending" if is_falling else "ascending") if column == name else "",
    }
