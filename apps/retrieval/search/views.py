"""The search page: what a question finds, and why."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.documents.models import Collection
from apps.documents.selectors import list_collections
from apps.documents.units import name_places
from apps.retrieval.search.highlights import mark_terms
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.pipeline import RetrievalRequest, Retrieved, retrieve
from apps.retrieval.search.profiles import DEFAULT_PROFILE, MODES
from apps.retrieval.search.query import Mode
from apps.retrieval.search.selectors import count_chunks
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Workspace
from inference.errors import ModelFilesError

LIMIT = 20
STAGES = {"embed": "embedding the question", "terms": "its words", "database": "database"}
SHOWN = replace(DEFAULT_PROFILE, limit=LIMIT, parents=False)
"""What assistants search with unless told otherwise; passages are shown as they were cut."""

NO_MODEL = (
    "The embedding model is not ready, so this is a search by words only. "
    "The status page says more."
)


@require_GET
@workspace_view()
def search_page(request: WorkspaceRequest) -> HttpResponse:
    """The hits of a question in the order that an assistant gets them, with their scores."""
    text = request.GET.get("query", "").strip()[:2000]
    mode = _read_mode(request)
    collections = list(list_collections(request.workspace))
    collection_id = request.GET.get("collection", "")
    chosen = [item for item in collections if str(item.pk) == collection_id] or collections
    context: dict[str, object] = {
        "nav": "search",
        "query": text,
        "mode": mode,
        "collections": collections,
        "collection_id": collection_id if len(chosen) == 1 else "",
        "hits": None,
        "searched": count_chunks(request.workspace) if not text else 0,
    }
    if text:
        result, notice = _search(request.workspace, chosen, text=text, mode=mode)
        places = name_places((hit.version_id, hit.page) for hit in result.hits)
        context |= {
            "notice": notice,
            "hits": [
                _describe(request, hit, number=n, place=places[hit.version_id, hit.page])
                for n, hit in enumerate(result.hits, 1)
            ],
            "searched": result.num_searched,
            "indexes": result.indexes,
            "took_ms": sum(result.timings.values()),
            "timings": [(STAGES.get(stage, stage), ms) for stage, ms in result.timings.items()],
        }
    return render(request, "retrieval/search/search.html", context)


def _read_mode(request: WorkspaceRequest) -> Mode:
    mode = request.GET.get("mode", "")
    return mode if mode in MODES else "hybrid"


def _search(
    workspace: Workspace, collections: list[Collection], *, text: str, mode: Mode
) -> tuple[Retrieved, str]:
    request = RetrievalRequest(
        workspace_id=workspace.pk,
        collection_ids=[item.pk for item in collections],
        text=text,
        profile=replace(SHOWN, mode=mode),
    )
    try:
        result = retrieve(request)
    except ModelFilesError:
        return retrieve(replace(request, profile=replace(SHOWN, mode="lexical"))), NO_MODEL
    return result, result.problem


def _describe(request: WorkspaceRequest, hit: Hit, *, number: int, place: str) -> dict[str, object]:
    query = urlencode({"version": hit.version_id, "start": hit.start, "end": hit.end})
    path = reverse("documents:document", args=[request.workspace.slug, hit.document_id])
    segments = mark_terms(hit.text, terms=hit.matched_terms)
    return {
        "number": number,
        "document": {"id": hit.document_id, "name": hit.document_name},
        "heading": hit.heading,
        "place": place,
        "url": f"{path}?{query}#highlight",
        "segments": segments,
        "score": hit.score,
        "lexical_score": hit.lexical_score,
        "lexical_rank": hit.lexical_rank,
        "vector_score": hit.similarity,
        "vector_rank": hit.vector_rank,
        "row_fit": hit.row_fit,
        "matched": list(dict.fromkeys(word.lower() for word, is_match in segments if is_match)),
    }
