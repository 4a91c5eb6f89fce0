"""Reads for the table of a collection: its documents, filtered and sorted, and their totals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Case,
    Count,
    Expression,
    F,
    Func,
    IntegerField,
    OrderBy,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat, Lower

from apps.documents.doors import count_citations
from apps.documents.listing.filters import STATES, TO_CHECK, DocumentFilter
from apps.documents.listing.snapshot import one_snapshot
from apps.documents.listing.tree import TagNode, build_tree
from apps.documents.models import Collection, Document
from apps.documents.selectors import (
    DocumentRow,
    describe_documents,
    has_page_to_check,
    list_documents,
    of_newest,
)

URGENCY = ("failed", "working", "cancelled", "ready")
"""The states as a sort by state has them."""
PageOfDocuments = Callable[[QuerySet[Document]], Sequence[Document]]
"""Takes the part of the documents that is shown: the paginator of whoever asks."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Documents of a collection by the state of their newest version, and what can be found.

    `documents` is the sum of `working`, `ready`, `failed` and `cancelled`.
    """

    documents: int
    passages: int
    working: int
    ready: int
    failed: int
    cancelled: int
    to_check: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the table with the totals of the whole collection, as they were at one moment."""

    rows: list[DocumentRow]
    totals: Totals
    tags: list[TagNode]


def read_listing(
    collection: Collection, chosen: DocumentFilter, *, page_of: PageOfDocuments
) -> Listing:
    """The rows of a part of the table and the totals: they can never disagree."""
    with one_snapshot():
        documents = list(page_of(filter_documents(collection, chosen)))
        return Listing(
            rows=describe_documents(documents, uses=_count_uses(collection, documents)),
            totals=count_documents(collection),
            tags=_list_tags(collection, chosen=chosen.tag),
        )


def filter_documents(collection: Collection, chosen: DocumentFilter) -> QuerySet[Document]:
    """A collection's documents that the filter leaves, in its order."""
    documents = list_documents(
        collection, name_contains=chosen.name, is_to_check=chosen.state == TO_CHECK
    ).annotate(newest_state=of_newest("state"))
    if chosen.state in STATES:
        documents = documents.filter(newest_state__in=STATES[chosen.state])
    if chosen.tag:
        documents = documents.annotate(levels=_join_tags()).filter(
            Q(tags__contains=[chosen.tag]) | Q(levels__contains=f"\n{chosen.tag}/")
        )
    return _sort(documents, collection, chosen.sort)


def count_documents(collection: Collection) -> Totals:
    """The collection's totals, in one query."""
    documents = Document.objects.filter(collection=collection, deleted_at=None)
    of_state = {
        state: Count("pk", filter=Q(newest_state__in=states)) for state, states in STATES.items()
    }
    return Totals(
        **documents.annotate(newest_state=of_newest("state"), newest_id=of_newest("pk")).aggregate(
            documents=Count("pk"),
            passages=Coalesce(Sum("current__num_chunks"), 0),
            to_check=Count("pk", filter=Q(has_page_to_check())),
            **of_state,
        )
    )


def _list_tags(collection: Collection, *, chosen: str) -> list[TagNode]:
    documents = Document.objects.filter(collection=collection, deleted_at=None)
    tagged = documents.exclude(tags=[]).values("tags").annotate(number=Count("pk"))
    return build_tree(tagged.order_by().values_list("tags", "number"), chosen=chosen)


def _join_tags() -> Concat:
    """All tags of a document with a line break before each, to look for what begins with one."""
    joined = Func(F("tags"), Value("\n"), function="array_to_string", output_field=TextField())
    return Concat(Value("\n"), joined, output_field=TextField())


def _sort(documents: QuerySet[Document], collection: Collection, sort: str) -> QuerySet[Document]:
    """In this order; among equals the latest document is first."""
    name, is_falling = sort.removeprefix("-"), sort.startswith("-")
    if name == "used":
        key: OrderBy = _rank_by_use(collection, is_falling=is_falling)
    else:
        columns: dict[str, Expression | F | Subquery] = {
            "name": Lower("name"),
            "state": _rank_by_state(),
            "pages": of_newest("pages_total"),
            "passages": Coalesce("current__num_chunks", 0),
            "updated": of_newest("created_at"),
        }
        key = OrderBy(columns[name], descending=is_falling)
    return documents.order_by(key, "-pk")


def _rank_by_state() -> Case:
    ranks = [
        When(newest_state__in=STATES[state], then=Value(rank)) for rank, state in enumerate(URGENCY)
    ]
    return Case(*ranks, output_field=IntegerField())


def _rank_by_use(collection: Collection, *, is_falling: bool) -> OrderBy:
    """The documents that answers cite, the most cited first, before all others; or the reverse."""
    ids = collection.documents.filter(deleted_at=None).values_list("pk", flat=True)
    uses = count_citations(collection.workspace_id, list(ids))
    cited = sorted(uses, key=lambda pk: (uses[pk], pk), reverse=True)
    place = Func(
        Value(cited, output_field=ArrayField(UUIDField())),
        F("pk"),
        function="array_position",
        output_field=IntegerField(),
    )
    # Postgres puts what has no place last, and first in the reverse order.
    return OrderBy(place, descending=not is_falling)


def _count_uses(collection: Collection, documents: Sequence[Document]) -> dict[UUID, int]:
    pks = [document.pk for document in documents]
    return dict(count_citations(collection.workspace_id, pks)) if pks else {}
