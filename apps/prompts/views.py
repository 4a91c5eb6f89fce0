"""The catalogue of prompts: versions, labels, comparisons, files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.prompts.access import get_label, get_prompt, get_version
from apps.prompts.diffing import diff_specs, list_parts
from apps.prompts.dotprompt import (
    MAX_CHARS,
    SUFFIX,
    DotpromptError,
    PromptFile,
    dump_dotprompt,
    parse_dotprompt,
)
from apps.prompts.forms import ImportForm, LabelForm, NewPromptForm, PromptForm, RenameForm
from apps.prompts.models import Prompt, PromptVersion
from apps.prompts.selectors import list_prompts, list_uses, list_versions
from apps.prompts.services import (
    USUAL_LABELS,
    PromptInUseError,
    add_version,
    create_prompt,
    delete_prompt,
    import_prompt,
    remove_label,
    rename_prompt,
    set_label,
)
from apps.prompts.spec import PromptError
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

NAME_TAKEN = "Another prompt has this name already."


@require_GET
@workspace_view(role=Role.EDITOR)
def listing(request: WorkspaceRequest) -> HttpResponse:
    return _show_list(request, NewPromptForm(), ImportForm(), status=200)


def _show_list(
    request: WorkspaceRequest, form: NewPromptForm, upload: ImportForm, *, status: int
) -> HttpResponse:
    used: dict[UUID, list[str]] = {}
    for use in list_uses(request.workspace.pk):
        if use.is_current:
            used.setdefault(use.prompt_id, []).append(use.assistant_name)
    rows = [
        {"prompt": prompt, "used_by": used.get(prompt.pk, [])}
        for prompt in list_prompts(request.workspace.pk)
    ]
    context = {"nav": "assistants", "rows": rows, "form": form, "upload": upload}
    return render(request, "prompts/list.html", context, status=status)


@require_POST
@workspace_view(role=Role.EDITOR)
def create(request: WorkspaceRequest) -> HttpResponse:
    """A new prompt, beginning with the default text."""
    form = NewPromptForm(request.POST)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            with transaction.atomic():
                version = create_prompt(request.workspace, name=name, actor=request.actor)
            return _to_prompt(request, version.prompt)
        except IntegrityError:
            form.add_error("name", NAME_TAKEN)
    return _show_list(request, form, ImportForm(), status=422)


@require_POST
@workspace_view(role=Role.EDITOR)
def upload(request: WorkspaceRequest) -> HttpResponse:
    """Import a file as a new prompt, or as the next version of the prompt with its name."""
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            file = _read_file(form)
            imported = import_prompt(request.workspace, file=file, actor=request.actor)
        except (DotpromptError, PromptError) as error:
            form.add_error("file", str(error))
        else:
            what = "is imported" if imported.is_new else "was there already, just the same"
            messages.success(request, f"{imported.version} {what}.")
            return _to_prompt(request, imported.version.prompt)
    return _show_list(request, NewPromptForm(), form, status=422)


def _read_file(form: ImportForm) -> PromptFile:
    upload = form.cleaned_data["file"]
    data = upload.read(4 * MAX_CHARS + 1)
    try:
        file = parse_dotprompt(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DotpromptError("The file is not text in UTF-8.") from error
    name = file.name or str(upload.name).removesuffix(SUFFIX)[:120]
    return PromptFile(name, file.note, file.spec)


def _to_prompt(request: WorkspaceRequest, prompt: Prompt) -> HttpResponse:
    return redirect("prompts:prompt", request.workspace.slug, prompt.pk)


@require_GET
@workspace_view(role=Role.EDITOR)
def prompt(request: WorkspaceRequest, prompt_id: UUID) -> HttpResponse:
    """Its versions, its labels, and who uses it."""
    row = get_prompt(request.workspace.pk, prompt_id)
    uses = list_uses(request.workspace.pk, row)
    rows = [
        {"version": v, "used_by": [u for u in uses if u.version_number == v.number]}
        for v in list_versions(row)
    ]
    context = {
        "nav": "assistants",
        "prompt": row,
        "rows": rows,
        "is_used": bool(uses),
        "rename_form": RenameForm(initial={"name": row.name}),
    }
    return render(request, "prompts/prompt.html", context)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def edit(request: WorkspaceRequest, prompt_id: UUID, version_name: str) -> HttpResponse:
    """Write the next version, beginning with the text of this one."""
    version = _find(request, prompt_id, version_name)
    form = PromptForm(spec=version.spec)
    if request.method == "POST":
        form = PromptForm(request.POST)
        if form.is_valid() and form.spec is not None:
            note = form.cleaned_data["note"]
            successor = add_version(version.prompt, spec=form.spec, note=note, actor=request.actor)
            messages.success(request, f"{successor} is saved. Nothing answers with it yet.")
            return redirect(
                "prompts:version", request.workspace.slug, version.prompt_id, successor.number
            )
    context = {
        "nav": "assistants",
        "prompt": version.prompt,
        "version": version,
        "form": form,
        "groups": form.groups(),
    }
    return render(request, "prompts/edit.html", context, status=422 if form.errors else 200)


def _find(request: WorkspaceRequest, prompt_id: UUID, name: str) -> PromptVersion:
    return get_version(get_prompt(request.workspace.pk, prompt_id), name)


@require_GET
@workspace_view(role=Role.EDITOR)
def version(request: WorkspaceRequest, prompt_id: UUID, version_name: str) -> HttpResponse:
    """One version: what it says, how it differs from another (?against=), its labels."""
    row = _find(request, prompt_id, version_name)
    return _show_version(request, row, LabelForm(), status=200)


def _show_version(
    request: WorkspaceRequest, version: PromptVersion, form: LabelForm, *, status: int
) -> HttpResponse:
    against = None
    if name := request.GET.get("against", ""):
        against = get_version(version.prompt, name)
    others = [v for v in list_versions(version.prompt) if v.pk != version.pk]
    if against is None:
        against = next((v for v in others if v.number < version.number), None)
    uses = list_uses(request.workspace.pk, version.prompt)
    context: dict[str, Any] = {
        "nav": "assistants",
        "prompt": version.prompt,
        "version": version,
        "labels": version.labels.all(),
        "usual_labels": USUAL_LABELS,
        "parts": [(label, text) for label, text in list_parts(version.spec) if text],
        "against": against,
        "diffs": diff_specs(against.spec, version.spec) if against else [],
        "others": others,
        "num_calls": version.spec.num_calls,
        "assistants": list({u.assistant_slug: u for u in uses}.values()),
        "used_by": [u for u in uses if u.version_number == version.number],
        "form": form,
    }
    return render(request, "prompts/version.html", context, status=status)


@require_GET
@workspace_view(role=Role.EDITOR)
def download(request: WorkspaceRequest, prompt_id: UUID, version_name: str) -> HttpResponse:
    """The version as a file."""
    version = _find(request, prompt_id, version_name)
    file = PromptFile(version.prompt.name, version.note, version.spec)
    response = HttpResponse(dump_dotprompt(file), content_type="text/plain; charset=utf-8")
    name = slugify(version.prompt.name) or "prompt"
    response["Content-Disposition"] = f'attachment; filename="{name}{SUFFIX}"'
    return response


@require_POST
@workspace_view(role=Role.EDITOR)
def move_label(request: WorkspaceRequest, prompt_id: UUID, version_name: str) -> HttpResponse:
    """Point a label at this version."""
    version = _find(request, prompt_id, version_name)
    form = LabelForm(request.POST)
    if not form.is_valid():
        return _show_version(request, version, form, status=422)
    label = set_label(version, name=form.cleaned_data["label"], actor=request.actor)
    messages.success(request, f"{label.name} is on version {version.number} now.")
    return redirect("prompts:version", request.workspace.slug, prompt_id, version.number)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete_label(request: WorkspaceRequest, prompt_id: UUID, label: str) -> HttpResponse:
    row = get_label(get_prompt(request.workspace.pk, prompt_id), label)
    remove_label(row, actor=request.actor)
    messages.success(request, f"The label {label} is gone; the version stays.")
    return redirect("prompts:prompt", request.workspace.slug, prompt_id)


@require_POST
@workspace_view(role=Role.EDITOR)
def rename(request: WorkspaceRequest, prompt_id: UUID) -> HttpResponse:
    prompt = get_prompt(request.workspace.pk, prompt_id)
    form = RenameForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "A prompt needs a name of at most 120 characters.")
        return _to_prompt(request, prompt)
    try:
        with transaction.atomic():
            rename_prompt(prompt, name=form.cleaned_data["name"], actor=request.actor)
    except IntegrityError:
        messages.warning(request, NAME_TAKEN)
    return _to_prompt(request, prompt)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, prompt_id: UUID) -> HttpResponse:
    prompt = get_prompt(request.workspace.pk, prompt_id)
    is_used = bool(list_uses(request.workspace.pk, prompt))
    try:
        delete_prompt(prompt, actor=request.actor, is_used=is_used)
    except PromptInUseError:
        messages.warning(request, "Releases were made with this prompt, so it stays.")
        return _to_prompt(request, prompt)
    messages.success(request, f"{prompt.name} is deleted.")
    return redirect("prompts:list", request.workspace.slug)
