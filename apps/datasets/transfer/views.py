"""The page that imports a file into a draft."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.datasets.access import get_dataset
from apps.datasets.models import ReviewState
from apps.datasets.services import MAX_EXAMPLES, TooManyError
from apps.datasets.transfer.importing import ALIASES, ImportOutcome, import_file
from apps.datasets.transfer.tables import MAX_BYTES, MAX_ROWS, TableError
from apps.datasets.views import dataset_of, to_dataset
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

STATES = [
    (ReviewState.ACCEPTED.value, "They are accepted at once"),
    (ReviewState.PROPOSED.value, "Somebody reviews each first"),
]

COLUMNS = {
    "question": "What somebody asks.",
    "expected_answer": "What a good answer says.",
    "other_answers": "Other answers that are just as right, one a line.",
    "expected_passages": "The words that hold the answer; a blank line between two passages.",
    "document": "The name of the file that they stand in.",
    "is_answerable": "No where the right answer is that the documents do not tell.",
    "context": "What the model is given with the question.",
    "history": "Earlier questions and answers of the conversation, as JSON.",
    "tags": "Words to tell results apart by, with commas between.",
    "language": "Such as en or de; left empty, it is recognised.",
    "checks": "What single evaluators need, as JSON.",
    "answered_by": "The release or model that wrote the expected answer, as JSON.",
    "review_state": "accepted, proposed or rejected; what was not accepted is not accepted here.",
}
"""What each column of a file holds, for the page."""


class ImportForm(forms.Form):
    file = forms.FileField(
        label="File",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.jsonl,.ndjson,.json,.xlsx"}),
    )
    state = forms.ChoiceField(
        label="After the import", choices=STATES, initial=ReviewState.ACCEPTED.value
    )


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def import_page(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """Import a file; if anything in it is wrong, show what and where, and import nothing."""
    dataset = get_dataset(request.workspace.pk, dataset_id)
    is_post = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if is_post else ImportForm()
    outcome: ImportOutcome | None = None
    if is_post and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            outcome = import_file(
                dataset,
                data=file.read(MAX_BYTES + 1),
                filename=file.name,
                actor=request.actor,
                state=ReviewState(form.cleaned_data["state"]),
            )
        except TableError as error:
            form.add_error("file", str(error))
        except TooManyError:
            form.add_error("file", f"A dataset holds at most {MAX_EXAMPLES:,} examples.")
        else:
            if not outcome.num_errors:
                messages.success(request, describe_import(outcome))
                return to_dataset(request, dataset_id)
    context = dataset_of(dataset) | {
        "form": form,
        "outcome": outcome,
        "columns": [
            (name, COLUMNS[name], ", ".join(names[1:5])) for name, names in ALIASES.items()
        ],
        "max_mb": MAX_BYTES // 1_048_576,
        "max_rows": MAX_ROWS,
    }
    status = 422 if form.errors or outcome else 200
    return render(request, "datasets/import.html", context, status=status)


def describe_import(outcome: ImportOutcome) -> str:
    """The outcome in a sentence."""
    said = f"{outcome.num_imported:,} example{'s' if outcome.num_imported != 1 else ''} imported."
    if outcome.num_known:
        said += f" {outcome.num_known:,} with a question that is here already were left out."
    return said
