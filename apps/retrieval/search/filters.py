"""The query language of metadata filters: from text to SQL conditions. Pure.

    tag:contract -tag:draft type:pdf,docx after:2026-01-01 name:"annual report" page<10 team:legal

Conditions are separated by spaces, and all must hold; a comma means "or"; a leading "-" means
"not". Case is ignored. Any other name is looked up in the document's metadata.
Values never enter the SQL: they become parameters, so that all filters of one shape share one
statement and its plan.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

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

# SQL for a document's file extension and for its date.
_TYPE = "lower(substring(version.filename from '[^.]+$'))"
_DAY = "coalesce(document.source_date, (version.created_at AT TIME ZONE 'UTC')::date)"


class FilterError(ValueError):
    """A filter that cannot be read; the message says where and what would be right."""


class Table(StrEnum):
    """What a condition may read beside `document`, by the alias that its SQL has for it."""

    VERSION = "version"
    CHUNK = "chunk"


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition as SQL on `document` and on `tables`: a statement that has it joins those.

    `sql` holds `%(filter_0)s`, `%(filter_1)s`, ... for its values.
    """

    sql: str
    tables: frozenset[Table]


@dataclass(frozen=True, slots=True)
class Filter:
    """Clauses, all of which hold, and the values of their parameters by name."""

    clauses: tuple[Clause, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.clauses)

    @property
    def reads_chunks(self) -> bool:
        """Whether some clause reads the chunk itself, not only its document."""
        return Table.CHUNK in tables_of(self.clauses)


def tables_of(clauses: Iterable[Clause]) -> frozenset[Table]:
    """What has to be joined for these clauses."""
    return frozenset[Table]().union(*(clause.tables for clause in clauses))


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it was written."""

    field: str
    operator: str
    values: tuple[str, ...]
    is_negated: bool = False


Bind = Callable[[Any], str]
"""Keeps a value of a clause and returns the placeholder that stands for it in the SQL."""

Compile = Callable[[Condition, Bind], str]


@dataclass(frozen=True, slots=True)
class _Field:
    """How the conditions on a field become SQL, and what that reads beside `document`."""

    compile: Compile
    tables: frozenset[Table]


def parse_conditions(text: str) -> list[Condition]:
    """The conditions in a text. Raises FilterError."""
    if len(text) > MAX_CHARS:
        raise FilterError(f"A filter has at most {MAX_CHARS:,} characters.")
    if not is_storable(text):
        raise FilterError("The filter holds characters that no text has.")
    conditions: list[Condition] = []
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
        conditions.append(
            Condition(match["field"].lower(), match["op"], values, bool(match["not"]))
        )
        position = match.end()
    if len(conditions) > MAX_CONDITIONS or any(
        len(item.values) > MAX_VALUES for item in conditions
    ):
        raise FilterError(
            f"A filter has at most {MAX_CONDITIONS} conditions of {MAX_VALUES} values each."
        )
    return conditions


@lru_cache(maxsize=512)
def parse_filter(text: str) -> Filter:
    """A filter as SQL; an empty text is no filter. Raises FilterError."""
    parameters: dict[str, Any] = {}

    def bind(value: Any) -> str:
        name = f"filter_{len(parameters)}"
        parameters[name] = value
        return f"%({name})s"

    clauses = tuple(_compile(condition, bind) for condition in parse_conditions(text))
    return Filter(clauses, MappingProxyType(parameters))


def within_documents(parsed: Filter, document_ids: Sequence[UUID]) -> Filter:
    """The filter, and only these documents; without any it stays as it is."""
    if not document_ids:
        return parsed
    only = Clause("(document.id = ANY(%(documents)s::uuid[]))", frozenset())
    parameters = MappingProxyType({**parsed.parameters, "documents": list(document_ids)})
    return Filter((*parsed.clauses, only), parameters)


def _compile(condition: Condition, bind: Bind) -> Clause:
    known = _FIELDS.get(condition.field, _METADATA)
    sql = known.compile(condition, bind)
    return Clause(f"({sql}) IS NOT TRUE" if condition.is_negated else f"({sql})", known.tables)


def _need(condition: Condition, *, operators: str) -> None:
    if condition.operator not in operators.split():
        raise FilterError(
            f"{condition.field} is written with {' or '.join(operators.split())}, "
            f"not with {condition.operator}"
        )


def _tag(condition: Condition, bind: Bind) -> str:
    _need(condition, operators=": =")
    return f"document.tags && {bind([value.lower() for value in condition.values])}::varchar[]"


def _type(condition: Condition, bind: Bind) -> str:
    _need(condition, operators=": =")
    endings = [value.lower().lstrip(".") for value in condition.values]
    return f"{_TYPE} = ANY({bind(endings)}::text[])"


def _texts(column: str) -> Compile:
    """Matches anywhere with ":", unless a value has the wildcard "*"; with "=" the whole column."""

    def make(condition: Condition, bind: Bind) -> str:
        _need(condition, operators=": =")
        patterns = [_like(value, anywhere=condition.operator == ":") for value in condition.values]
        return f"lower({column}) LIKE ANY({bind(patterns)}::text[])"

    return make


def _like(value: str, *, anywhere: bool) -> str:
    literal = re.sub(r"([\\%_])", r"\\\1", value.lower())
    pattern = literal.replace("*", "%")
    return f"%{pattern}%" if anywhere and "*" not in value else pattern


def _date(operator: str) -> Compile:
    """`after:` includes the day itself. A month or a year stands for its first day."""

    def make(condition: Condition, bind: Bind) -> str:
        _need(condition, operators=":")
        return f"{_DAY} {operator} {bind(_read_date(condition))}::date"

    return make


def _on_date(condition: Condition, bind: Bind) -> str:
    first = _read_date(condition)
    if condition.operator not in ":=":
        return f"{_DAY} {condition.operator} {bind(first)}::date"
    last = _last_day(condition.values[0], first)
    return f"{_DAY} BETWEEN {bind(first)}::date AND {bind(last)}::date"


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


def _page(condition: Condition, bind: Bind) -> str:
    try:
        pages = [int(value) for value in condition.values]
    except ValueError:
        raise FilterError("page needs a number, as page:3 or page<10.") from None
    if any(not 0 <= page < 2**31 for page in pages):
        raise FilterError("There is no such page.")
    operator = condition.operator
    if operator in ":=":
        return (
            f"EXISTS (SELECT FROM unnest({bind(pages)}::int[]) AS page "
            "WHERE page BETWEEN chunk.first_page AND chunk.last_page)"
        )
    if len(pages) > 1:
        raise FilterError(f"page{operator} needs one number.")
    column = "chunk.first_page" if operator.startswith("<") else "chunk.last_page"
    return f"{column} {operator} {bind(pages[0])}::int"


def _metadata(condition: Condition, bind: Bind) -> str:
    """A name in the document's metadata: ":" and "=" compare texts, other operators numbers."""
    column = f"(document.metadata ->> {bind(condition.field.removeprefix('meta.'))}::text)"
    if condition.operator in ":=":
        values = [value.lower() for value in condition.values]
        return f"lower({column}) = ANY({bind(values)}::text[])"
    try:
        number = float(condition.values[0])
        if len(condition.values) > 1 or number != number:
            raise ValueError
    except ValueError:
        raise FilterError(f"{condition.field}{condition.operator} needs one number.") from None
    is_number = f"{column} ~ '^-?[0-9]{{1,15}}([.][0-9]{{1,15}})?$'"
    return (
        f"CASE WHEN {is_number} "
        f"THEN {column}::float8 {condition.operator} {bind(number)}::float8 END"
    )


def _reading(compile_condition: Compile, *tables: Table) -> _Field:
    return _Field(compile_condition, frozenset(tables))


_FIELDS: dict[str, _Field] = {
    "tag": _reading(_tag),
    "type": _reading(_type, Table.VERSION),
    "name": _reading(_texts("document.name")),
    "title": _reading(_texts("version.title"), Table.VERSION),
    "url": _reading(_texts("document.source_url")),
    "heading": _reading(_texts("chunk.heading"), Table.CHUNK),
    "after": _reading(_date(">="), Table.VERSION),
    "before": _reading(_date("<"), Table.VERSION),
    "date": _reading(_on_date, Table.VERSION),
    "page": _reading(_page, Table.CHUNK),
}
_METADATA = _reading(_metadata)
