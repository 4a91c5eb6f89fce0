"""The query language of filters: what it reads, what it refuses, and what it never lets through."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.documents.models import Collection, Document
from apps.retrieval.search.engine import SearchQuery, search
from apps.retrieval.search.filters import (
    Condition,
    FilterError,
    parse_conditions,
    parse_filter,
)
from apps.workspaces.models import Workspace
from tests.retrieval.helpers import add_passages, make_collection

# Reading


def test_a_filter_is_conditions_side_by_side() -> None:
    text = 'tag:contract -tag:draft type:pdf,docx name:"annual report" page<10 team:legal'

    assert parse_conditions(text) == [
        Condition("tag", ":", ("contract",)),
        Condition("tag", ":", ("draft",), is_negated=True),
        Condition("type", ":", ("pdf", "docx")),
        Condition("name", ":", ("annual report",)),
        Condition("page", "<", ("10",)),
        Condition("team", ":", ("legal",)),
    ]


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_no_conditions_are_no_filter(text: str) -> None:
    assert not parse_filter(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("contract", "'contract' is no condition"),
        ("tag:", "'tag:' is no condition"),
        ('name:"open', "is no condition"),
        ("tag:a,", "is no condition"),
        ("after:yesterday", "after needs a date"),
        ("after:2026-02-30", "after needs a date"),
        ("page:two", "page needs a number"),
        ("page<1,2", "needs one number"),
        ("page:99999999999", "no such page"),
        ("tag<3", "tag is written with"),
        ("price<cheap", "needs one number"),
        ("tag:\x00", "characters that no text has"),
        ("x" * 2_001, "at most 2,000"),
        ("a:b " * 21, "at most 20"),
    ],
)
def test_what_makes_no_sense_is_refused_in_plain_words(text: str, message: str) -> None:
    with pytest.raises(FilterError, match=re.escape(message)):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("date:2026-02", dt.date(2026, 2, 1), dt.date(2026, 2, 28)),
        ("date:2025-12", dt.date(2025, 12, 1), dt.date(2025, 12, 31)),
        ("date:2024", dt.date(2024, 1, 1), dt.date(2024, 12, 31)),
        ("date:2024-02-29", dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
    ],
)
def test_a_month_and_a_year_are_all_of_their_days(text: str, first: dt.date, last: dt.date) -> None:
    assert [value for _, value in parse_filter(text).values] == [first, last]


FIELDS = ["tag", "type", "name", "title", "url", "heading", "after", "before", "date", "page"]
words = st.text(st.characters(blacklist_characters='"', blacklist_categories=["Cs"]), min_size=1)
names = st.sampled_from([*FIELDS, "team", "meta.x", "größe"])


@given(st.lists(st.tuples(st.booleans(), names, words), min_size=1, max_size=5))
def test_what_is_written_in_quotes_is_read_again(rows: list[tuple[bool, str, str]]) -> None:
    text = " ".join(f'{"-" * no}{name}:"{word}"' for no, name, word in rows)
    if "\x00" in text or len(text) > 2_000:
        return

    read = parse_conditions(text)

    assert [(c.is_negated, c.field, c.values) for c in read] == [
        (no, name, (word,)) for no, name, word in rows
    ]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_filter(text)
    except FilterError:
        return
    assert bool(found) == bool(text.strip())


@given(names, words)
def test_values_never_enter_the_sql(name: str, word: str) -> None:
    try:
        one = parse_filter(f'{name}:"{word}"')
        other = parse_filter(f'{name}:"1"' if name == "page" else f'{name}:"2026-01-01"')
    except FilterError:
        return
    assert one.conditions == other.conditions or name == "date"


# Searching


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    collection = make_collection(workspace)
    rows: list[tuple[str, list[str], dict[str, str], dt.date]] = [
        (
            "report.pdf",
            ["finance", "2026"],
            {"team": "Legal", "price": "10.5"},
            dt.date(2026, 3, 1),
        ),
        ("notes.md", ["finance", "draft"], {"team": "sales", "price": "9"}, dt.date(2025, 7, 9)),
        ("100%_plan.docx", [], {}, dt.date(2024, 1, 31)),
    ]
    for name, tags, metadata, day in rows:
        add_passages(collection, name, [f"apple {name} one", f"apple {name} two"])
        Document.objects.filter(name=name).update(tags=tags, metadata=metadata, source_date=day)
    return collection


@pytest.mark.django_db
@pytest.mark.parametrize("exact", [20_000, 0], ids=["small", "large"])
@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tag:finance", {"report.pdf", "notes.md"}),
        ("tag:FINANCE -tag:draft", {"report.pdf"}),
        ("tag:2026,draft", {"report.pdf", "notes.md"}),
        ("-tag:finance", {"100%_plan.docx"}),
        ("type:pdf,docx", {"report.pdf", "100%_plan.docx"}),
        ("name:PLAN", {"100%_plan.docx"}),
        ('name:"%"', {"100%_plan.docx"}),
        ("name:*.md", {"notes.md"}),
        ("name=report.pdf", {"report.pdf"}),
        ("after:2025-07-09", {"report.pdf", "notes.md"}),
        ("before:2025-07-09", {"100%_plan.docx"}),
        ("date:2026", {"report.pdf"}),
        ("date>2025-07-09", {"report.pdf"}),
        ("team:legal", {"report.pdf"}),
        ("price>=9.5", {"report.pdf"}),
        ("-team:legal", {"notes.md", "100%_plan.docx"}),
        ("page:2 type:md", {"notes.md"}),
        ("page<1", set()),
        ("nothing:here", set()),
    ],
)
def test_a_search_finds_what_the_filter_leaves(
    collection: Collection, settings: object, exact: int, mode: str, text: str, names: set[str]
) -> None:
    settings.EXACT_SCAN_CHUNKS = exact  # type: ignore[attr-defined]
    place = (collection.workspace_id, [collection.pk], "apple")

    result = search(SearchQuery(*place, limit=20, mode=mode, filters=text))  # type: ignore[arg-type]

    assert {hit.document_name for hit in result.hits} == names
    if exact:
        assert result.num_searched == len(result.hits)
    if "page:2" in text:
        assert [hit.page for hit in result.hits] == [2]


@pytest.mark.django_db
def test_a_filter_reaches_no_other_workspace(
    collection: Collection, other_workspace: Workspace
) -> None:
    own = make_collection(other_workspace)
    asked = SearchQuery(own.workspace_id, [collection.pk], "apple", filters="tag:finance")

    assert search(asked).hits == []


@pytest.mark.django_db
def test_a_filter_that_makes_no_sense_finds_nothing_out(collection: Collection) -> None:
    place = (collection.workspace_id, [collection.pk], "apple")

    with pytest.raises(FilterError):
        search(SearchQuery(*place, filters="tag"))
