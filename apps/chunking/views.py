"""A collection's chunking page: try settings on its documents and keep one as a profile."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.chunking.cutting import open_source
from apps.chunking.forms import ParametersForm, ProfileForm, strategy_choices
from apps.chunking.planning import read_pages
from apps.chunking.preview import TINY, Preview, make_preview
from apps.chunking.profiles import ProfileNameTakenError, create_profile, read_values
from apps.chunking.selectors import find_profile, list_profiles, list_readable
from apps.chunking.strategies import DEFAULT_STRATEGY, STRATEGIES, ChunkingSource, get_strategy
from apps.documents.access import get_collection
from apps.documents.models import Collection, Document
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role
from inference.errors import ModelFilesError

SIDES = ("a", "b")
NO_MODEL = (
    "The embedding model is not ready, so nothing can be measured. The status page says more."
)


@dataclass(frozen=True, slots=True)
class PreviewSide:
    """One of the two settings: its form, and what it makes of the document."""

    letter: str
    form: ParametersForm
    preview: Preview | None


@require_GET
@workspace_view()
def chunking(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """How a document would be cut by one setting, or by two side by side."""
    collection = get_collection(request.workspace, collection_id)
    documents = list_readable(collection.pk)
    document = _choose(documents, request.GET.get("document", ""))
    source, notice = _open(document)
    sides = [_read_side(request, letter, source) for letter in _shown(request.GET)]
    single = request.GET.copy()
    for name in [name for name in single if name.startswith("b-")]:
        del single[name]
    return render(
        request,
        "chunking/preview.html",
        {
            "nav": "documents",
            "tab": "chunking",
            "collection": collection,
            "documents": documents,
            "document": document,
            "sides": sides,
            "strategies": strategy_choices(),
            "profiles": list_profiles(request.workspace.pk),
            "tiny": TINY,
            "notice": notice,
            "single_url": f"?{single.urlencode()}",
            "back": request.GET.urlencode(),
        },
    )


def _shown(query: QueryDict) -> tuple[str, ...]:
    return SIDES if query.get("b-strategy") else SIDES[:1]


def _choose(documents: list[Document], document_id: str) -> Document | None:
    return next((d for d in documents if str(d.pk) == document_id), next(iter(documents), None))


def _open(document: Document | None) -> tuple[ChunkingSource | None, str]:
    if document is None or document.current is None:
        return None, ""
    try:
        return open_source(read_pages(document.current)), ""
    except ModelFilesError:
        return None, NO_MODEL


def _read_side(
    request: WorkspaceRequest, letter: str, source: ChunkingSource | None
) -> PreviewSide:
    """A side as the address describes it; a newly chosen strategy starts from its defaults."""
    key = request.GET.get(f"{letter}-strategy", "")
    profile = find_profile(request.workspace.pk, request.GET.get(f"{letter}-profile", ""))
    strategy = STRATEGIES.get(profile.splitter if profile else key, STRATEGIES[DEFAULT_STRATEGY])
    is_same = request.GET.get(f"{letter}-shown") == strategy.key and profile is None
    if is_same:
        form = ParametersForm(request.GET, strategy=strategy, prefix=letter)
    else:
        values = read_values(profile) if profile else None
        form = ParametersForm(strategy=strategy, prefix=letter, values=values)
    preview = None
    if form.is_valid() and source is not None:
        preview = make_preview(source, strategy=strategy, values=form.values)
    return PreviewSide(letter, form, preview)


@require_POST
@workspace_view(role=Role.EDITOR)
def keep_profile(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """Keep a setting as a profile, then offer to build an index with it."""
    collection = get_collection(request.workspace, collection_id)
    form = ProfileForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a strategy first.")
        return _back(request, collection)
    strategy = get_strategy(form.cleaned_data["splitter"])
    side = request.POST.get("side", "")
    prefix = side if side in SIDES else SIDES[0]
    parameters = ParametersForm(request.POST, strategy=strategy, prefix=prefix)
    if not parameters.is_valid():
        messages.error(request, " ".join(parameters.errors.values()))
        return _back(request, collection)
    try:
        profile = create_profile(
            request.workspace,
            name=form.cleaned_data["name"],
            splitter=strategy.key,
            params=parameters.values,
        )
    except ProfileNameTakenError:
        messages.error(request, "Another setting has this name already. Choose another name.")
        return _back(request, collection)
    messages.success(request, f"“{profile.name}” was kept. Build an index with it below.")
    path = reverse("retrieval:indexes", args=[request.workspace.slug, collection.pk])
    return redirect(f"{path}?{urlencode({'profile': profile.pk})}#build")


def _back(request: WorkspaceRequest, collection: Collection) -> HttpResponse:
    path = reverse("chunking:preview", args=[request.workspace.slug, collection.pk])
    query = request.POST.get("back", "")
    return redirect(f"{path}?{query}" if query.isprintable() and query else path)
