"""What a version of a prompt says, in plain values, and what is wrong with it. Pure.

A prompt is more than two texts: a persona, worked examples, the form of the answer, values of its
own, steps that come before the answer (a chain, notes) and after it (a critique). `check_spec`
finds every fault before a version is stored, so that an answer never fails on its prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast, get_args

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from apps.core.text import is_storable
from apps.prompts.defaults import VARIABLES
from apps.prompts.rendering import NAME, find_broken, list_variables

OutputFormat = Literal["text", "markdown", "json"]
FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
MAX_TEXT = 20_000
MAX_EXAMPLES = 20
MAX_STEPS = 8
MAX_VALUES = 20
MAX_SCHEMA_NODES = 500
RESERVED = VARIABLES | {"notes", "draft", "critique", "history"}


class PromptError(ValueError):
    """A prompt that cannot be used. `faults` says what is wrong with which field."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(fault.message for fault in faults))


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and the field that has it."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example. `passages` may be empty: then only question and answer are shown."""

    question: str
    answer: str
    passages: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A sub-prompt that is asked before the answer; its output fills `{{ name }}` from then on."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """All of a prompt. `values` are its own variables; `schema` is a JSON Schema (2020-12)."""

    system: str
    user: str
    persona: str = ""
    examples: tuple[Example, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    has_notes: bool = False
    has_critique: bool = False
    output: OutputFormat = "text"
    schema: Mapping[str, Any] | None = None

    @property
    def all_text(self) -> str:
        """What every question is asked with, whatever is asked."""
        examples = [text for e in self.examples for text in (e.question, e.answer, e.passages)]
        return "\n".join([self.system, self.persona, self.user, *examples])

    @property
    def num_calls(self) -> int:
        """How often the model is asked for one answer, at most."""
        return 1 + len(self.steps) + self.has_notes + 2 * self.has_critique


def spec_to_json(spec: PromptSpec) -> dict[str, Any]:
    """Everything but the two texts, which have columns of their own; defaults are left out."""
    values = asdict(spec)
    del values["system"], values["user"]
    return {k: v for k, v in values.items() if v and (k, v) != ("output", "text")}


def spec_from_json(system: str, user: str, parts: Mapping[str, Any]) -> PromptSpec:
    """The spec of a stored version. Raises PromptError if it cannot be read as a prompt."""
    try:
        return PromptSpec(
            system=system,
            user=user,
            persona=str(parts.get("persona", "")),
            examples=tuple(Example(**item) for item in parts.get("examples", ())),
            values={str(k): str(v) for k, v in dict(parts.get("values", {})).items()},
            steps=tuple(Step(**item) for item in parts.get("steps", ())),
            has_notes=bool(parts.get("has_notes", False)),
            has_critique=bool(parts.get("has_critique", False)),
            output=cast(OutputFormat, parts.get("output", "text")),
            schema=parts.get("schema") or None,
        )
    except (TypeError, ValueError) as error:
        raise PromptError([Fault("", f"Its parts are not understood: {error}.")]) from error


def clean_spec(spec: PromptSpec) -> PromptSpec:
    """A copy with plain line ends and without space around its texts."""
    return replace(
        spec,
        system=_clean(spec.system),
        user=_clean(spec.user),
        persona=_clean(spec.persona),
        examples=tuple(
            Example(_clean(e.question), _clean(e.answer), _clean(e.passages)) for e in spec.examples
        ),
        values={name: _clean(value) for name, value in spec.values.items()},
        steps=tuple(Step(step.name, _clean(step.text)) for step in spec.steps),
        schema=spec.schema if spec.output == "json" else None,
    )


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def check_spec(spec: PromptSpec) -> list[Fault]:
    """Everything that is wrong with a prompt; empty if it can be stored."""
    return [
        *_check_sizes(spec),
        *_check_names(spec),
        *_check_variables(spec),
        *_check_examples(spec),
        *_check_output(spec),
    ]


def require_sound(spec: PromptSpec) -> None:
    """Raise PromptError unless the prompt is sound."""
    if faults := check_spec(spec):
        raise PromptError(faults)


def _texts(spec: PromptSpec) -> Iterator[tuple[str, str]]:
    yield "system", spec.system
    yield "user", spec.user
    yield "persona", spec.persona
    for step in spec.steps:
        yield "steps", step.text


def _all_texts(spec: PromptSpec) -> Iterator[tuple[str, str]]:
    yield from _texts(spec)
    for example in spec.examples:
        yield "examples", example.question
        yield "examples", example.answer
        yield "examples", example.passages
    for value in spec.values.values():
        yield "values", value


def _check_sizes(spec: PromptSpec) -> Iterator[Fault]:
    for name, text in _all_texts(spec):
        if len(text) > MAX_TEXT:
            yield Fault(name, f"A text may have {MAX_TEXT:,} characters; this has {len(text):,}.")
        if not is_storable(text):
            yield Fault(name, "A text contains a null character or half of a character.")
    for field_name, items, limit in (
        ("examples", spec.examples, MAX_EXAMPLES),
        ("steps", spec.steps, MAX_STEPS),
        ("values", spec.values, MAX_VALUES),
    ):
        if len(items) > limit:
            yield Fault(field_name, f"There may be {limit} of these, and there are {len(items)}.")
    if not spec.system:
        yield Fault("system", "The instructions are empty.")


def _check_names(spec: PromptSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    named = [("values", name) for name in spec.values]
    for where, name in [*named, *(("steps", step.name) for step in spec.steps)]:
        if not re.fullmatch(NAME, name) or len(name) > 40:
            yield Fault(where, f"“{name}” is no name: use small letters, digits and _.")
        elif name in RESERVED:
            yield Fault(where, f"“{name}” is filled in by Plumbline; choose another name.")
        elif name in seen:
            yield Fault(where, f"“{name}” is there twice.")
        seen.add(name)
    for step in spec.steps:
        if not step.text:
            yield Fault("steps", f"The step “{step.name}” has no text.")


def _check_variables(spec: PromptSpec) -> Iterator[Fault]:
    """Report variables that are used but not declared, and declared ones that are not used."""
    for where, text in _texts(spec):
        if broken := find_broken(text):
            yield Fault(where, f"“{broken}” is not understood. Only {{{{ name }}}} can be used.")
    known = set(VARIABLES) | spec.values.keys()
    used: set[str] = set()
    for step in spec.steps:
        yield from _unknown("steps", step.text, known, f" in the step “{step.name}”")
        used |= list_variables(step.text)
        known.add(step.name)
    for where, text in (("system", spec.system), ("user", spec.user), ("persona", spec.persona)):
        yield from _unknown(where, text, known)
        used |= list_variables(text)
    for name in sorted((spec.values.keys() | {step.name for step in spec.steps}) - used):
        where = "values" if name in spec.values else "steps"
        yield Fault(where, f"Nothing uses {{{{ {name} }}}}. Use it, or leave it out.")
    if "question" not in list_variables(spec.user):
        yield Fault("user", "Without {{ question }} the model does not see what was asked.")
    if "passages" not in list_variables(spec.user + spec.system):
        yield Fault("user", "Without {{ passages }} the model sees no documents.")


def _unknown(where: str, text: str, known: set[str], at: str = "") -> Iterator[Fault]:
    if unknown := list_variables(text) - known:
        yield Fault(where, f"Nothing fills these in{at}: {', '.join(sorted(unknown))}.")


def _check_examples(spec: PromptSpec) -> Iterator[Fault]:
    for number, example in enumerate(spec.examples, start=1):
        if not example.question or not example.answer:
            yield Fault("examples", f"Example {number} needs a question and an answer.")


def _check_output(spec: PromptSpec) -> Iterator[Fault]:
    if spec.output not in FORMATS:
        yield Fault("output", f"The output is one of {', '.join(FORMATS)}.")
    if spec.schema is None:
        return
    if spec.output != "json":
        yield Fault("schema", "A schema needs the output json.")
        return
    nodes = list(_walk(spec.schema))
    if len(nodes) > MAX_SCHEMA_NODES:
        yield Fault("schema", "The schema is too large.")
        return
    # An external reference would make the server fetch an address that a user typed.
    if any(isinstance(n, Mapping) and not str(n.get("$ref", "#")).startswith("#") for n in nodes):
        yield Fault("schema", "A $ref may only point into the schema itself.")
        return
    try:
        Draft202012Validator.check_schema(dict(spec.schema))
    except SchemaError as error:
        yield Fault("schema", f"This is no JSON Schema: {error.message[:200]}.")


def _walk(value: Any, depth: int = 0) -> Iterator[Any]:
    """Every node of a JSON value, as far as the bound lets it matter."""
    yield value
    if depth > 40:
        yield from [None] * (MAX_SCHEMA_NODES + 1)
        return
    children: Sequence[Any] = ()
    if isinstance(value, Mapping):
        children = list(value.values())
    elif isinstance(value, list | tuple):
        children = value
    for child in children:
        yield from _walk(child, depth + 1)
