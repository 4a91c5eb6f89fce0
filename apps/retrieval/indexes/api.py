"""REST: indexes, their builds, comparing and swapping."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chunking.models import ChunkingProfile
from apps.chunking.profiles import ProfileNameTakenError, create_profile
from apps.chunking.strategies import UnknownStrategyError
from apps.core.api import TITLES, Problem
from apps.core.embedder import EmbeddingChoice, list_embedders
from apps.core.options import OptionError
from apps.core.rest.schema import PROBLEM_TYPE, ProblemSerializer
from apps.documents.access import get_collection
from apps.retrieval.indexes import builds
from apps.retrieval.indexes.access import get_index, get_profile
from apps.retrieval.indexes.comparison import ComparedIndexes, RankedHit, compare_indexes
from apps.retrieval.indexes.questions import MAX_QUESTIONS, choose_questions
from apps.retrieval.indexes.selectors import (
    IndexView,
    describe_index,
    describe_indexes,
    find_live,
    list_indexes,
)
from apps.retrieval.indexes.vector_settings import change_vector_index
from apps.retrieval.models import AnnKind, IndexState, Label, Precision
from apps.retrieval.search.api import HitSerializer, render_hit
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope
from inference.errors import ModelFilesError

RUNNING = Problem(409, "build_running", "The collection has another index that is being built.")
WRONG_STATE = Problem(409, "wrong_state", "This cannot be done with an index in this state.")
NOT_LIVE = Problem(409, "no_other_index", "Compare an index that is not live with the live one.")
NO_MODEL = Problem(503, "model_not_ready", "The embedding model is not ready.")


class BuildSerializer(serializers.Serializer[Any]):
    """How far a build is."""

    state = serializers.CharField(help_text="queued, running, succeeded, failed or cancelled")
    stage = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    seconds_left = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class IndexSerializer(serializers.Serializer[Any]):
    """An index. `missing` are documents that it does not hold; `bytes` is an estimate.

    `vector_index` and `precision` are what its vector index is made of once it is large; `vectors`
    says in words how vectors are found in it now. `labels` of a document are embedded and indexed
    in front of its passages. With `lacks_table_heads` it has tables that were cut before their
    rows kept a header: cut it anew."""

    id = serializers.UUIDField()
    collection = serializers.UUIDField()
    state = serializers.CharField(help_text="building, live or retired")
    chunking = serializers.CharField()
    profile = serializers.UUIDField()
    embedding_model = serializers.CharField()
    dimensions = serializers.IntegerField()
    vector_index = serializers.CharField()
    precision = serializers.CharField()
    vector_index_state = serializers.CharField(help_text="none, building, ready or failed")
    vectors = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    lacks_table_heads = serializers.BooleanField()
    passages = serializers.IntegerField()
    bytes = serializers.IntegerField()
    missing = serializers.IntegerField()
    goes_live = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    live_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)
    build = BuildSerializer(allow_null=True)


class BuildRequestSerializer(serializers.Serializer[Any]):
    """What to build: a chunking profile, or a strategy with its parameters; what is left out is
    as in the live index."""

    profile = serializers.UUIDField(required=False)
    strategy = serializers.CharField(required=False, max_length=40)
    params = serializers.DictField(required=False)
    embedding_model = serializers.CharField(required=False, max_length=200)
    vector_index = serializers.ChoiceField(choices=AnnKind.choices, required=False)
    precision = serializers.ChoiceField(choices=Precision.choices, default=Precision.HALF)
    labels = serializers.ListField(
        child=serializers.ChoiceField(choices=Label.choices),
        required=False,
        help_text="Labels of a document that stand in front of each of its passages",
    )
    goes_live = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "profile" in attrs and "strategy" in attrs:
            raise serializers.ValidationError("Give either profile or strategy.")
        return attrs


class IndexChangeSerializer(serializers.Serializer[Any]):
    """What the vector index is made of; what is left out stays."""

    vector_index = serializers.ChoiceField(choices=AnnKind.choices, required=False)
    precision = serializers.ChoiceField(choices=Precision.choices, required=False)


class PlacedSerializer(serializers.Serializer[Any]):
    """A hit, and at which rank the other index has the same place; null if it has not."""

    rank = serializers.IntegerField()
    other_rank = serializers.IntegerField(allow_null=True)
    hit = HitSerializer()


class ComparedQuestionSerializer(serializers.Serializer[Any]):
    """A question. `overlap` is the share of the first places that are the same in both."""

    text = serializers.CharField()
    overlap = serializers.FloatField()
    live = PlacedSerializer(many=True)
    other = PlacedSerializer(many=True)
    live_ms = serializers.FloatField()
    other_ms = serializers.FloatField()


class IndexComparisonSerializer(serializers.Serializer[Any]):
    """An index beside the live one. `overlap` is the mean over the questions."""

    live_index = IndexSerializer()
    other_index = IndexSerializer()
    overlap = serializers.FloatField()
    top = serializers.IntegerField()
    questions = ComparedQuestionSerializer(many=True)


def render_index(view: IndexView) -> dict[str, Any]:
    """An index as the API gives it."""
    index = view.index
    return {
        "id": index.pk,
        "collection": index.collection_id,
        "state": index.state,
        "chunking": view.chunking,
        "profile": index.profile_id,
        "embedding_model": index.embedding_model,
        "dimensions": index.dimensions,
        "vector_index": index.ann_kind,
        "precision": index.precision,
        "vector_index_state": index.ann_state,
        "vectors": view.vectors,
        "labels": index.labels,
        "lacks_table_heads": view.lacks_table_heads,
        "passages": view.num_passages,
        "bytes": view.num_bytes,
        "missing": view.missing,
        "goes_live": index.goes_live,
        "created_at": index.created_at,
        "ready_at": index.ready_at,
        "live_at": index.live_at,
        "retired_at": index.retired_at,
        "build": None
        if view.build is None
        else {
            name: getattr(view.build, name)
            for name in ("state", "stage", "done", "total", "percent", "seconds_left", "reason")
        },
    }


class IndexesView(WorkspaceAPIView):
    """A collection's indexes."""

    scopes = {"POST": Scope.WRITE}

    @extend_schema(operation_id="indexes_list", responses=IndexSerializer(many=True))
    def get(self, request: Request, collection_id: UUID) -> Response:
        """All but those that were thrown away, the latest first."""
        collection = get_collection(self.workspace_id, collection_id)
        views = describe_indexes(list_indexes(collection), self.workspace)
        return Response([render_index(view) for view in views])

    @extend_schema(
        operation_id="indexes_build",
        request=BuildRequestSerializer,
        responses={201: IndexSerializer},
    )
    def post(self, request: Request, collection_id: UUID) -> Response:
        """Build an index beside the live one."""
        collection = get_collection(self.workspace_id, collection_id)
        serializer = BuildRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        live = find_live(collection)
        profile = self._choose_profile(values, live.profile if live else None)
        model_name = values.get("embedding_model") or (live.embedding_model if live else "")
        try:
            index = builds.start_build(
                collection,
                profile=profile,
                model=self._choose_model(model_name),
                kind=values.get("vector_index") or (live.ann_kind if live else AnnKind.HNSW),
                precision=values["precision"],
                labels=values.get("labels", live.labels if live else []),
                goes_live=values["goes_live"],
                actor=self.actor,
            )
        except builds.BuildRunningError:
            raise RUNNING from None
        return Response(render_index(describe_index(index)), status=status.HTTP_201_CREATED)

    def _choose_profile(
        self, values: dict[str, Any], known: ChunkingProfile | None
    ) -> ChunkingProfile:
        if "profile" in values:
            return get_profile(self.workspace_id, values["profile"])
        if "strategy" not in values and known is not None:
            return known
        try:
            return create_profile(
                self.workspace,
                name="",
                splitter=values.get("strategy", "recursive"),
                params=values.get("params", {}),
            )
        except UnknownStrategyError as error:
            raise serializers.ValidationError({"strategy": ["There is no such one."]}) from error
        except OptionError as error:
            raise serializers.ValidationError({"params": list(error.errors.values())}) from error
        except ProfileNameTakenError as error:
            raise Problem(409, "name_taken", f"Another profile is called {error}.") from error

    def _choose_model(self, name: str) -> EmbeddingChoice:
        try:
            choices = list_embedders(self.workspace_id)
        except ModelFilesError:
            raise NO_MODEL from None
        chosen = [choice for choice in choices if choice.name == name] if name else choices[:1]
        if not chosen:
            raise serializers.ValidationError({"embedding_model": ["There is no such model."]})
        return chosen[0]


class IndexAPIView(WorkspaceAPIView):
    """One index."""

    scopes = {"DELETE": Scope.WRITE, "PATCH": Scope.WRITE}

    @extend_schema(operation_id="indexes_read", responses=IndexSerializer)
    def get(self, request: Request, index_id: UUID) -> Response:
        """An index and how far its build is."""
        return Response(render_index(describe_index(get_index(self.workspace_id, index_id))))

    @extend_schema(
        operation_id="indexes_change",
        request=IndexChangeSerializer,
        responses={200: IndexSerializer, 202: IndexSerializer},
    )
    def patch(self, request: Request, index_id: UUID) -> Response:
        """Change its vector index. 202: that is being built, and searches use the old one."""
        index = get_index(self.workspace_id, index_id)
        serializer = IndexChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        try:
            is_built = change_vector_index(
                index,
                kind=values.get("vector_index", index.ann_kind),
                precision=values.get("precision", index.precision),
                actor=self.actor,
            )
        except builds.WrongStateError:
            raise WRONG_STATE from None
        code = status.HTTP_202_ACCEPTED if is_built else status.HTTP_200_OK
        return Response(render_index(describe_index(index)), status=code)

    @extend_schema(operation_id="indexes_discard", responses={204: None})
    def delete(self, request: Request, index_id: UUID) -> Response:
        """Throw away an index that is not live."""
        try:
            builds.throw_away(get_index(self.workspace_id, index_id), actor=self.actor)
        except builds.WrongStateError:
            raise WRONG_STATE from None
        return Response(status=status.HTTP_204_NO_CONTENT)


class IndexCutAnewView(WorkspaceAPIView):
    scopes = {"POST": Scope.WRITE}

    @extend_schema(operation_id="indexes_cut_anew", request=None, responses={201: IndexSerializer})
    def post(self, request: Request, index_id: UUID) -> Response:
        """Build an index like this one in which every document is cut again; it goes live."""
        try:
            index = builds.build_anew(get_index(self.workspace_id, index_id), actor=self.actor)
        except builds.BuildRunningError:
            raise RUNNING from None
        return Response(render_index(describe_index(index)), status=status.HTTP_201_CREATED)


class IndexSwapView(WorkspaceAPIView):
    scopes = {"POST": Scope.WRITE}

    @extend_schema(
        operation_id="indexes_swap",
        request=None,
        responses={200: IndexSerializer, 202: IndexSerializer},
    )
    def post(self, request: Request, index_id: UUID) -> Response:
        """Make it the live one: 200. 202: it takes in what it lacks and then swaps by itself."""
        index = get_index(self.workspace_id, index_id)
        try:
            is_live = builds.swap(index, actor=self.actor)
        except builds.WrongStateError:
            raise WRONG_STATE from None
        code = status.HTTP_200_OK if is_live else status.HTTP_202_ACCEPTED
        return Response(render_index(describe_index(index)), status=code)


class IndexStopView(WorkspaceAPIView):
    scopes = {"POST": Scope.WRITE}

    @extend_schema(operation_id="indexes_stop", request=None, responses=IndexSerializer)
    def post(self, request: Request, index_id: UUID) -> Response:
        """Stop its build. What it has done stays."""
        index = get_index(self.workspace_id, index_id)
        builds.stop_build(index, actor=self.actor)
        return Response(render_index(describe_index(index)))


class IndexContinueView(WorkspaceAPIView):
    scopes = {"POST": Scope.WRITE}

    @extend_schema(operation_id="indexes_continue", request=None, responses=IndexSerializer)
    def post(self, request: Request, index_id: UUID) -> Response:
        """Go on with a build that was stopped or failed."""
        index = get_index(self.workspace_id, index_id)
        try:
            builds.continue_build(index, actor=self.actor)
        except builds.WrongStateError:
            raise WRONG_STATE from None
        return Response(render_index(describe_index(index)))


class IndexComparisonView(WorkspaceAPIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="indexes_compare",
        parameters=[OpenApiParameter("question", str, many=True, description="May be repeated")],
        responses={
            200: IndexComparisonSerializer,
            (409, PROBLEM_TYPE): OpenApiResponse(ProblemSerializer, description=TITLES[409]),
        },
    )
    def get(self, request: Request, index_id: UUID) -> Response:
        """What it and the live one find; without questions, for saved and recent ones."""
        index = get_index(self.workspace_id, index_id)
        live = find_live(index.collection)
        if live is None or index.state == IndexState.LIVE:
            raise NOT_LIVE
        own_questions = request.query_params.getlist("question")
        if len(own_questions) > MAX_QUESTIONS:
            raise serializers.ValidationError({"question": [f"At most {MAX_QUESTIONS}."]})
        questions = own_questions or choose_questions(index.collection)
        return Response(
            {
                "live_index": render_index(describe_index(live)),
                "other_index": render_index(describe_index(index)),
                **_render_comparison(compare_indexes(live, index, questions)),
            }
        )


def _render_comparison(compared: ComparedIndexes) -> dict[str, Any]:
    return {
        "overlap": compared.overlap,
        "top": compared.top,
        "questions": [
            {
                "text": item.text,
                "overlap": item.comparison.overlap,
                "live": [_render_ranked(ranked) for ranked in item.comparison.before],
                "other": [_render_ranked(ranked) for ranked in item.comparison.after],
                "live_ms": item.before_ms,
                "other_ms": item.after_ms,
            }
            for item in compared.questions
        ],
    }


def _render_ranked(ranked: RankedHit) -> dict[str, Any]:
    return {
        "rank": ranked.rank,
        "other_rank": ranked.other_rank,
        "hit": render_hit(ranked.hit),
    }
