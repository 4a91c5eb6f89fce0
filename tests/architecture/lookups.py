"""Look-ups through related names, followed through the models.

`Collection.objects.filter(releases__assistant__name=…)` imports nothing of assistants and depends
on them all the same. Everything that stands where a queryset reads a path is taken from the syntax
tree, and walked from every model that the file's app may know. A path is upward if it can only be
read by stepping into an app that the file must not import.

What it cannot see: paths that are put together at run time, and a name that some model in reach
has as well, since only the name is compared.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.apps import apps as django_apps
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP

# Where strings and the names of arguments are paths.
READERS = frozenset({
    "filter", "exclude", "get", "annotate", "alias", "aggregate", "values", "values_list",
    "order_by", "distinct", "select_related", "prefetch_related", "prefetch_related_objects",
    "only", "defer", "update", "dates", "datetimes", "latest", "earliest", "Prefetch", "F", "Q",
    "OuterRef", "Count", "Sum", "Max", "Min", "Avg", "StringAgg", "ArrayAgg", "BoolOr", "BoolAnd",
    "FilteredRelation",
})  # fmt: skip
# What is called on a reverse accessor: `release.promotions.exists()`.
MANAGER = frozenset({
    "all", "filter", "exclude", "exists", "count", "first", "last", "get", "order_by", "values",
    "values_list", "select_related", "prefetch_related", "annotate", "aggregate", "add", "create",
    "set", "update", "delete", "remove", "clear",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """Where a name leads: to another model, or (None) to a value."""

    target: type[Model] | None


@dataclass(frozen=True, slots=True)
class Use:
    """A path as the code has it. `is_accessor`: read from a row instead of from a query."""

    line: int
    path: str
    is_accessor: bool = False


@cache
def steps(model: type[Model]) -> Mapping[str, Step]:
    """The names that a path can go on with from this model, for queries and for accessors."""
    found: dict[str, Step] = {"pk": Step(None)}
    for field in model._meta.get_fields():
        related = field.related_model if field.is_relation else None
        target = related if isinstance(related, type) else None
        names = [field.name]
        if field.auto_created and not field.concrete:
            accessor = field.get_accessor_name()  # type: ignore[union-attr]
            names += [accessor] if accessor else []
        elif target is not None and hasattr(field, "attname"):
            found[field.attname] = Step(None)
        for name in names:
            found[name] = Step(target)
    return found


def walk(model: type[Model], path: str) -> list[str] | None:
    """The apps that a path leads through from a model, or None if it does not begin there."""
    labels = [model._meta.app_label]
    for number, name in enumerate(path.removeprefix("-").split(LOOKUP_SEP)):
        step = steps(model).get(name)
        if step is None:
            return None if number == 0 else labels  # a look-up, a key of JSON, or an annotation
        if step.target is None:
            return labels
        model = step.target
        labels.append(model._meta.app_label)
    return labels


def list_uses(tree: ast.Module) -> Iterator[Use]:
    """Everything in a file that is read as a path."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name_of(node.func)
        if name in READERS:
            for keyword in node.keywords:
                if keyword.arg:
                    yield Use(node.lineno, keyword.arg)
            for text in _texts(node.args):
                yield Use(node.lineno, text)
            yield from (Use(node.lineno, text) for text in _keys(node))
        function = node.func
        if (
            name in MANAGER
            and isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Attribute)
        ):
            yield Use(node.lineno, function.value.attr, is_accessor=True)


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _texts(nodes: Sequence[ast.expr]) -> Iterator[str]:
    for node in nodes:
        inner = node.value if isinstance(node, ast.Starred) else node
        parts = inner.elts if isinstance(inner, ast.List | ast.Tuple | ast.Set) else [inner]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def _keys(node: ast.Call) -> Iterator[str]:
    """The keys of `filter(**{"a__b": …})`."""
    for keyword in node.keywords:
        if keyword.arg is None and isinstance(keyword.value, ast.Dict):
            yield from _texts([key for key in keyword.value.keys if key is not None])


def find_upward(use: Use, owner: str, allowed: Mapping[str, set[str]]) -> set[str]:
    """The apps above `owner` that a path cannot be read without; empty if it can be.

    Models of the owner's app are tried first: what one of them has is not looked for elsewhere.
    """
    known = {owner} | allowed[owner]
    for labels in ({owner}, allowed[owner]):
        readings = [
            set(trail) & set(allowed) - known
            for model in django_apps.get_models()
            if model._meta.app_label in labels and (trail := walk(model, use.path)) is not None
        ]
        if any(not reading for reading in readings):
            return set()
        if readings:
            return set.union(*readings)
    return set()
