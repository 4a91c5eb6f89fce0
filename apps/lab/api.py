"""REST: measured comparisons of two retrieval profiles over labelled cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant
from apps.assistants.recipes.changes import RecipeError, change_profile
from apps.assistants.recipes.serializers import recipe_fault
from apps.assistants.releases.api import ReleaseSerializer, show_release
from apps.core.api import Pagination
from apps.datasets.access import get_version
from apps.documents.access import get_collections
from apps.lab.access import get_run, list_runs
from apps.lab.candidates import draft_candidate
from apps.lab.models import LabRun
from apps.lab.profiles import KEYS, chosen_index
from apps.lab.results import summarise
from apps.lab.runs import (
    NO_CASES,
    NoCasesError,
    RunFields,
    cancel_run,
    delete_run,
    enqueue,
    find_jobs,
    start_run,
    tell_origin,
)
from apps.lab.serializers import (
    LabCandidateSerializer,
    LabResultsSerializer,
    LabRunRequestSerializer,
    LabRunSerializer,
)
from apps.retrieval.models import Index
from apps.retrieval.search.profile_serializers import read_profile
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.api import WorkspaceAPIView


class LabRunsView(WorkspaceAPIView):
    pagination_class = Pagination

    @extend_schema(operation_id="lab_runs_list", responses=LabRunSerializer(many=True))
    def get(self, request: Request) -> Response:
        """What was measured, the newest first."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_runs(self.workspace_id), request) or []
        context = {"jobs": find_jobs(rows)}
        body = LabRunSerializer(rows, many=True, context=context)
        return paginator.get_paginated_response(body.data)

    @extend_schema(
        operation_id="lab_runs_create",
        request=LabRunRequestSerializer,
        responses={201: LabRunSerializer},
    )
    def post(self, request: Request) -> Response:
        """Measure two profiles on every labelled case of a dataset's version."""
        form = LabRunRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        version = get_version(self.workspace_id, values["dataset"], values["version"])
        fields = RunFields(
            profiles={
                key: self._read_profile(values[f"profile_{key}"], f"profile_{key}") for key in KEYS
            },
            collection_ids=[
                collection.pk
                for collection in get_collections(self.workspace_id, values["collections"])
            ],
            k=values["k"],
            indexes={key: self._find_index(values.get(f"index_{key}")) for key in KEYS},
        )
        try:
            run = start_run(version, fields=fields, actor=self.actor)
        except NoCasesError as error:
            raise serializers.ValidationError({"version": [NO_CASES]}) from error
        return Response(_show(run), status=201)

    def _read_profile(self, values: Any, field: str) -> RetrievalProfile:
        """A profile whose reranker, if it names one, is an endpoint of the workspace."""
        if isinstance(values, dict) and values.get("rerank") == "endpoint":
            own = {name: values[name] for name in ("rerank", "rerank_endpoint") if name in values}
            rest = {name: value for name, value in values.items() if name not in own}
            profile = read_profile(rest, field=field)
            try:
                return change_profile(self.workspace_id, profile, own, has_model=True)
            except RecipeError as error:
                raise serializers.ValidationError({field: [str(error)]}) from error
        return read_profile(values, field=field)

    def _find_index(self, index_id: UUID | None) -> Index | None:
        if index_id is None:
            return None
        index = chosen_index(self.workspace_id, str(index_id))
        if index is None:
            raise Http404
        return index


def _show(run: LabRun) -> dict[str, Any]:
    return dict(LabRunSerializer(run, context={"jobs": find_jobs([run])}).data)


class LabRunBase(WorkspaceAPIView):
    def find(self, lab_run_id: UUID) -> LabRun:
        return get_run(self.workspace_id, lab_run_id)


class LabRunView(LabRunBase):
    @extend_schema(operation_id="lab_runs_retrieve", responses=LabRunSerializer)
    def get(self, request: Request, lab_run_id: UUID) -> Response:
        """What is measured, and how far it is."""
        return Response(_show(self.find(lab_run_id)))

    @extend_schema(operation_id="lab_runs_destroy", responses={204: None})
    def delete(self, request: Request, lab_run_id: UUID) -> Response:
        """With its results."""
        delete_run(self.find(lab_run_id))
        return Response(status=204)


class LabRunCancelView(LabRunBase):
    @extend_schema(operation_id="lab_runs_cancel", request=None, responses=LabRunSerializer)
    def post(self, request: Request, lab_run_id: UUID) -> Response:
        """Stop it; what was measured is kept."""
        run = self.find(lab_run_id)
        cancel_run(run)
        return Response(_show(run))


class LabRunCandidateView(LabRunBase):
    @extend_schema(
        operation_id="lab_runs_candidate",
        request=LabCandidateSerializer,
        responses={200: ReleaseSerializer, 201: ReleaseSerializer},
    )
    def post(self, request: Request, lab_run_id: UUID) -> Response:
        """Make a side's profile a candidate of an assistant. 200: it searches like that already."""
        run = self.find(lab_run_id)
        form = LabCandidateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        side = form.validated_data["side"]
        assistant = get_assistant(self.workspace_id, form.validated_data["assistant"])
        profile = RetrievalProfile.parse(run.profiles[side])
        note = tell_origin(run, side)
        try:
            release = draft_candidate(assistant, profile, note=note, actor=self.actor)
        except RecipeError as error:
            raise recipe_fault(error) from error
        status = 200 if release.pk == assistant.current_id else 201
        return Response(show_release(assistant, release), status=status)


class LabRunResumeView(LabRunBase):
    @extend_schema(operation_id="lab_runs_resume", request=None, responses=LabRunSerializer)
    def post(self, request: Request, lab_run_id: UUID) -> Response:
        """Go on with what is missing."""
        run = self.find(lab_run_id)
        enqueue(run)
        return Response(_show(run))


class LabRunResultsView(LabRunBase):
    @extend_schema(operation_id="lab_runs_results", responses=LabResultsSerializer)
    def get(self, request: Request, lab_run_id: UUID) -> Response:
        """Both sides with intervals, the paired difference, per slice, and case by case."""
        return Response(LabResultsSerializer(summarise(self.find(lab_run_id))).data)
