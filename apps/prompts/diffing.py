"""What differs between two versions of a prompt, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from apps.core.text_diff import DiffPart, compare_texts
from apps.prompts.spec import PromptSpec


@dataclass(frozen=True, slots=True)
class PartDiff:
    """One part that differs: its label and both texts as one."""

    label: str
    parts: tuple[DiffPart, ...]
    added: int
    removed: int


def list_parts(spec: PromptSpec) -> list[tuple[str, str]]:
    """Every part as (label, text), the empty ones too, so that two versions line up."""
    return [
        ("Persona", spec.persona),
        ("Instructions", spec.system),
        ("Question template", spec.user),
        ("Values", "".join(f"{name}: {value}\n" for name, value in spec.values.items())),
        ("Steps", "\n".join(f"{step.name}\n{step.text}\n" for step in spec.steps)),
        ("Examples", "\n".join(_example(*e) for e in _examples(spec))),
        ("Thinking", _thinking(spec)),
        ("Form of the answer", spec.output),
        ("JSON Schema", _schema(spec)),
    ]


def diff_specs(old: PromptSpec, new: PromptSpec) -> list[PartDiff]:
    """The parts that differ, in the order of the page."""
    differences = []
    for (label, before), (_, after) in zip(list_parts(old), list_parts(new), strict=True):
        if before != after:
            diff = compare_texts(before, after)
            differences.append(PartDiff(label, diff.parts, diff.added, diff.removed))
    return differences


def _examples(spec: PromptSpec) -> Iterator[tuple[str, str, str]]:
    for example in spec.examples:
        yield example.question, example.passages, example.answer


def _example(question: str, passages: str, answer: str) -> str:
    lead = f"Passages: {passages}\n" if passages else ""
    return f"Question: {question}\n{lead}Answer: {answer}\n"


def _thinking(spec: PromptSpec) -> str:
    first = "Notes before the answer.\n" if spec.has_notes else ""
    return first + ("A check of the draft.\n" if spec.has_critique else "")


def _schema(spec: PromptSpec) -> str:
    if spec.schema is None:
        return ""
    return orjson.dumps(dict(spec.schema), option=orjson.OPT_INDENT_2).decode()
