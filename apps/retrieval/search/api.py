"""REST: search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Problem
from apps.documents.access import get_collections
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.pipeline import RetrievalRequest, Stage, retrieve
from apps.retrieval.search.profile_serializers import read_profile
from apps.retrieval.search.profiles import MODES
from apps.retrieval.search.query import MAX_LIMIT, MAX_QUESTION
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope
from inference.errors import ModelFilesError

MODEL_NOT_READY = Problem(
    503, "model_not_ready", "The embedding model is not ready; mode 'lexical' works without it."
)


class SearchRequestSerializer(serializers.Serializer[Any]):
    """Where to search (one collection or several) and for what."""

    collection = serializers.UUIDField(required=False)
    collections = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=100
    )
    query = serializers.CharField(
        allow_blank=True,
        max_length=MAX_QUESTION,
        error_messages={"max_length": f"At most {MAX_QUESTION:,} characters can be searched."},
    )
    limit = serializers.IntegerField(default=8, min_value=1, max_value=MAX_LIMIT)
    mode = serializers.ChoiceField(choices=MODES, default="hybrid")
    profile = serializers.JSONField(
        required=False,
        help_text="Fields of a retrieval profile, such as fusion, vector_weight, rerank (none or "
        "late), diversity, recency, filters, neighbours. The others have their defaults.",
    )
    explain = serializers.BooleanField(
        default=False, help_text="Tell the candidates of each stage as well."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("collection" in attrs) == ("collections" in attrs):
            raise serializers.ValidationError("Give either collection or collections.")
        attrs["profile"] = read_profile(
            attrs.get("profile", {}), mode=attrs["mode"], limit=attrs["limit"]
        )
        return attrs


class WhySerializer(serializers.Serializer[Any]):
    """Why a passage was found. Null where it is not among the first 50 of that list."""

    lexical_score = serializers.FloatField(allow_null=True, help_text="BM25")
    lexical_rank = serializers.IntegerField(allow_null=True)
    matched_terms = serializers.ListField(child=serializers.CharField())
    similarity = serializers.FloatField(allow_null=True, help_text="Cosine of the vectors")
    vector_rank = serializers.IntegerField(allow_null=True)
    row_fit = serializers.FloatField(
        allow_null=True, help_text="How well a row of a table in it fits the question, 0 to 1"
    )


class HitSerializer(serializers.Serializer[Any]):
    """A passage. `start` and `end` are character offsets into the document's text.

    `table_head` has the lines of a table above the passage that its rows need, often none; null
    where it has no rows of a table."""

    document = serializers.UUIDField()
    document_name = serializers.CharField()
    version = serializers.UUIDField()
    page = serializers.IntegerField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    heading = serializers.CharField()
    text = serializers.CharField()
    table_head = serializers.CharField(allow_null=True, allow_blank=True)
    score = serializers.FloatField()
    why = WhySerializer()


class StageSerializer(serializers.Serializer[Any]):
    """What one step made: its candidates, the best first, and the milliseconds it took."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    duration_ms = serializers.FloatField()
    hits = HitSerializer(many=True)


class SearchedIndexSerializer(serializers.Serializer[Any]):
    """An index that was searched. `vectors` says how in words; `exact` that all were compared."""

    index = serializers.UUIDField()
    collection = serializers.UUIDField()
    embedding_model = serializers.CharField()
    vectors = serializers.CharField()
    exact = serializers.BooleanField()
    labels = serializers.ListField(child=serializers.CharField())


class SearchResultSerializer(serializers.Serializer[Any]):
    """Hits, the best first, out of `searched` passages; `timings` are milliseconds by stage.

    `notice` says what had to be left out, if anything; `stages` are there if asked for.
    """

    hits = HitSerializer(many=True)
    searched = serializers.IntegerField()
    timings = serializers.DictField(child=serializers.FloatField())
    notice = serializers.CharField()
    indexes = SearchedIndexSerializer(many=True)
    stages = StageSerializer(many=True)


class SearchView(WorkspaceAPIView):
    """Finds passages by words, by meaning, or both."""

    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="search", request=SearchRequestSerializer, responses=SearchResultSerializer
    )
    def post(self, request: Request) -> Response:
        serializer = SearchRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        ids: list[UUID] = values.get("collections") or [values["collection"]]
        query = RetrievalRequest(
            workspace_id=self.workspace_id,
            collection_ids=[
                collection.pk for collection in get_collections(self.workspace_id, ids)
            ],
            text=values["query"],
            profile=values["profile"],
        )
        try:
            result = retrieve(query, explain=values["explain"])
        except ModelFilesError:
            raise MODEL_NOT_READY from None
        return Response(
            {
                "hits": [render_hit(hit) for hit in result.hits],
                "searched": result.num_searched,
                "timings": result.timings,
                "notice": result.problem,
                "indexes": [
                    {
                        "index": index.index_id,
                        "collection": index.collection_id,
                        "embedding_model": index.embedding_model,
                        "vectors": index.vectors,
                        "exact": index.is_exact,
                        "labels": list(index.labels),
                    }
                    for index in result.indexes
                ],
                "stages": [render_stage(stage) for stage in result.stages],
            }
        )


def render_stage(stage: Stage) -> dict[str, Any]:
    """A stage as the API gives it."""
    return {
        "name": stage.name,
        "label": stage.label,
        "duration_ms": stage.duration_ms,
        "hits": [render_hit(hit) for hit in stage.hits],
    }


def render_hit(hit: Hit) -> dict[str, Any]:
    """A hit as the API gives it."""
    return {
        "document": hit.document_id,
        "document_name": hit.document_name,
        "version": hit.version_id,
        "page": hit.page,
        "start": hit.start,
        "end": hit.end,
        "heading": hit.heading,
        "text": hit.text,
        "table_head": hit.table_head,
        "score": hit.score,
        "why": {
            "lexical_score": hit.lexical_score,
            "lexical_rank": hit.lexical_rank,
            "matched_terms": list(hit.matched_terms),
            "similarity": hit.similarity,
            "vector_rank": hit.vector_rank,
            "row_fit": hit.row_fit,
        },
    }
