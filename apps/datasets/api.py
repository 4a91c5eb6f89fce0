"""REST: datasets, their examples and versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PAGING, Pagination, Problem
from apps.datasets import services
from apps.datasets.access import get_dataset, get_draft, get_example, get_version
from apps.datasets.checking import MAX_SHOWN, check_version
from apps.datasets.conflicts import Conflict
from apps.datasets.examples import ExampleError, ExampleFields, clean_fields, plain_values
from apps.datasets.models import ReviewState, SourceKind
from apps.datasets.selectors import list_datasets, list_examples, list_versions
from apps.datasets.serializers import (
    CheckSerializer,
    DatasetSerializer,
    DatasetVersionSerializer,
    ExampleSerializer,
    FreezeRefusedSerializer,
    FreezeSerializer,
)
from apps.workspaces.api import WorkspaceAPIView

NAME_TAKEN = Problem(409, "name_taken", "There is a dataset of this name already.")
FROZEN = Problem(409, "frozen", "This version is frozen. Change the example of the draft.")
IN_USE = Problem(409, "in_use", "Experiments use this dataset.")
EMPTY = Problem(409, "nothing_to_freeze", "The draft has no accepted example.")
CONTRADICTS = (
    "The same question has different expected answers, so no assistant can be right on all. "
    "Change the examples, or freeze with nevertheless set to true."
)
FULL = Problem(413, "too_many", f"A dataset holds at most {services.MAX_EXAMPLES:,} examples.")


class DatasetsView(WorkspaceAPIView):
    pagination_class = Pagination

    @extend_schema(operation_id="datasets_list", responses=DatasetSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The workspace's datasets, by name."""
        datasets = [row.dataset for row in list_datasets(self.workspace_id)]
        paginator = Pagination()
        rows = paginator.paginate_queryset(datasets, request, view=self)
        return paginator.get_paginated_response(DatasetSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="datasets_create",
        request=DatasetSerializer,
        responses={201: DatasetSerializer},
    )
    def post(self, request: Request) -> Response:
        """A dataset with an empty draft."""
        values = _validate(DatasetSerializer(data=request.data))
        try:
            dataset = services.create_dataset(self.workspace, actor=self.actor, **values)
        except services.NameTakenError:
            raise NAME_TAKEN from None
        return Response(DatasetSerializer(dataset).data, status=201)


class DatasetView(WorkspaceAPIView):
    @extend_schema(operation_id="datasets_read", responses=DatasetSerializer)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        return Response(DatasetSerializer(get_dataset(self.workspace_id, dataset_id)).data)

    @extend_schema(
        operation_id="datasets_update",
        request=DatasetSerializer(partial=True),
        responses=DatasetSerializer,
    )
    def patch(self, request: Request, dataset_id: UUID) -> Response:
        dataset = get_dataset(self.workspace_id, dataset_id)
        values = {"name": dataset.name, "description": dataset.description}
        values |= _validate(DatasetSerializer(data=request.data, partial=True))
        try:
            services.update_dataset(dataset, actor=self.actor, **values)
        except services.NameTakenError:
            raise NAME_TAKEN from None
        return Response(DatasetSerializer(dataset).data)

    @extend_schema(operation_id="datasets_delete", responses={204: None})
    def delete(self, request: Request, dataset_id: UUID) -> Response:
        try:
            services.delete_dataset(get_dataset(self.workspace_id, dataset_id), actor=self.actor)
        except services.InUseError:
            raise IN_USE from None
        return Response(status=204)


class VersionsView(WorkspaceAPIView):
    pagination_class = Pagination

    @extend_schema(
        operation_id="dataset_versions_list", responses=DatasetVersionSerializer(many=True)
    )
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """The frozen versions, the newest first."""
        versions = list_versions(get_dataset(self.workspace_id, dataset_id))
        paginator = Pagination()
        rows = paginator.paginate_queryset(versions, request, view=self)
        return paginator.get_paginated_response(DatasetVersionSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="dataset_versions_create",
        request=FreezeSerializer,
        responses={
            201: DatasetVersionSerializer,
            (409, "application/problem+json"): FreezeRefusedSerializer,
        },
    )
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Freeze the draft's accepted examples into a new version.

        Refused with the pairs where one question has different expected answers, unless
        `nevertheless` is set.
        """
        dataset = get_dataset(self.workspace_id, dataset_id)
        values = _validate(FreezeSerializer(data=request.data))
        try:
            version = services.freeze(dataset, actor=self.actor, **values)
        except services.NothingToFreezeError:
            raise EMPTY from None
        except services.ConflictError as error:
            return self._refuse(error.conflicts)
        return Response(DatasetVersionSerializer(version).data, status=201)

    def _refuse(self, conflicts: Sequence[Conflict]) -> Response:
        body = {
            "type": "about:blank",
            "title": "Conflict",
            "status": 409,
            "code": "conflicts",
            "detail": CONTRADICTS,
            "num_conflicts": len(conflicts),
            "conflicts": conflicts[:MAX_SHOWN],
        }
        said = FreezeRefusedSerializer(body, context={"slug": self.workspace.slug}).data
        return Response(said, status=409, content_type="application/problem+json")


class ChecksView(WorkspaceAPIView):
    @extend_schema(
        operation_id="datasets_checks",
        parameters=[
            OpenApiParameter("version", int, description="A version's number; 0 is the draft")
        ],
        responses=CheckSerializer,
    )
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """Duplicates, contradictions, and questions that a prompt gives away."""
        version = get_version(self.workspace_id, dataset_id, _read_number(request))
        check = check_version(version)
        return Response(CheckSerializer(check, context={"slug": self.workspace.slug}).data)


class ExamplesView(WorkspaceAPIView):
    """The examples of the draft, or with `version` of a frozen version."""

    pagination_class = Pagination

    @extend_schema(
        operation_id="examples_list",
        parameters=[
            *PAGING,
            OpenApiParameter("version", int, description="A version's number; 0 is the draft"),
        ],
        responses=ExampleSerializer(many=True),
    )
    def get(self, request: Request, dataset_id: UUID) -> Response:
        version = get_version(self.workspace_id, dataset_id, _read_number(request))
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_examples(version), request, view=self)
        return paginator.get_paginated_response(ExampleSerializer(rows or [], many=True).data)

    @extend_schema(
        operation_id="examples_create",
        request=ExampleSerializer,
        responses={201: ExampleSerializer},
    )
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Add an example to the end of the draft."""
        dataset = get_draft(self.workspace_id, dataset_id).dataset
        values = _validate(ExampleSerializer(data=request.data))
        state = ReviewState(values.pop("state", ReviewState.ACCEPTED))
        try:
            example = services.add_example(
                dataset,
                fields=_clean(values),
                actor=self.actor,
                source=services.ExampleSource(SourceKind.IMPORT, note="through the API"),
                state=state,
            )
        except services.TooManyError:
            raise FULL from None
        return Response(ExampleSerializer(example).data, status=201)


class ExampleView(WorkspaceAPIView):
    @extend_schema(operation_id="examples_read", responses=ExampleSerializer)
    def get(self, request: Request, example_id: UUID) -> Response:
        return Response(ExampleSerializer(get_example(self.workspace_id, example_id)).data)

    @extend_schema(
        operation_id="examples_update",
        request=ExampleSerializer(partial=True),
        responses=ExampleSerializer,
    )
    def patch(self, request: Request, example_id: UUID) -> Response:
        """Change an example of the draft; what is left out stays."""
        example = get_example(self.workspace_id, example_id)
        values = _validate(ExampleSerializer(data=request.data, partial=True))
        state = values.pop("state", None)
        try:
            if values:
                fields = _clean(plain_values(example) | values)
                services.update_example(example, fields=fields, actor=self.actor)
            if state:
                services.review_example(example, state=ReviewState(state), actor=self.actor)
        except services.FrozenError:
            raise FROZEN from None
        return Response(ExampleSerializer(get_example(self.workspace_id, example_id)).data)

    @extend_schema(operation_id="examples_delete", responses={204: None})
    def delete(self, request: Request, example_id: UUID) -> Response:
        """Take an example out of the draft."""
        try:
            services.remove_example(get_example(self.workspace_id, example_id))
        except services.FrozenError:
            raise FROZEN from None
        return Response(status=204)


def _read_number(request: Request) -> int:
    number = request.query_params.get("version", "0")
    if not number.isdecimal() or len(number) > 9:
        raise Problem(400, "bad_version", "A version is a whole number.")
    return int(number)


def _clean(values: dict[str, Any]) -> ExampleFields:
    try:
        return clean_fields(values)
    except ExampleError as error:
        raise serializers.ValidationError({error.field: [error.message]}) from None


def _validate(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(serializer.validated_data)
    return values
