"""Every address of the product, from its own list of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.isolation.house import House

QUESTION_ADDRESSES = {"chat:edit"}
"""Where `message_id` is that of a question."""
LAST = (
    "delete",
    "remove",
    "revoke",
    "conversations/<uuid:conversation_id>/delete/",
    "datasets/<uuid:dataset_id>/delete/",
    "w/<slug:slug>/assistants/<slug:assistant_slug>/delete/",
    "w/<slug:slug>/documents/<uuid:document_id>/delete/",
    "collections/<uuid:collection_id>/delete/",
    "settings/delete/",
    "api/v1/datasets/<uuid:dataset_id>/",
)
"""What takes other things with it comes after them: the last of these that fits says when."""


@dataclass(frozen=True, slots=True)
class Address:
    """A pattern: its route with `<converter:name>` parts, its name, its parameters, its view."""

    route: str
    name: str
    parameters: tuple[str, ...]
    view: Any

    def fill(self, arguments: Mapping[str, Any]) -> str:
        """The path with these arguments. KeyError for a parameter that nobody furnished."""
        path = self.route
        for part in [p.split(">")[0] for p in path.split("<")[1:]]:
            path = path.replace(f"<{part}>", str(arguments[part.split(":")[-1]]))
        return f"/{path}"

    def arguments(self, house: House) -> dict[str, Any]:
        """The arguments that lead to this house's things."""
        known = house.pages if self.route.startswith("w/") else house.rest
        arguments = {name: known[name] for name in self.parameters}
        if self.name in QUESTION_ADDRESSES:
            arguments["message_id"] = house.question_id
        return arguments

    def trespasses(self, intruder: House, victim: House) -> list[str]:
        """The intruder's own path with one argument at a time that belongs to the victim."""
        own, theirs = self.arguments(intruder), self.arguments(victim)
        return [
            self.fill(own | {name: theirs[name]})
            for name in self.parameters
            if theirs[name] != own[name]
        ]

    @property
    def rank(self) -> int:
        return max((n for n, part in enumerate(LAST, start=1) if part in self.route), default=0)


def list_addresses(prefix: str) -> list[Address]:
    """All whose route begins so; what destroys comes last."""
    found = [a for a in _walk(get_resolver().url_patterns) if a.route.startswith(prefix)]
    return sorted(found, key=lambda address: address.rank)


def _walk(patterns: list[Any], route: str = "", namespace: str = "") -> Iterator[Address]:
    for pattern in patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, here, inner)
        elif isinstance(pattern, URLPattern):
            parameters = [p.split(">")[0].split(":")[-1] for p in here.split("<")[1:]]
            name = f"{namespace}{pattern.name or here}"
            yield Address(here, name, tuple(parameters), pattern.callback)


def methods_of(address: Address) -> list[str]:
    """The methods of a REST view that do something, in an order that destroys last."""
    view_class = address.view.cls
    allowed = {m for m in view_class.http_method_names if hasattr(view_class, m)}
    return [m for m in ("get", "post", "put", "patch", "delete") if m in allowed]


def leaks(body: bytes, victim: House, *, asked: str = "") -> list[str]:
    """What of the victim's a response tells, beyond what the request itself said."""
    text = body.decode("utf-8", "replace")
    return [secret for secret in victim.secrets() if secret in text and secret not in asked]
