"""The retrieval lab's first page: one question, two profiles, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.selectors import list_assistants
from apps.core.text import storable
from apps.datasets.access import get_dataset, get_example
from apps.datasets.examples import ExampleError, split_tags
from apps.datasets.models import Dataset, Example
from apps.datasets.selectors import list_datasets
from apps.datasets.services import FrozenError, NameTakenError, TooManyError, create_dataset
from apps.documents.models import Collection
from apps.documents.selectors import list_collections
from apps.documents.units import name_places
from apps.lab.forms import MAX_QUESTION, ProfileForm, SaveForm
from apps.lab.measuring import METRICS, find_expected, measure_hits
from apps.lab.profiles import (
    INDEX_FIELD,
    KEYS,
    RELEASE_FIELD,
    base_profiles,
    chosen_index,
    list_other_indexes,
    list_profile_releases,
)
from apps.lab.services import mark_case, save_case
from apps.lab.sides import Place, SearchSide, make_request, search_side
from apps.retrieval.models import Index
from apps.retrieval.search.highlights import mark_terms
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

BASE = {"nav": "evaluate", "section": "lab"}
MAX_MARKS = 100
STEPS = {
    "embed": "embedding",
    "terms": "its words",
    "database": "database",
    "parts": "other questions",
    "rerank": "reading again",
    "recency": "recency",
    "diversity": "variety",
    "context": "neighbours",
}
"""Names for the timings of a search."""


@dataclass(frozen=True, slots=True)
class SideView:
    """One column of the page."""

    key: str
    name: str
    form: ProfileForm
    index: Index | None = None
    side: SearchSide | None = None
    stages: Sequence[dict[str, Any]] = ()
    final: Sequence[dict[str, Any]] = ()
    timings: Sequence[tuple[str, float]] = ()


@require_GET
@workspace_view(role=Role.EDITOR)
def lab(request: WorkspaceRequest) -> HttpResponse:
    """Ask a question and see what each stage of two profiles finds."""
    example = _find_example(request)
    question = storable(request.GET.get("q", "")).strip()[:MAX_QUESTION]
    question = question or (example.question if example else "")
    collections = list(list_collections(request.workspace))
    chosen = choose_collections(request, collections)
    forms = profile_forms(request)
    indexes = chosen_indexes(request)
    views = [
        SideView(key, f"Profile {key.upper()}", form, index=indexes[key])
        for key, form in forms.items()
    ]
    is_valid = all(form.is_valid() for form in forms.values())
    if question and is_valid:
        views = _search_sides(request, views, chosen, question, example)
    context = BASE | {
        "question": question,
        "collections": collections,
        "chosen": [str(item.pk) for item in chosen],
        "sides": views,
        "was_asked": bool(question and is_valid),
        "metrics": _compare(views, example),
        "example": example,
        "datasets": list_datasets(request.workspace.pk),
        "releases": list_profile_releases(request.workspace.pk),
        "indexes": list_other_indexes(request.workspace.pk),
        "assistants": list_assistants(request.workspace.pk),
        "here": request.get_full_path(),
        "query": request.GET.urlencode(),
    }
    return render(request, "lab/lab.html", context)


def profile_forms(request: WorkspaceRequest) -> dict[str, ProfileForm]:
    """The two profiles from the query string. A named release resets its side."""
    bases = base_profiles(request.workspace.pk, request.GET)
    return {
        key: ProfileForm({} if request.GET.get(RELEASE_FIELD.format(key)) else request.GET,
                         base=base, prefix=key, workspace=request.workspace)
        for key, base in bases.items()
    }  # fmt: skip


def chosen_indexes(request: WorkspaceRequest) -> dict[str, Index | None]:
    """The index that each side searches; None for the live ones."""
    return {
        key: chosen_index(request.workspace.pk, request.GET.get(INDEX_FIELD.format(key), ""))
        for key in KEYS
    }


def choose_collections(
    request: WorkspaceRequest, collections: Sequence[Collection]
) -> list[Collection]:
    """The collections named in the query string, or all of them."""
    ids = set(request.GET.getlist("collection"))
    return [item for item in collections if str(item.pk) in ids] or list(collections)


def _find_example(request: WorkspaceRequest) -> Example | None:
    """The example named in the query string; None if it is not the workspace's."""
    try:
        return get_example(request.workspace.pk, UUID(request.GET.get("example", "")))
    except (ValueError, Http404):
        return None


def _search_sides(
    request: WorkspaceRequest,
    views: Sequence[SideView],
    chosen: Sequence[Collection],
    question: str,
    example: Example | None,
) -> list[SideView]:
    ids = [item.pk for item in chosen]
    sides = [
        search_side(
            make_request(
                request.workspace.pk,
                ids,
                question,
                profile=view.form.profile,
                index=view.index,
            ),
            explain=True,
        )
        for view in views
    ]
    ranks = [{place.hit.chunk_id: place.rank for place in side.final} for side in sides]
    hits = [
        [place.hit for stage in (side.final, *(s.places for s in side.stages)) for place in stage]
        for side in sides
    ]
    passages = example.expected_passages if example else []
    expected = {pk for of_side in hits for pk in find_expected(of_side, passages)}
    spots = name_places((hit.version_id, hit.page) for of_side in hits for hit in of_side)
    described = []
    for view, side, others in zip(views, sides, reversed(ranks), strict=True):
        final = [_describe(request, place, expected, others, spots) for place in side.final]
        stages = [
            {
                "label": stage.label,
                "duration_ms": stage.duration_ms,
                "query": stage.query if stage.query != question else "",
                "places": [
                    _describe(request, place, expected, {}, spots) for place in stage.places
                ],
            }
            for stage in side.stages
        ]
        timings = [(STEPS.get(step, step), took) for step, took in side.timings]
        described.append(
            SideView(view.key, view.name, view.form, view.index, side, stages, final, timings)
        )
    return described


def _describe(
    request: WorkspaceRequest,
    place: Place,
    expected: set[int],
    others: dict[int, int],
    spots: dict[tuple[UUID, int], str],
) -> dict[str, Any]:
    hit = place.hit
    span = urlencode({"version": hit.version_id, "start": hit.start, "end": hit.end})
    path = reverse("documents:document", args=[request.workspace.slug, hit.document_id])
    return {
        "rank": place.rank,
        "score": place.score,
        "hit": hit,
        "spot": spots[hit.version_id, hit.page],
        "url": f"{path}?{span}#highlight",
        "segments": mark_terms(hit.text, terms=hit.matched_terms),
        "is_expected": hit.chunk_id in expected,
        "other_rank": others.get(hit.chunk_id),
    }


def _compare(views: Sequence[SideView], example: Example | None) -> list[dict[str, Any]]:
    """A row per metric with both values; empty without a labelled case."""
    if example is None or not example.expected_passages:
        return []
    values = [
        measure_hits(view.side.hits, example.expected_passages, k=view.side.profile.limit)
        for view in views
        if view.side is not None and not view.side.problem
    ]
    if len(values) != len(views):
        return []
    return [
        {"metric": metric, "values": [value.get(metric.name) for value in values]}
        for metric in METRICS
        if any(metric.name in value for value in values)
    ]


@require_POST
@workspace_view(role=Role.EDITOR)
def save(request: WorkspaceRequest) -> HttpResponse:
    """Save the marked passages as a labelled case, and return to the page."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = reverse("lab:lab", args=[request.workspace.slug])
    form = SaveForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was saved: choose the dataset that takes the case.")
        return redirect(target)
    try:
        said = _save(request, form.cleaned_data)
    except ExampleError as error:
        messages.error(request, f"Nothing was saved. {error.message}")
    except NameTakenError:
        messages.error(request, "Nothing was saved: there is a dataset of this name already.")
    except FrozenError:
        messages.error(request, "Nothing was saved: this example belongs to a frozen version.")
    except TooManyError:
        messages.error(request, "Nothing was saved: the dataset is full.")
    else:
        messages.success(request, said)
    return redirect(target)


def _save(request: WorkspaceRequest, values: dict[str, Any]) -> str:
    marked = _read_chunk_ids(request.POST.getlist("relevant"))
    if values["example"]:
        example = get_example(request.workspace.pk, values["example"])
        shown = _read_chunk_ids(request.POST.getlist("shown"))
        mark_case(example, shown_ids=shown, chunk_ids=marked, actor=request.actor)
        return "The example expects what you marked."
    dataset = _target(request, values)
    save_case(
        dataset,
        values={
            "question": values["question"],
            "expected_answer": values["expected_answer"],
            "tags": list(split_tags(values["tags"])),
            "is_answerable": bool(marked),
        },
        chunk_ids=marked,
        actor=request.actor,
    )
    return f"Saved in the draft of “{dataset.name}”."


def _target(request: WorkspaceRequest, values: dict[str, Any]) -> Dataset:
    if values["dataset"]:
        return get_dataset(request.workspace.pk, values["dataset"])
    return create_dataset(request.workspace, name=values["new_dataset"], actor=request.actor)


def _read_chunk_ids(values: Sequence[str]) -> list[int]:
    return [int(value) for value in values[:MAX_MARKS] if value.isdecimal() and len(value) < 19]
