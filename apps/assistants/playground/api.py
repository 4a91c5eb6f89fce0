"""REST: the playground, without the stream: one question to up to four variants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant
from apps.assistants.api import prompt_faults
from apps.assistants.playground.running import (
    MAX_VARIANTS,
    Failed,
    Finished,
    Variant,
    run_variants,
)
from apps.assistants.recipe import Recipe, load_recipe
from apps.assistants.recipes.changes import RecipeError, change_profile, change_sampling
from apps.assistants.recipes.fields import SETTINGS
from apps.assistants.recipes.sampling import parse_sampling, sampling_to_json
from apps.assistants.recipes.serializers import (
    RetrievalSerializer,
    SamplingSerializer,
    make_rest_field,
    move_flat,
)
from apps.core.api import Problem
from apps.gateway.access import get_endpoint
from apps.prompts.access import get_version_by_id
from apps.prompts.spec import PromptError, PromptSpec, clean_spec, require_sound
from apps.retrieval.search.query import MAX_QUESTION
from apps.workspaces.api import WorkspaceAPIView


class VariantSerializer(serializers.Serializer[Any]):
    """What to change about the assistant's current recipe. `endpoint` null: the reader.

    `retrieval` says whether passages are given at all, `profile` how they are searched.
    """

    prompt_version = serializers.UUIDField(required=False)
    system = serializers.CharField(required=False, max_length=20_000)
    user = serializers.CharField(required=False, max_length=20_000)
    endpoint = serializers.UUIDField(required=False, allow_null=True)
    temperature = make_rest_field(SETTINGS["temperature"])
    max_tokens = make_rest_field(SETTINGS["max_tokens"])
    profile = RetrievalSerializer(required=False)
    sampling = SamplingSerializer(required=False)
    retrieval = serializers.BooleanField(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return move_flat(attrs)


class PlaygroundSerializer(serializers.Serializer[Any]):
    assistant = serializers.UUIDField()
    question = serializers.CharField(max_length=MAX_QUESTION)
    variants = VariantSerializer(many=True)

    def validate_variants(self, value: list[Any]) -> list[Any]:
        if not 1 <= len(value) <= MAX_VARIANTS:
            raise serializers.ValidationError(f"Give one to {MAX_VARIANTS} variants.")
        return value


class VariantResultSerializer(serializers.Serializer[Any]):
    """`error` is empty unless there is no answer. Times in milliseconds, cost in US dollars."""

    content = serializers.CharField()
    error = serializers.CharField()
    first_token_ms = serializers.FloatField(allow_null=True)
    total_ms = serializers.FloatField(allow_null=True)
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=14, decimal_places=8)
    passages = serializers.IntegerField()


class PlaygroundView(WorkspaceAPIView):
    @extend_schema(
        operation_id="playground_run",
        request=PlaygroundSerializer,
        responses=VariantResultSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """Ask all variants at once and wait for the last; nothing is stored."""
        form = PlaygroundSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        assistant = get_assistant(self.workspace_id, values["assistant"])
        recipe = load_recipe(self.workspace_id, slug=assistant.slug)
        variants = [self._read_variant(recipe, item) for item in values["variants"]]
        results = async_to_sync(_collect)(recipe, variants, values["question"])
        return Response([_tell(result) for result in results])

    def _read_variant(self, recipe: Recipe, values: dict[str, Any]) -> Variant:
        spec = self._read_spec(recipe, values)
        endpoint = recipe.endpoint
        if "endpoint" in values:
            endpoint_id = values["endpoint"]
            endpoint = get_endpoint(self.workspace_id, endpoint_id) if endpoint_id else None
        own = recipe.frozen
        try:
            profile = change_profile(
                self.workspace_id, own.profile, values.get("profile", {}),
                has_model=endpoint is not None,
            )  # fmt: skip
            sampling = change_sampling(sampling_to_json(own.sampling), values.get("sampling", {}))
        except RecipeError as error:
            part = "profile" if error.part == "retrieval" else error.part
            raise serializers.ValidationError({part: {error.field: [str(error)]}}) from error
        return Variant(spec, endpoint, parse_sampling(sampling), profile, values["retrieval"])

    def _read_spec(self, recipe: Recipe, values: dict[str, Any]) -> PromptSpec:
        spec = recipe.frozen.spec
        if "prompt_version" in values:
            spec = get_version_by_id(self.workspace_id, values["prompt_version"]).spec
        texts = {name: values[name] for name in ("system", "user") if name in values}
        spec = clean_spec(replace(spec, **texts))
        try:
            require_sound(spec)
        except PromptError as error:
            raise prompt_faults(error) from error
        return spec


async def _collect(
    recipe: Recipe, variants: list[Variant], question: str
) -> list[Finished | Failed]:
    running = run_variants(recipe, variants, question=question)
    ends = {place: event async for place, event in running if isinstance(event, Finished | Failed)}
    if len(ends) != len(variants):
        raise Problem(503, "interrupted", "The run was interrupted.")
    return [ends[place] for place in range(len(variants))]


def _tell(result: Finished | Failed) -> dict[str, Any]:
    if isinstance(result, Failed):
        return {
            "content": "", "error": result.reason, "first_token_ms": None, "total_ms": None,
            "input_tokens": 0, "output_tokens": 0, "cost": "0", "passages": 0,
        }  # fmt: skip
    measured = result.measured
    return {
        "content": result.content,
        "error": "",
        "first_token_ms": measured.first_token_ms,
        "total_ms": measured.total_ms,
        "input_tokens": measured.input_tokens,
        "output_tokens": measured.output_tokens,
        "cost": str(measured.cost),
        "passages": measured.num_passages,
    }
