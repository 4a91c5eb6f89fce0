"""Tags as a tree: "hr/leave" lies below "hr". Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TagNode:
    """A tag or a level that tags share. `count` is of documents here or below, each once."""

    path: str
    name: str
    depth: int
    count: int
    is_chosen: bool


def list_levels(tag: str) -> list[str]:
    """The tag and all that it lies below: hr, hr/leave."""
    parts = tag.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def build_tree(tagged: Iterable[tuple[Sequence[str], int]], *, chosen: str = "") -> list[TagNode]:
    """The tree from top to bottom, of how many documents have which tags.

    It leaves out what lies below levels that are not open. Open are the chosen one and those
    above it.
    """
    counts: Counter[str] = Counter()
    for tags, number in tagged:
        for path in {path for tag in tags for path in list_levels(tag)}:
            counts[path] += number
    opened = set(list_levels(chosen)) if chosen else set()
    nodes = []
    for path in sorted(counts, key=lambda path: path.split("/")):
        parent, _, name = path.rpartition("/")
        if parent and parent not in opened:
            continue
        nodes.append(
            TagNode(
                path=path,
                name=name or path,
                depth=path.count("/"),
                count=counts[path],
                is_chosen=path == chosen,
            )
        )
    return nodes
