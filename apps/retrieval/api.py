"""REST: search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Problem
from apps.documents.access import get_collection
from apps.retrieval.search import MAX_LIMIT, Hit, SearchQuery, search
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
    query = serializers.CharField(allow_blank=True)
    limit = serializers.IntegerField(default=8, min_value=1, max_value=MAX_LIMIT)
    mode = serializers.ChoiceField(choices=["hybrid", "lexical", "vector"], default="hybrid")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("collection" in attrs) == ("collections" in attrs):
            raise serializers.ValidationError("Give either collection or collections.")
        return attrs


class WhySerializer(serializers.Serializer[Any]):
    """Why a passage was found. Null where it is not among the first 50 of that list."""

    lexical_score = serializers.FloatField(allow_null=True, help_text="BM25")
    lexical_rank = serializers.IntegerField(allow_null=True)
    matched_terms = serializers.ListField(child=serializers.CharField())
    similarity = serializers.FloatField(allow_null=True, help_text="Cosine of the vectors")
    vector_rank = serializers.IntegerField(allow_null=True)


class HitSerializer(serializers.Serializer[Any]):
    """A passage. `start` and `end` are character offsets into the document's text."""

    document = serializers.UUIDField()
    document_name = serializers.CharField()
    version = serializers.UUIDField()
    page = serializers.IntegerField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    heading = serializers.CharField()
    text = serializers.CharField()
    score = serializers.FloatField()
    why = WhySerializer()


class SearchResultSerializer(serializers.Serializer[Any]):
    """Hits, the best first, out of `searched` passages; `timings` are milliseconds by stage."""

    hits = HitSerializer(many=True)
    searched = serializers.IntegerField()
    timings = serializers.DictField(child=serializers.FloatField())


class SearchView(WorkspaceAPIView):
    """Finds passages by words, by meaning, or both."""

    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="search", request=SearchRequestSerializer, responses=SearchResultSerializer
    )
    def post(self, request: Request) -> Response:
        asked = SearchRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        wanted: list[UUID] = values.get("collections") or [values["collection"]]
        query = SearchQuery(
            workspace_id=self.workspace_id,
            collection_ids=[get_collection(self.workspace_id, pk).pk for pk in wanted],
            text=values["query"],
            limit=values["limit"],
            mode=values["mode"],
        )
        try:
            result = search(query)
        except ModelFilesError:
            raise MODEL_NOT_READY from None
        return Response(
            {
                "hits": [render_hit(hit) for hit in result.hits],
                "searched": result.num_searched,
                "timings": result.timings,
            }
        )


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
        "score": hit.score,
        "why": {
            "lexical_score": hit.lexical_score,
            "lexical_rank": hit.lexical_rank,
            "matched_terms": list(hit.matched_terms),
            "similarity": hit.similarity,
            "vector_rank": hit.vector_rank,
        },
    }
