from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django import forms

from apps.prompts.spec import (
    FORMATS,
    MAX_EXAMPLES,
    MAX_STEPS,
    MAX_TEXT,
    Example,
    OutputFormat,
    PromptSpec,
    Step,
    check_spec,
    clean_spec,
)

FORMAT_LABELS = {"text": "Plain text", "markdown": "Markdown", "json": "JSON"}


def _area(label: str, *, rows: int, required: bool = False, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=MAX_TEXT,
        help_text=help_text,
        strip=True,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class NewPromptForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", help_text="For example: Support, formal")


class RenameForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name")


class ImportForm(forms.Form):
    """A file in the dotprompt format."""

    file = forms.FileField(
        label="File",
        help_text="In the dotprompt format: front matter in YAML, then the text.",
        widget=forms.ClearableFileInput(attrs={"accept": ".prompt,text/plain"}),
    )


class LabelForm(forms.Form):
    label = forms.RegexField(
        r"^[a-z0-9][a-z0-9._-]{0,39}$",
        label="Label",
        help_text="production, staging, or a name of your own.",
        error_messages={"invalid": "Use small letters, digits, dots and dashes."},
        widget=forms.TextInput(attrs={"list": "label-names", "autocomplete": "off"}),
    )


class PromptForm(forms.Form):
    """All of a prompt. Examples and steps are rows; there is always an empty one to fill."""

    system = _area(
        "Instructions", rows=10, required=True, help_text="What the model is told before anything."
    )
    user = _area(
        "Question template",
        rows=5,
        required=True,
        help_text="{{ passages }} and {{ question }} are filled in, and your own values and steps.",
    )
    persona = _area("Persona", rows=2, help_text="Who answers. It comes before the instructions.")
    values = _area(
        "Values", rows=3, help_text="One a line, as company: Acme. Use them as {{ company }}."
    )
    output = forms.ChoiceField(
        label="Form of the answer",
        choices=[(name, FORMAT_LABELS[name]) for name in FORMATS],
        required=False,
    )
    schema = _area("JSON Schema", rows=4, help_text="For JSON: every answer is checked against it.")
    has_notes = forms.BooleanField(
        label="Think first",
        required=False,
        help_text="The model writes notes before it answers. One call more.",
    )
    has_critique = forms.BooleanField(
        label="Check the draft",
        required=False,
        help_text="The model looks for faults in its draft and improves it. Two calls more.",
    )
    note = forms.CharField(max_length=300, required=False, label="What changes")

    def __init__(self, *args: Any, spec: PromptSpec | None = None, **kwargs: Any) -> None:
        if spec is not None:
            kwargs.setdefault("initial", _initial(spec))
        super().__init__(*args, **kwargs)
        self.spec: PromptSpec | None = None
        source: Mapping[str, Any] = self.data if self.is_bound else self.initial
        for number in range(_rows(source, "example", MAX_EXAMPLES)):
            self._add_example(number)
        for number in range(_rows(source, "step", MAX_STEPS)):
            self._add_step(number)

    def _add_example(self, number: int) -> None:
        n = number + 1
        self.fields[f"example_{number}_question"] = _area(f"Question {n}", rows=2)
        self.fields[f"example_{number}_passages"] = _area(f"Passages {n}", rows=2)
        self.fields[f"example_{number}_answer"] = _area(f"Answer {n}", rows=2)

    def _add_step(self, number: int) -> None:
        self.fields[f"step_{number}_name"] = forms.CharField(
            max_length=40,
            required=False,
            label=f"Name of step {number + 1}",
            help_text="Later texts use its output under this name, as {{ name }}.",
        )
        self.fields[f"step_{number}_text"] = _area(f"Text of step {number + 1}", rows=3)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors:
            spec = clean_spec(self._read_spec(values))
            for fault in check_spec(spec):
                where = fault.field if fault.field in self.fields else self._first_row(fault.field)
                self.add_error(where, fault.message)
            self.spec = spec
        return values

    def _first_row(self, name: str) -> str | None:
        field = {"examples": "example_0_question", "steps": "step_0_text"}.get(name)
        return field if field in self.fields else None

    def _read_spec(self, values: dict[str, Any]) -> PromptSpec:
        output: OutputFormat = values["output"] or "text"
        return PromptSpec(
            system=values["system"],
            user=values["user"],
            persona=values["persona"],
            examples=self._read_examples(values),
            values=self._read_values(values["values"]),
            steps=self._read_steps(values),
            has_notes=values["has_notes"],
            has_critique=values["has_critique"],
            output=output,
            schema=self._read_schema(values["schema"]) if output == "json" else None,
        )

    def _read_examples(self, values: dict[str, Any]) -> tuple[Example, ...]:
        examples = [
            Example(
                values[f"example_{n}_question"],
                values[f"example_{n}_answer"],
                values[f"example_{n}_passages"],
            )
            for n in range(MAX_EXAMPLES)
            if f"example_{n}_question" in values
        ]
        return tuple(e for e in examples if e.question or e.answer or e.passages)

    def _read_steps(self, values: dict[str, Any]) -> tuple[Step, ...]:
        steps = [
            Step(values[f"step_{n}_name"], values[f"step_{n}_text"])
            for n in range(MAX_STEPS)
            if f"step_{n}_name" in values
        ]
        return tuple(step for step in steps if step.name or step.text)

    def _read_values(self, text: str) -> dict[str, str]:
        values = {}
        for line in text.splitlines():
            name, colon, value = line.partition(":")
            if line.strip() and not colon:
                self.add_error("values", f"“{line.strip()[:40]}” needs a colon after its name.")
            elif line.strip():
                values[name.strip()] = value.strip()
        return values

    def _read_schema(self, text: str) -> dict[str, Any] | None:
        if not text:
            return None
        try:
            schema = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            self.add_error("schema", f"This is no JSON: {error.msg}.")
            return None
        if not isinstance(schema, dict):
            self.add_error("schema", "A JSON Schema is an object.")
            return None
        return schema

    GROUPS = (
        ("Instructions", "", ("persona", "system", "user")),
        ("Values and form", "", ("values", "output", "schema")),
        ("Thinking", "", ("has_notes", "has_critique")),
    )

    def groups(self) -> list[dict[str, Any]]:
        """The fields as the page groups them; examples and steps fold away when empty."""
        groups = [
            {"title": title, "hint": hint, "fields": [self[name] for name in names]}
            for title, hint, names in self.GROUPS
        ]
        steps = [self[name] for name in self.fields if name.startswith("step_")]
        examples = [self[name] for name in self.fields if name.startswith("example_")]
        groups.append(
            {
                "title": "Steps before the answer",
                "hint": "Each is asked in turn; its output fills a variable of the next ones.",
                "fields": steps,
            }
        )
        groups.append(
            {
                "title": "Examples",
                "hint": "Worked examples, shown to the model as earlier turns.",
                "fields": examples,
            }
        )
        return groups


def _rows(source: Mapping[str, Any], kind: str, limit: int) -> int:
    """One row more than are filled."""
    numbers = [
        int(parts[1])
        for name, value in source.items()
        if (parts := name.split("_"))[0] == kind and len(parts) == 3 and value
        if parts[1].isdecimal() and len(parts[1]) < 4
    ]
    return min(max(numbers, default=-1) + 2, limit)


def _initial(spec: PromptSpec) -> dict[str, Any]:
    values: dict[str, Any] = {
        "system": spec.system,
        "user": spec.user,
        "persona": spec.persona,
        "values": "\n".join(f"{name}: {value}" for name, value in spec.values.items()),
        "output": spec.output,
        "schema": orjson.dumps(spec.schema, option=orjson.OPT_INDENT_2).decode()
        if spec.schema
        else "",
        "has_notes": spec.has_notes,
        "has_critique": spec.has_critique,
    }
    for number, example in enumerate(spec.examples):
        values[f"example_{number}_question"] = example.question
        values[f"example_{number}_passages"] = example.passages
        values[f"example_{number}_answer"] = example.answer
    for number, step in enumerate(spec.steps):
        values[f"step_{number}_name"] = step.name
        values[f"step_{number}_text"] = step.text
    return values
