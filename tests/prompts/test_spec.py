"""What a prompt may say, what is refused, and the messages that come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.prompts.messages import compose_messages, is_faultless, validate_output
from apps.prompts.spec import (
    Example,
    PromptError,
    PromptSpec,
    Step,
    check_spec,
    clean_spec,
    require_sound,
    spec_from_json,
    spec_to_json,
)

PLAIN = PromptSpec(system="Be brief.", user="{{ passages }}\n\n{{ question }}")
FULL = PromptSpec(
    system="Answer for {{ company }}. Terms: {{ terms }}",
    user="{{ passages }}\n\n{{ question }}",
    persona="You are the clerk of {{ company }}.",
    examples=(Example("How long is leave?", "25 days [1].", "[1] Leave is 25 days."),),
    values={"company": "Acme"},
    steps=(Step("terms", "List the terms in: {{ question }}"),),
    has_notes=True,
    has_critique=True,
    output="json",
    schema={"type": "object", "required": ["answer"]},
)


def faults(spec: PromptSpec) -> list[tuple[str, str]]:
    return [(fault.field, fault.message) for fault in check_spec(spec)]


def test_a_sound_prompt_has_no_faults_and_survives_json() -> None:
    assert faults(PLAIN) == faults(FULL) == []
    assert spec_to_json(PLAIN) == {}
    assert spec_from_json(FULL.system, FULL.user, spec_to_json(FULL)) == FULL
    assert (PLAIN.num_calls, FULL.num_calls) == (1, 5)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"system": "{{ weather }}"}, "system", "Nothing fills these in: weather."),
        ({"system": "{{#if question}}x"}, "system", "“{{#if question}}x” is not understood"),
        ({"system": ""}, "system", "empty"),
        ({"user": "{{ passages }}"}, "user", "Without {{ question }}"),
        ({"user": "{{ question }}"}, "user", "Without {{ passages }}"),
        ({"values": {"company": "Acme"}}, "values", "Nothing uses {{ company }}"),
        ({"values": {"Company": "Acme"}}, "values", "“Company” is no name"),
        ({"values": {"question": "x"}}, "values", "filled in by Plumbline"),
        ({"steps": (Step("terms", "{{ later }}"),)}, "steps", "in the step “terms”: later"),
        ({"steps": (Step("terms", ""),)}, "steps", "has no text"),
        ({"examples": (Example("Why?", ""),)}, "examples", "Example 1 needs"),
        ({"output": "xml"}, "output", "one of text, markdown, json"),
        ({"schema": {"type": "object"}}, "schema", "needs the output json"),
        ({"output": "json", "schema": {"type": 3}}, "schema", "no JSON Schema"),
        ({"output": "json", "schema": {"$ref": "http://x/y"}}, "schema", "only point into"),
        ({"system": "x" * 20_001}, "system", "may have 20,000 characters"),
        ({"system": "a\x00b"}, "system", "null character"),
    ],
)
def test_each_fault_is_found_in_its_field(change: dict[str, Any], field: str, words: str) -> None:
    found = faults(replace(PLAIN, **change))
    assert any(where == field and words in message for where, message in found), found


def test_a_step_sees_only_what_came_before_it() -> None:
    first, second = Step("one", "{{ two }}"), Step("two", "{{ question }}")
    spec = replace(PLAIN, system="{{ one }} {{ two }}", steps=(first, second))
    assert faults(spec) == [("steps", "Nothing fills these in in the step “one”: two.")]
    turned = replace(spec, steps=(second, first))
    assert faults(turned) == []


def test_a_deep_schema_is_refused_without_recursion() -> None:
    schema: dict[str, Any] = {}
    for _ in range(900):
        schema = {"not": schema}
    assert faults(replace(PLAIN, output="json", schema=schema)) == [
        ("schema", "The schema is too large.")
    ]


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(PromptError, match=r"weather.*passages") as error:
        require_sound(PromptSpec(system="{{ weather }}", user="{{ question }}"))
    assert [fault.field for fault in error.value.faults] == ["system", "user"]


def test_texts_are_cleaned() -> None:
    spec = clean_spec(replace(PLAIN, system=" a\r\nb ", schema={"type": "object"}))
    assert (spec.system, spec.schema) == ("a\nb", None)


def test_messages_hold_every_part_in_its_place() -> None:
    variables = {"passages": "[1] {{ question }}", "question": "Why?", "terms": "leave"}
    messages = compose_messages(FULL, variables, history=[("Hm?", "Yes.")], notes="It is [1].")
    assert [m.role for m in messages] == [
        "system", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    system = messages[0].content
    assert system.startswith("You are the clerk of Acme.\n\nAnswer for Acme. Terms: leave\n\n")
    assert system.endswith('JSON Schema:\n{"type":"object","required":["answer"]}')
    assert messages[1].content == (
        "Passages:\n\n[1] Leave is 25 days.\n\nQuestion: How long is leave?"
    )
    assert messages[2].content == "25 days [1]."
    assert (messages[3].content, messages[4].content) == ("Hm?", "Yes.")
    # A value is never read as a template again.
    assert messages[5].content.startswith("[1] {{ question }}\n\nWhy?\n\nYour notes:\n\nIt is [1].")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"answer": "x"}', ""),
        ('```json\n{"answer": "x"}\n```', ""),
        ('{"reply": "x"}', "At $: 'answer' is a required property"),
        ("It is so.", "The answer is no JSON"),
    ],
)
def test_the_form_of_an_answer_is_checked(text: str, fault: str) -> None:
    found = validate_output(FULL, text)
    assert found.startswith(fault)
    assert bool(found) == bool(fault)


def test_a_text_has_no_form_to_check() -> None:
    assert validate_output(PLAIN, "It is so.") == ""


@pytest.mark.parametrize(
    ("critique", "expected"),
    [("OK", True), (" ok. ", True), ("**OK**", True), ("OK, but cite [2].", False), ("", False)],
)
def test_a_critique_without_faults_is_recognised(critique: str, expected: bool) -> None:
    assert is_faultless(critique) == expected
