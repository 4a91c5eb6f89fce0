"""Every field of what a release freezes can be set, is shown in a diff, or says why it is not."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from apps.assistants.api import AssistantChangeSerializer
from apps.assistants.models import Release
from apps.assistants.playground.forms import PlaygroundForm
from apps.assistants.recipes.fields import SETTINGS
from apps.assistants.recipes.forms import GROUPS, RecipeForm
from apps.assistants.recipes.serializers import RetrievalSerializer, SamplingSerializer
from apps.assistants.services import create_assistant
from apps.prompts.api import PromptSpecSerializer
from apps.prompts.diffing import diff_specs
from apps.prompts.forms import PromptForm
from apps.prompts.spec import Example, PromptSpec, Step
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.services import Actor
from inference.types import Sampling

pytestmark = pytest.mark.django_db

RELEASE_PARTS = {
    "prompt_version": "prompt_version", "collections": "collections", "endpoint": "endpoint",
    "retrieval": "mode", "sampling": "temperature", "note": "note",
}  # fmt: skip
"""Columns of a release, and a field of the form that sets each."""
RELEASE_ITSELF = {
    "id": "its own", "workspace": "the assistant's", "assistant": "whose release it is",
    "number": "counted", "created_by": "who made it", "key_name": "whose key made it",
    "created_at": "when it was made",
    "endpoint_snapshot": "taken from the endpoint", "step_snapshots": "taken from the endpoints",
    "promotions": "what became of it", "current": "what became of it",
}  # fmt: skip
SAMPLING_ITSELF = {"response_schema": "the prompt's schema is sent, which its version holds"}


@pytest.fixture
def release(workspace: Any) -> Release:
    assistant = create_assistant(workspace, name="Desk", collections=[], actor=Actor())
    assert assistant.current is not None
    return assistant.current


def test_each_column_of_a_release_is_set_or_says_why_not(workspace: Any, release: Release) -> None:
    columns = {
        field.name
        for field in Release._meta.get_fields()
        if not field.auto_created or field.concrete
    }
    assert columns == set(RELEASE_PARTS) | (set(RELEASE_ITSELF) & columns)
    form = RecipeForm(workspace, release=release)
    assert set(RELEASE_PARTS.values()) <= set(form.fields)
    assert set(RELEASE_PARTS) <= set(AssistantChangeSerializer().fields)


@pytest.mark.parametrize(
    ("frozen", "part", "serializer", "without"),
    [
        (RetrievalProfile, "retrieval", RetrievalSerializer, {}),
        (Sampling, "sampling", SamplingSerializer, SAMPLING_ITSELF),
    ],
)
def test_each_setting_has_a_label_a_form_field_and_a_serializer_field(
    workspace: Any, release: Release, frozen: Any, part: str, serializer: Any, without: Any
) -> None:
    names = {field.name for field in fields(frozen)} - set(without)
    assert {name for name, setting in SETTINGS.items() if setting.part == part} == names
    assert set(serializer().fields) == names
    form = RecipeForm(workspace, release=release)
    shown = {name for group in GROUPS for name in (*group.fields, *group.more)}
    playground = PlaygroundForm(workspace, count=1)
    for name in names:
        assert SETTINGS[name].label
        assert name in form.fields
        assert name in shown
        assert f"v0_{name}" in playground.fields


def test_every_field_of_the_form_is_on_a_card(workspace: Any, release: Release) -> None:
    shown = [name for group in GROUPS for name in (*group.fields, *group.more)]
    assert len(shown) == len(set(shown))
    assert set(RecipeForm(workspace, release=release).fields) == {*shown, "note"}


PROMPT_PARTS: dict[str, Any] = {
    "system": "Else.", "user": "{{ question }}?", "persona": "A sailor.",
    "examples": (Example("Who?", "You."),), "values": {"company": "Acme"},
    "steps": (Step("terms", "{{ question }}"),), "has_notes": True, "has_critique": True,
    "output": "json", "schema": {"type": "object"},
}  # fmt: skip
ROWS = {"examples": "example_0_question", "steps": "step_0_text"}


@pytest.mark.parametrize("name", [field.name for field in fields(PromptSpec)])
def test_each_part_of_a_prompt_is_in_its_form_its_serializer_and_a_diff(name: str) -> None:
    assert ROWS.get(name, name) in PromptForm().fields
    assert name in PromptSpecSerializer().fields
    spec = PromptSpec(system="s", user="u")
    assert diff_specs(spec, replace(spec, **{name: PROMPT_PARTS[name]}))
