"""Prompts as files, so that a team can keep them in git: a strict subset of dotprompt.

A file is YAML front matter and a body with `{{role "system"}}` and `{{role "user"}}` parts. What
dotprompt has no word for goes into keys of our own, `plumbline.…`, as its specification asks.
Whatever we would not keep (a model, tools, helpers in the body) is refused, not dropped.

The YAML is somebody's upload. It is read in a core schema without tags, anchors, aliases, dates
or octal numbers, and its size and depth are bounded before anything is built from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from apps.prompts.defaults import VARIABLES
from apps.prompts.spec import (
    Example,
    Fault,
    OutputFormat,
    PromptError,
    PromptSpec,
    Step,
    clean_spec,
    require_sound,
)

MAX_CHARS = 400_000
MAX_EVENTS = 20_000
MAX_DEPTH = 24
SUFFIX = ".prompt"
OWN = "plumbline."
KEYS = {
    "name", "input", "output", f"{OWN}note", f"{OWN}persona", f"{OWN}examples", f"{OWN}steps",
    f"{OWN}notes", f"{OWN}critique",
}  # fmt: skip
ROLE = re.compile(r"\{\{\s*role\s+[\"'](\w+)[\"']\s*\}\}")
FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)


class DotpromptError(ValueError):
    """The file is not one that can be taken, with the reason in a sentence."""


@dataclass(frozen=True, slots=True)
class PromptFile:
    """What a file holds. `name` is empty where it gives none."""

    name: str
    note: str
    spec: PromptSpec


# Writing


def dump_dotprompt(file: PromptFile) -> str:
    """The file of a prompt; `parse_dotprompt` gives the same prompt back."""
    spec = file.spec
    front: dict[str, Any] = {"name": file.name}
    if file.note:
        front[f"{OWN}note"] = file.note
    names = [*sorted(VARIABLES), *spec.values]
    front["input"] = {"schema": dict.fromkeys(names, "string")}
    if spec.values:
        front["input"]["default"] = dict(spec.values)
    front["output"] = {"format": spec.output}
    if spec.schema is not None:
        front["output"]["schema"] = dict(spec.schema)
    front |= _own_keys(spec)
    head = yaml.dump(front, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=96)
    body = f'{{{{role "system"}}}}\n{spec.system}\n\n{{{{role "user"}}}}\n{spec.user}\n'
    return f"---\n{head}---\n{body}"


def _own_keys(spec: PromptSpec) -> dict[str, Any]:
    keys: dict[str, Any] = {
        f"{OWN}persona": spec.persona,
        f"{OWN}examples": [
            {"question": e.question, "answer": e.answer}
            | ({"passages": e.passages} if e.passages else {})
            for e in spec.examples
        ],
        f"{OWN}steps": [{"name": step.name, "text": step.text} for step in spec.steps],
        f"{OWN}notes": spec.has_notes,
        f"{OWN}critique": spec.has_critique,
    }
    return {key: value for key, value in keys.items() if value}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, which is what people edit and diff."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML reads these as line ends too, and would make spaces of them if they stood as they are.
    odd = any(mark in text for mark in "\x85\u2028\u2029")
    style = '"' if odd else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


# Reading


def parse_dotprompt(text: str) -> PromptFile:
    """Read a file. Raises DotpromptError, or PromptError for a prompt that is not sound."""
    if len(text) > MAX_CHARS:
        raise DotpromptError(f"The file is longer than {MAX_CHARS:,} characters.")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    fences = list(FENCE.finditer(text))
    if len(fences) < 2 or text[: fences[0].start()].strip():
        raise DotpromptError("The file must begin with front matter between two lines of ---.")
    front = _load_front(text[fences[0].end() : fences[1].start()])
    system, user = _split_body(text[fences[1].end() :])
    name, note = _text(front, "name"), _text(front, f"{OWN}note")
    if len(name) > 120 or len(note) > 300:
        raise DotpromptError("The name may have 120 characters, and the note 300.")
    spec = clean_spec(_read_spec(front, system, user))
    require_sound(spec)
    return PromptFile(name.strip(), note.strip(), spec)


def _split_body(body: str) -> tuple[str, str]:
    """The system and the user part; text before the first role belongs to the user."""
    pieces = ROLE.split(body)
    parts = {"user": pieces[0].strip()}
    for role, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if role not in ("system", "user"):
            raise DotpromptError(f"The role “{role[:40]}” is not supported, only system and user.")
        if parts.get(role):
            raise DotpromptError(f"There are two {role} parts.")
        parts[role] = text.strip()
    return parts.get("system", ""), parts["user"]


def _read_spec(front: Mapping[str, Any], system: str, user: str) -> PromptSpec:
    if unknown := sorted(set(front) - KEYS):
        raise DotpromptError(
            f"These keys are not supported: {', '.join(unknown)[:200]}. A model and its settings "
            "belong to a release of an assistant."
        )
    inputs = _mapping(front, "input", {"schema", "default"})
    values = _strings(inputs, "default")
    declared = set(_strings(inputs, "schema"))
    if undeclared := sorted(declared - VARIABLES - values.keys()):
        message = f"Nothing gives {', '.join(undeclared)} a value. Set input.default."
        raise PromptError([Fault("values", message)])
    output = _mapping(front, "output", {"format", "schema"})
    schema = output.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise DotpromptError("output.schema must be a JSON Schema.")
    return PromptSpec(
        system=system,
        user=user,
        persona=_text(front, f"{OWN}persona"),
        examples=tuple(
            Example(_text(item, "question"), _text(item, "answer"), _text(item, "passages"))
            for item in _items(front, f"{OWN}examples", {"question", "answer", "passages"})
        ),
        values=values,
        steps=tuple(
            Step(_text(item, "name"), _text(item, "text"))
            for item in _items(front, f"{OWN}steps", {"name", "text"})
        ),
        has_notes=_flag(front, f"{OWN}notes"),
        has_critique=_flag(front, f"{OWN}critique"),
        output=cast(OutputFormat, _text(output, "format") or "text"),
        schema=schema,
    )


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise DotpromptError(f"{key} must be a text.")
    return value


def _flag(values: Mapping[str, Any], key: str) -> bool:
    value = values.get(key, False)
    if not isinstance(value, bool):
        raise DotpromptError(f"{key} must be true or false.")
    return value


def _mapping(values: Mapping[str, Any], key: str, allowed: set[str]) -> dict[str, Any]:
    value = values.get(key) or {}
    if not isinstance(value, dict) or set(value) - allowed:
        raise DotpromptError(f"{key} may have the keys {', '.join(sorted(allowed))}.")
    return value


def _strings(values: Mapping[str, Any], key: str) -> dict[str, str]:
    value = values.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise DotpromptError(f"{key} must give each name a text.")
    return value


def _items(values: Mapping[str, Any], key: str, allowed: set[str]) -> list[dict[str, Any]]:
    items = values.get(key) or []
    if not isinstance(items, list):
        raise DotpromptError(f"{key} must be a list.")
    for item in items:
        if not isinstance(item, dict) or set(item) - allowed:
            raise DotpromptError(f"Each of {key} may have {', '.join(sorted(allowed))}.")
    return items


class _Loader(yaml.SafeLoader):
    """JSON's types and nothing else; a key that is there twice is an error."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            raise DotpromptError("The front matter must give names to values.")
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise DotpromptError("A key of the front matter is there twice.")
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^-?(?:0|[1-9]\d{0,17})$", "-0123456789"),
    ("float", r"^-?\d{1,18}\.\d{1,18}(?:[eE][-+]?\d{1,2})?$", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _load_front(text: str) -> dict[str, Any]:
    """The front matter, after a look at its events that bounds what can be built."""
    try:
        _check_events(text)
        front = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, and narrower
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise DotpromptError(f"The front matter is no YAML{line}.") from error
    except (RecursionError, ValueError) as error:
        if isinstance(error, DotpromptError):
            raise
        raise DotpromptError("The front matter cannot be read.") from error
    if not isinstance(front, dict) or not all(isinstance(key, str) for key in front):
        raise DotpromptError("The front matter must give names to values.")
    return front


def _check_events(text: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if number > MAX_EVENTS or depth > MAX_DEPTH:
            raise DotpromptError("The front matter is too large or nested too deeply.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise DotpromptError("Anchors and aliases are not supported.")
        if getattr(event, "tag", None):
            raise DotpromptError("Tags are not supported.")
