"""Pages of annotation: tasks of a dataset, labelling, agreement."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.datasets.access import get_dataset, get_example, get_version
from apps.datasets.annotation import services
from apps.datasets.models import MAX_NAME, AnnotationTask, DatasetVersion
from apps.datasets.selectors import list_versions
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

BASE = {"nav": "evaluate", "section": "datasets"}


class TaskForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME,
        widget=forms.TextInput(
            attrs={"placeholder": "Are the answers right?", "autocomplete": "off"}
        ),
    )
    version = forms.ChoiceField(label="Examples of")
    labels = forms.CharField(
        label="Labels",
        max_length=400,
        initial="right, partly right, wrong",
        help_text="With commas between, at most nine. The number keys choose them.",
    )
    guidelines = forms.CharField(
        label="Guidelines",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="When does which label apply? Give an example of each, and of what is hard.",
    )

    def __init__(self, data: object, *, versions: list[tuple[str, str]]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        field = self.fields["version"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = versions


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def tasks(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """The dataset's tasks, and the form for a new one."""
    dataset = get_dataset(request.workspace.pk, dataset_id)
    versions = [(str(item.number), f"Version {item.number}") for item in list_versions(dataset)]
    choices = [*versions, (str(DatasetVersion.DRAFT), "The draft")]
    form = TaskForm(request.POST or None, versions=choices)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            task = services.create_task(
                get_version(request.workspace.pk, dataset_id, int(values["version"])),
                name=values["name"],
                guidelines=values["guidelines"],
                labels=values["labels"].split(","),
                actor=request.actor,
            )
        except services.LabelError as error:
            form.add_error("labels", str(error))
        else:
            return redirect(_address(request, "annotate", task))
    rows = services.list_tasks(request.workspace.pk, dataset_id, user=request.user)
    context = BASE | {"dataset": dataset, "form": form, "tasks": rows}
    status = 422 if form.errors else 200
    return render(request, "evaluation/annotation/tasks.html", context, status=status)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def annotate(request: WorkspaceRequest, *, annotation_task_id: UUID) -> HttpResponse:
    """Label one example after another by the guidelines, without seeing other people's labels."""
    task = services.get_task(request.workspace.pk, annotation_task_id)
    if request.method == "POST":
        return _label(request, task)
    after = request.GET.get("after", "")
    position = int(after) if after.isdecimal() and len(after) < 9 else 0
    example = services.next_subject(task, user=request.user, after=position)
    if example is None:
        return redirect(_address(request, "agreement", task))
    context = BASE | {
        "task": task,
        "dataset": task.version.dataset,
        "example": example,
        "labels": list(enumerate(task.labels, start=1)),
        "num_done": services.count_mine(task, user=request.user),
        "num_all": services.list_subjects(task).count(),
    }
    return render(request, "evaluation/annotation/annotate.html", context)


def _label(request: WorkspaceRequest, task: AnnotationTask) -> HttpResponse:
    try:
        example = get_example(request.workspace.pk, UUID(request.POST.get("example", "")))
        if "label" in request.POST:
            services.label_example(
                task,
                example=example,
                label=request.POST["label"],
                note=request.POST.get("note", ""),
                user=request.user,
            )
    except ValueError:
        return HttpResponseBadRequest("This is not one of the labels on the page.")
    return redirect(f"{_address(request, 'annotate', task)}?after={example.position}")


@require_GET
@workspace_view(role=Role.EDITOR)
def agreement(request: WorkspaceRequest, *, annotation_task_id: UUID) -> HttpResponse:
    """How well people agree. People who are still labelling do not see it."""
    task = services.get_task(request.workspace.pk, annotation_task_id)
    num_all = services.list_subjects(task).count()
    num_done = services.count_mine(task, user=request.user)
    pairs, differing = services.compare_annotators(task)
    context = BASE | {
        "task": task,
        "dataset": task.version.dataset,
        "pairs": pairs,
        "differing": differing,
        "is_blind": 0 < num_done < num_all,
        "num_done": num_done,
        "num_all": num_all,
    }
    return render(request, "evaluation/annotation/agreement.html", context)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, *, annotation_task_id: UUID) -> HttpResponse:
    task = services.get_task(request.workspace.pk, annotation_task_id)
    dataset_id = task.version.dataset_id
    services.delete_task(task)
    messages.success(request, f"“{task.name}” and its labels were deleted.")
    return redirect(reverse("datasets:annotation", args=[request.workspace.slug, dataset_id]))


def _address(request: WorkspaceRequest, name: str, task: AnnotationTask) -> str:
    return reverse(f"datasets:{name}", args=[request.workspace.slug, task.pk])
