"""REST: how far a workspace is with its first steps, and its things by name."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chat.conversations.search import MAX_SEARCH, read_terms
from apps.guide.palette.selectors import ICONS, list_things
from apps.guide.steps import STEPS, find_first_steps
from apps.workspaces.api import WorkspaceAPIView


class StepSerializer(serializers.Serializer[Any]):
    key = serializers.ChoiceField(choices=[(key, title) for key, title, _ in STEPS])
    title = serializers.CharField()
    is_done = serializers.BooleanField()
    is_next = serializers.BooleanField(help_text="The first one that is not done")


class FirstStepsSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    steps = StepSerializer(many=True)


class FindQuerySerializer(serializers.Serializer[Any]):
    q = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=MAX_SEARCH,
        help_text="Words of a name, or their parts; nothing is found without any",
    )


class EntrySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind for kind in ICONS if kind != "conversation"])
    title = serializers.CharField()
    detail = serializers.CharField(help_text="What tells things of one name apart")
    address = serializers.CharField(help_text="Path of its page")


class FoundSerializer(serializers.Serializer[Any]):
    results = EntrySerializer(many=True)


class FirstStepsView(WorkspaceAPIView):
    @extend_schema(operation_id="first_steps_read", responses=FirstStepsSerializer)
    def get(self, request: Request) -> Response:
        """Which first steps are done, by what is there."""
        return Response(FirstStepsSerializer(find_first_steps(self.workspace_id)).data)


class FindView(WorkspaceAPIView):
    @extend_schema(operation_id="find", parameters=[FindQuerySerializer], responses=FoundSerializer)
    def get(self, request: Request) -> Response:
        """Assistants, collections, documents, datasets, experiments and prompts by name.

        At most six of each kind. Conversations are people's own and not found with a key.
        """
        query = FindQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        terms = read_terms(query.validated_data["q"])
        groups = list_things(self.workspace, terms, for_editors=True) if terms else []
        entries = [entry for group in groups for entry in group.entries]
        return Response(FoundSerializer({"results": entries}).data)
