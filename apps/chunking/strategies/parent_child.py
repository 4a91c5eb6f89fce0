"""Small chunks to search, each in a larger one to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from apps.chunking.splitters import Packer, Piece, Range, SplitParams, group_sections, open_packer
from apps.chunking.strategies.base import ChunkingSource, Strategy, Values, overlap_check
from apps.chunking.strategies.recursive import overlap_parameter, read_split_params
from apps.chunking.strategies.structure import group_pages
from apps.core.options import Option

UNLIMITED = 10**9
"""Parents are read by a chat model, and never embedded."""


def cut_into_children(source: ChunkingSource, values: Values) -> list[Piece]:
    """Chunks with the spans of their parents, which do not overlap and leave nothing out."""
    params = read_split_params(values, room=source.room)
    packer = open_packer(source.pages, params=params, count_tokens=source.count_tokens)
    size = max(values["parent"], 40)
    parents = Packer(
        packer.text, packer.units, contexts=packer.contexts, count_tokens=source.count_tokens,
        params=SplitParams(target=size, cap=size + size // 4, overlap=0, room=UNLIMITED),
    )  # fmt: skip
    pieces: list[Piece] = []
    for group in _group_parents(parents, values["parents"]):
        for first, last in parents.cut(group):
            start, end = packer.units[first].start, packer.units[last - 1].end
            children = packer.make_pieces(list(packer.cut((first, last))))
            pieces += [replace(child, parent_start=start, parent_end=end) for child in children]
    return pieces


def _group_parents(packer: Packer, kind: str) -> Iterable[Range]:
    if kind == "page":
        return group_pages(packer.units)
    if kind == "section":
        return group_sections(packer.units, params=packer.params)
    return [(0, len(packer.units))] if packer.units else []


def _check(values: Values) -> dict[str, str]:
    if values["parent"] < values["target"] * 2:
        return {"parent": "The larger text must be at least twice the size of a passage."}
    return dict(overlap_check("target", "overlap")(values))


STRATEGIES = (
    Strategy(
        key="parent_child",
        name="Small to search, large to read",
        family="Parent and child",
        summary="Small passages are found precisely; what the assistant then reads is the larger "
        "text around them.",
        parameters=(
            Option(
                "target", "Searched", "whole", 80,
                "What a passage holds that is embedded and found.",
                40, 1000, unit="tokens",
            ),
            overlap_parameter(0, 200, "tokens"),
            Option(
                "parents", "Read", "choice", "section",
                "What the larger text follows.",
                choices=(("section", "Sections"), ("page", "Pages"), ("size", "Size alone")),
            ),
            Option(
                "parent", "Read at most", "whole", 600,
                "About how much of it is read: a section or page that is larger is cut.",
                80, 8000, unit="tokens",
            ),
        ),
        cut=cut_into_children,
        check=_check,
    ),
)  # fmt: skip
