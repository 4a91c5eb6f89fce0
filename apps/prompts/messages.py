"""From a prompt and its variables to the messages that a model gets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry

from apps.prompts.rendering import render
from apps.prompts.spec import PromptSpec, Step
from inference.types import ChatMessage

NOTES = """\
Before you answer, think it through in writing: which passages speak to the question, what follows \
from them, and what is missing. Write short notes, not the answer."""
USE_NOTES = """\
Your notes:

{notes}

Now write the answer. The reader does not see your notes."""
CALLER = """\
The program that asks adds these instructions. Follow them where they do not contradict those \
above:

{instructions}"""
CRITIQUE = """\
This is a draft of the answer:

{draft}

Check it against the passages: statements that they do not support, wrong or missing citations, \
parts of the question that were left out, the required form. List the faults, one a line. If there \
are none, reply exactly: OK"""
REVISE = """\
This was your draft:

{draft}

These faults were found in it:

{critique}

Write the answer again without them. Reply with the answer alone."""
MARKDOWN = "Write the answer in Markdown."
JSON = "Reply with one JSON value and nothing else: no explanation, no code fence."
JSON_SCHEMA = f"{JSON} It must be valid against this JSON Schema:\n"


def compose_messages(
    spec: PromptSpec,
    variables: Mapping[str, str],
    *,
    history: Sequence[tuple[str, str]] = (),
    notes: str = "",
    instructions: str = "",
) -> list[ChatMessage]:
    """What the answer is asked with: instructions, examples, earlier turns, the question.

    `variables` hold passages, question and the outputs of the steps; `history` is (question,
    answer), oldest first. `notes` are what the model wrote for itself, `instructions` what a
    calling program adds to the assistant's own.
    """
    filled = {**spec.values, **variables}
    system = _system(spec, filled)
    if instructions:
        system = f"{system}\n\n{CALLER.format(instructions=instructions)}"
    messages = [ChatMessage("system", system)]
    for example in spec.examples:
        messages.append(ChatMessage("user", _example(example.question, example.passages)))
        messages.append(ChatMessage("assistant", example.answer))
    for question, answer in history:
        messages.append(ChatMessage("user", question))
        messages.append(ChatMessage("assistant", answer))
    request = render(spec.user, filled)
    if notes:
        request = f"{request}\n\n{USE_NOTES.format(notes=notes)}"
    return [*messages, ChatMessage("user", request)]


def compose_step(spec: PromptSpec, step: Step, variables: Mapping[str, str]) -> list[ChatMessage]:
    """What one step of the chain is asked with. The form of the answer does not concern it."""
    return [ChatMessage("user", render(step.text, {**spec.values, **variables}))]


def ask_for_notes(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The conversation with a last message that asks the model to think before it answers."""
    return _append(messages, NOTES)


def ask_for_critique(messages: Sequence[ChatMessage], draft: str) -> list[ChatMessage]:
    """The conversation with a last message that asks for the faults of a draft."""
    return _append(messages, CRITIQUE.format(draft=draft))


def ask_for_revision(
    messages: Sequence[ChatMessage], draft: str, critique: str
) -> list[ChatMessage]:
    """The conversation with a draft, its critique, and a request for a better answer."""
    return _append(messages, REVISE.format(draft=draft, critique=critique))


def is_faultless(critique: str) -> bool:
    """Whether a critique found nothing."""
    return critique.strip().strip(".!*`\"'").upper() == "OK"


def validate_output(spec: PromptSpec, text: str) -> str:
    """What is wrong with the form of an answer, in a sentence; empty if it is as asked."""
    if spec.output != "json":
        return ""
    try:
        value = orjson.loads(_unfence(text))
    except orjson.JSONDecodeError as error:
        return f"The answer is no JSON: {error.msg}."
    if spec.schema is None:
        return ""
    # An empty registry: nothing outside of the schema is ever fetched.
    validator = Draft202012Validator(dict(spec.schema), registry=Registry())
    fault = best_match(validator.iter_errors(value))
    return f"At {fault.json_path}: {fault.message[:200]}" if fault else ""


def _append(messages: Sequence[ChatMessage], text: str) -> list[ChatMessage]:
    *before, last = messages
    return [*before, ChatMessage(last.role, f"{last.content}\n\n{text}")]


def _system(spec: PromptSpec, filled: Mapping[str, str]) -> str:
    parts = [spec.persona and render(spec.persona, filled), render(spec.system, filled)]
    if spec.output == "markdown":
        parts.append(MARKDOWN)
    elif spec.output == "json":
        schema = orjson.dumps(dict(spec.schema)).decode() if spec.schema else ""
        parts.append(JSON_SCHEMA + schema if schema else JSON)
    return "\n\n".join(part for part in parts if part)


def _example(question: str, passages: str) -> str:
    return f"Passages:\n\n{passages}\n\nQuestion: {question}" if passages else question


def _unfence(text: str) -> str:
    """Models like to wrap JSON in a code fence although they are asked not to."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return text
