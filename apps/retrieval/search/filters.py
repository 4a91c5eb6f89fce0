"""The query language of metadata filters: from text to SQL conditions. Pure.

    tag:contract -tag:draft type:pdf,docx after:2026-01-01 name:"annual report" page<10 team:legal

Conditions stand side by side and all hold; a comma means "or"; a leading "-" means "not". Texts
are compared without regard to case. What is no field of ours is looked up in the document's
metadata. Values never enter the SQL: they become parameters, so that all filters of one shape
share one statement and its plan.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apps.core.text import is_storable

MAX_CHARS = 2_000
MAX_CONDITIONS = 20
MAX_VALUES = 50
DATE_HINT = "as 2026-01-31, 2026-01 or 2026"

_CONDITION = re.compile(
    r"""(?P<not>-?)(?P<field>[^\W\d][\w.-]*)(?P<op><=|>=|[:<>=])
        (?P<values>(?:"[^"]*"|[^\s",]+)(?:,(?:"[^"]*"|[^\s",]+))*)(?=\s|$)""",
    re.VERBOSE,
)
_VALUE = re.compile(r'"([^"]*)"|([^\s",]+)')
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")

# SQL of a document's extension, the date that it is of, and where it came from.
_TYPE = "lower(substring(version.filename from '[^.]+$'))"
_DAY = "coalesce(document.source_date, (version.created_at AT TIME ZONE 'UTC')::date)"


class FilterError(ValueError):
    """A filter that cannot be read; the message says where and what would be right."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on `document`, `version` and `chunk`, to be joined by AND.

    `conditions` hold `%(filter_0)s`, `%(filter_1)s`, ...; `values` are theirs, by these names.
    `needs_chunks`: some condition reads the passage itself, not only its document.
    """

    conditions: tuple[str, ...] = ()
    values: tuple[tuple[str, Any], ...] = ()
    needs_chunks: bool = False

    def __bool__(self) -> bool:
        return bool(self.conditions)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it was written."""

    field: str
    operator: str
    values: tuple[str, ...]
    is_negated: bool = False


Made = tuple[str, list[Any]]
"""SQL with "?" for each parameter, and the parameters."""


def parse_conditions(text: str) -> list[Condition]:
    """What the text says. Raises FilterError."""
    if len(text) > MAX_CHARS:
        raise FilterError(f"A filter has at most {MAX_CHARS:,} characters.")
    if not is_storable(text):
        raise FilterError("The filter holds characters that no text has.")
    found: list[Condition] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _CONDITION.match(text, position)
        if match is None:
            word = text[position:].split()[0][:40]
            raise FilterError(
                f"'{word}' is no condition. Write field:value, as tag:contract or page<10; "
                "values with spaces stand in quotes."
            )
        values = tuple(quoted or plain for quoted, plain in _VALUE.findall(match["values"]))
        found.append(Condition(match["field"].lower(), match["op"], values, bool(match["not"])))
        position = match.end()
    if len(found) > MAX_CONDITIONS or any(len(item.values) > MAX_VALUES for item in found):
        raise FilterError(
            f"A filter has at most {MAX_CONDITIONS} conditions of {MAX_VALUES} values each."
        )
    return found


@lru_cache(maxsize=512)
def parse_filter(text: str) -> Filter:
    """A filter as SQL; an empty text is no filter. Raises FilterError."""
    conditions: list[str] = []
    values: list[tuple[str, Any]] = []
    needs_chunks = False
    for condition in parse_conditions(text):
        sql, given = _FIELDS.get(condition.field, _metadata)(condition)
        for value in given:
            name = f"filter_{len(values)}"
            sql = sql.replace("?", f"%({name})s", 1)
            values.append((name, value))
        conditions.append(f"({sql}) IS NOT TRUE" if condition.is_negated else f"({sql})")
        needs_chunks |= condition.field in CHUNK_FIELDS
    return Filter(tuple(conditions), tuple(values), needs_chunks)


def _need(condition: Condition, *, operators: str) -> None:
    if condition.operator not in operators.split():
        raise FilterError(
            f"{condition.field} is written with {' or '.join(operators.split())}, "
            f"not with {condition.operator}"
        )


def _tag(condition: Condition) -> Made:
    _need(condition, operators=": =")
    return "document.tags && ?::varchar[]", [[value.lower() for value in condition.values]]


def _type(condition: Condition) -> Made:
    _need(condition, operators=": =")
    return f"{_TYPE} = ANY(?::text[])", [[value.lower().lstrip(".") for value in condition.values]]


def _texts(column: str) -> Callable[[Condition], Made]:
    """Found anywhere in the column with ":", with "*" for any characters; the whole with "="."""

    def make(condition: Condition) -> Made:
        _need(condition, operators=": =")
        patterns = [_like(value, anywhere=condition.operator == ":") for value in condition.values]
        return f"lower({column}) LIKE ANY(?::text[])", [patterns]

    return make


def _like(value: str, *, anywhere: bool) -> str:
    literal = re.sub(r"([\\%_])", r"\\\1", value.lower())
    pattern = literal.replace("*", "%")
    return f"%{pattern}%" if anywhere and "*" not in value else pattern


def _date(operator: str) -> Callable[[Condition], Made]:
    """`after:` a day means that day or later; of a month or year its first day counts."""

    def make(condition: Condition) -> Made:
        _need(condition, operators=":")
        return f"{_DAY} {operator} ?::date", [_read_date(condition)]

    return make


def _on_date(condition: Condition) -> Made:
    if condition.operator not in ":=":
        return f"{_DAY} {condition.operator} ?::date", [_read_date(condition)]
    first = _read_date(condition)
    last = _last_day(condition.values[0], first)
    return f"{_DAY} BETWEEN ?::date AND ?::date", [first, last]


def _read_date(condition: Condition) -> dt.date:
    match = _DATE.fullmatch(condition.values[0])
    try:
        if match is None or len(condition.values) > 1:
            raise ValueError
        return dt.date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        raise FilterError(f"{condition.field} needs a date, {DATE_HINT}.") from None


def _last_day(text: str, first: dt.date) -> dt.date:
    if text.count("-") == 2:
        return first
    if text.count("-") == 1 and first.month < 12:
        return first.replace(month=first.month + 1) - dt.timedelta(days=1)
    return first.replace(month=12, day=31)


def _page(condition: Condition) -> Made:
    try:
        pages = [int(value) for value in condition.values]
    except ValueError:
        raise FilterError("page needs a number, as page:3 or page<10.") from None
    if any(not 0 <= page < 2**31 for page in pages):
        raise FilterError("There is no such page.")
    operator = condition.operator
    if operator in ":=":
        return (
            "EXISTS (SELECT FROM unnest(?::int[]) AS page "
            "WHERE page BETWEEN chunk.first_page AND chunk.last_page)"
        ), [pages]
    if len(pages) > 1:
        raise FilterError(f"page{operator} needs one number.")
    column = "chunk.first_page" if operator.startswith("<") else "chunk.last_page"
    return f"{column} {operator} ?::int", [pages[0]]


def _metadata(condition: Condition) -> Made:
    """A name in the document's metadata: equal with ":" and "=", else compared as numbers."""
    name = condition.field.removeprefix("meta.")
    column = "(document.metadata ->> ?::text)"
    if condition.operator in ":=":
        values = [value.lower() for value in condition.values]
        return f"lower({column}) = ANY(?::text[])", [name, values]
    try:
        number = float(condition.values[0])
        if len(condition.values) > 1 or number != number:
            raise ValueError
    except ValueError:
        raise FilterError(f"{condition.field}{condition.operator} needs one number.") from None
    is_number = f"{column} ~ '^-{{0,1}}[0-9]{{1,15}}([.][0-9]{{1,15}}){{0,1}}$'"
    return (
        f"CASE WHEN {is_number} THEN {column}::float8 {condition.operator} ?::float8 END",
        [name, name, number],
    )


CHUNK_FIELDS = frozenset({"page", "heading"})
"""Fields of the passage; all others are of its document."""

_FIELDS: dict[str, Callable[[Condition], Made]] = {
    "tag": _tag,
    "type": _type,
    "name": _texts("document.name"),
    "title": _texts("version.title"),
    "url": _texts("document.source_url"),
    "heading": _texts("chunk.heading"),
    "after": _date(">="),
    "before": _date("<"),
    "date": _on_date,
    "page": _page,
}
