"""The catalogue as people and programs use it: versions, labels, files."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from apps.assistants.services import create_assistant
from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.services import create_prompt
from apps.workspaces.models import AuditEvent
from apps.workspaces.services import Actor
from tests.assistants.helpers import recipe_form

pytestmark = pytest.mark.django_db
ACTOR = Actor()
FILE = """---
name: Formal
output: {format: markdown}
plumbline.persona: You are a clerk.
---
{{role "system"}}
Be formal.
{{role "user"}}
{{ passages }} {{ question }}
"""
FORM = {
    "system": "Answer for {{ company }}: {{ terms }}",
    "user": "{{ passages }} {{ question }}",
    "values": "company: Acme",
    "step_0_name": "terms",
    "step_0_text": "List the terms in {{ question }}",
    "example_0_question": "Why?",
    "example_0_answer": "Because [1].",
    "has_notes": "on",
    "output": "json",
    "schema": '{"type": "object"}',
    "note": "All of it",
}


@pytest.fixture
def prompt(workspace: Any) -> Prompt:
    return create_prompt(workspace, name="Formal", actor=ACTOR).prompt


def test_a_new_version_with_every_part(
    prompt: Prompt, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client, base = client_for(owner), f"/w/acme/prompts/{prompt.pk}/"
    assert client.get(f"{base}versions/1/edit/").status_code == 200
    saved = client.post(f"{base}versions/1/edit/", FORM, follow=True)
    assert "Formal v2 is saved." in saved.content.decode()
    version = PromptVersion.objects.get(prompt=prompt, number=2)
    assert (version.created_by, version.note) == (owner, "All of it")
    spec = version.spec
    assert (spec.values, spec.has_notes, spec.schema) == (
        {"company": "Acme"}, True, {"type": "object"},
    )  # fmt: skip
    assert [(step.name, step.text) for step in spec.steps] == [
        ("terms", "List the terms in {{ question }}")
    ]
    # The form of the next version holds it all again, and another empty row.
    page = client.get(f"{base}versions/2/edit/").content.decode()
    assert 'name="step_1_text"' in page
    assert 'name="example_1_question"' in page
    assert "company: Acme" in page
    shown = client.get(f"{base}versions/2/").content.decode()
    assert "up to 3 calls" in shown
    assert "Compared with version 1" in shown
    assert client.get(f"{base}versions/2/?against=9").status_code == 404
    assert client.get("/w/acme/prompts/").status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"system": "{{ weather }}"}, "Nothing fills these in: weather."),
        ({"user": "{{ question }}"}, "Without {{ passages }} the model sees no documents."),
        ({"values": "company Acme"}, "needs a colon"),
        ({"schema": "{"}, "This is no JSON"),
        ({"step_0_name": "Terms"}, "is no name"),
        ({"example_0_answer": ""}, "Example 1 needs"),
    ],
)
def test_a_prompt_that_is_not_sound_is_not_saved(
    prompt: Prompt, owner: Any, client_for: Callable[[Any], Client],
    change: dict[str, str], words: str,
) -> None:  # fmt: skip
    refused = client_for(owner).post(f"/w/acme/prompts/{prompt.pk}/versions/1/edit/", FORM | change)
    assert refused.status_code == 422
    assert words in refused.content.decode()
    assert prompt.versions.count() == 1


def test_a_label_is_on_one_version_and_moves_with_a_trail(
    prompt: Prompt, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client, base = client_for(owner), f"/w/acme/prompts/{prompt.pk}/"
    client.post(f"{base}versions/1/edit/", FORM)
    for number in (1, 2, 2):
        client.post(f"{base}versions/{number}/label/", {"label": "production"})
    label = PromptLabel.objects.get()
    assert (label.name, label.version.number, label.moved_by) == ("production", 2, owner)
    moves = AuditEvent.objects.filter(action="prompt.label_moved").order_by("created_at")
    assert [(e.detail["from"], e.detail["to"]) for e in moves] == [(None, 1), (1, 2)]
    assert client.get(f"{base}versions/production/").status_code == 200
    refused = client.post(f"{base}versions/1/label/", {"label": "No Spaces"})
    assert refused.status_code == 422
    client.post(f"{base}labels/production/delete/")
    assert not PromptLabel.objects.exists()
    assert client.get(f"{base}versions/production/").status_code == 404


def test_what_a_release_was_made_with_is_not_deleted(
    workspace: Any, prompt: Prompt, owner: Any, client_for: Callable[[Any], Client], api: Any
) -> None:
    assistant = create_assistant(workspace, name="Desk", collections=[], actor=ACTOR)
    assert assistant.current is not None
    used = assistant.current.prompt_version.prompt
    client = client_for(owner)
    kept = client.post(f"/w/acme/prompts/{used.pk}/delete/", follow=True)
    assert "so it stays" in kept.content.decode()
    assert api.delete(f"/api/v1/prompts/{used.pk}/").status_code == 409
    client.post(f"/w/acme/prompts/{prompt.pk}/delete/")
    assert [p.pk for p in Prompt.objects.all()] == [used.pk]


def test_a_catalogue_version_becomes_a_candidate(
    workspace: Any, prompt: Prompt, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    assistant = create_assistant(workspace, name="Desk", collections=[], actor=ACTOR)
    version = prompt.versions.get()
    client, path = client_for(owner), "/w/acme/assistants/desk/"
    shown = client.post(f"{path}prompt/", {"prompt_version": version.pk}, follow=True)
    assert "Only the prompt differs." in shown.content.decode()
    assistant.refresh_from_db()
    assert assistant.current is not None
    assert assistant.current.number == 1
    # The recipe takes a version as well, but not together with changed texts.
    form = recipe_form(assistant, prompt_version=version.pk)
    both = client.post(f"{path}recipe/", form | {"system": "Else."})
    assert both.status_code == 422
    assert "not both" in both.content.decode()
    client.post(f"{path}recipe/", form)
    assistant.refresh_from_db()
    assert assistant.current.prompt_version == version


def test_names_are_taken_once(
    prompt: Prompt, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    refused = client.post("/w/acme/prompts/new/", {"name": "Formal"})
    assert (refused.status_code, Prompt.objects.count()) == (422, 1)
    client.post("/w/acme/prompts/new/", {"name": "Casual"})
    casual = Prompt.objects.get(name="Casual")
    again = client.post(f"/w/acme/prompts/{casual.pk}/rename/", {"name": "Formal"}, follow=True)
    assert "has this name already" in again.content.decode()
    client.post(f"/w/acme/prompts/{casual.pk}/rename/", {"name": "Friendly"})
    casual.refresh_from_db()
    assert casual.name == "Friendly"


def test_viewers_see_no_prompts(
    prompt: Prompt, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(viewer)
    assert client.get("/w/acme/prompts/").status_code == 403
    assert client.post("/w/acme/prompts/new/", {"name": "X"}).status_code == 403


# Files


def test_a_file_goes_in_and_out_by_page(
    prompt: Prompt, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)

    def send(data: bytes) -> Any:
        file = SimpleUploadedFile("formal.prompt", data)
        return client.post("/w/acme/prompts/import/", {"file": file}, follow=True)

    assert "Formal v2 is imported." in send(FILE.encode()).content.decode()
    assert "just the same" in send(FILE.encode()).content.decode()
    refused = send(FILE.replace("Be formal.", "{{ weather }}").encode())
    assert refused.status_code == 422
    assert "Nothing fills these in: weather." in refused.content.decode()
    assert send(b"\xff\xfe\x00").status_code == 422
    out = client.get(f"/w/acme/prompts/{prompt.pk}/versions/2/file/")
    assert out["Content-Disposition"] == 'attachment; filename="formal.prompt"'
    assert "plumbline.persona: You are a clerk." in out.content.decode()
    assert prompt.versions.count() == 2


def test_a_folder_goes_in_and_out_by_command(
    workspace: Any, prompt: Prompt, tmp_path: Path
) -> None:
    out, folder = StringIO(), tmp_path / "prompts"
    folder.mkdir()
    (folder / "formal.prompt").write_text(FILE)
    args = [str(folder), "--workspace", "acme"]
    call_command("prompts", "import", *args, "--label", "staging", stdout=out)
    assert out.getvalue() == "Formal v2: new\n"
    assert PromptLabel.objects.get().version.number == 2
    exported = tmp_path / "out"
    call_command("prompts", "export", str(exported), "--workspace", "acme", stdout=StringIO())
    first = (exported / "formal.prompt").read_text()
    call_command("prompts", "import", str(exported), "--workspace", "acme", stdout=out)
    assert out.getvalue().endswith("Formal v2: unchanged\n")
    assert "Be formal." in first
    (folder / "bad.prompt").write_text("nothing")
    with pytest.raises(CommandError, match="1 of 2 files"):
        call_command("prompts", "import", *args, stdout=StringIO(), stderr=StringIO())
    with pytest.raises(CommandError, match="no workspace"):
        call_command("prompts", "export", str(exported), "--workspace", "nowhere")


# REST


def test_rest_has_it_all(api: Any) -> None:
    made = api.post_json("/api/v1/prompts/", {
        "name": "Terse", "system": "Be brief: {{ terms }}", "user": "{{ passages }} {{ question }}",
        "steps": [{"name": "terms", "text": "{{ question }}"}], "note": "First",
    })  # fmt: skip
    assert made.status_code == 201, made.content
    path = f"/api/v1/prompts/{made.json()['prompt_id']}/"
    taken = {"name": "Terse", "system": "s", "user": "{{ passages }} {{ question }}"}
    assert api.post_json("/api/v1/prompts/", taken).status_code == 409
    bad = api.post_json(f"{path}versions/", {"system": "{{ x }}", "user": "{{ question }}"})
    assert bad.status_code == 400
    assert set(bad.json()["errors"]) == {"system", "user"}
    good = {"system": "Be brief.", "user": "{{ passages }} {{ question }}", "has_critique": True}
    assert api.post_json(f"{path}versions/", good).json()["number"] == 2
    moved = api.put(f"{path}labels/production/", {"version": 2}, content_type="application/json")
    assert moved.json()["labels"] == ["production"]
    assert api.get(f"{path}versions/production/").json()["parts"] == {"has_critique": True}
    assert api.get(path).json()["labels"] == {"production": 2}
    text = api.get(f"{path}versions/1/file/").content.decode()
    imported = api.post_json("/api/v1/prompts/import/", {"text": text}).json()
    assert (imported["is_new"], imported["version"]["number"]) == (True, 3)
    assert api.post_json("/api/v1/prompts/import/", {"text": text}).json()["is_new"] is False
    refused = api.post_json("/api/v1/prompts/import/", {"text": "nothing"})
    assert "text" in refused.json()["errors"]
    assert [v["number"] for v in api.get(f"{path}versions/").json()["results"]] == [3, 2, 1]
    assert api.delete(f"{path}labels/production/").status_code == 204
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
