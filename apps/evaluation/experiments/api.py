"""REST: experiments, their results and comparisons."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant, get_release
from apps.core.api import Pagination
from apps.core.options import OptionError
from apps.datasets.access import get_version
from apps.evaluation.access import (
    get_criterion,
    get_experiment,
    get_experiment_release,
    get_item,
)
from apps.evaluation.experiments.metrics import freeze_evaluators
from apps.evaluation.experiments.plans import (
    Plan,
    PlanError,
    cancel_experiment,
    create_experiment,
    delete_experiment,
    resume_experiment,
)
from apps.evaluation.experiments.release_comparison import (
    compare_metrics,
    load_passages,
    order_releases,
)
from apps.evaluation.experiments.selectors import list_experiments, list_items, list_summaries
from apps.evaluation.experiments.sentences import view_sentences
from apps.evaluation.experiments.serializers import (
    ComparisonSerializer,
    EvaluatorSerializer,
    ExperimentRequestSerializer,
    ExperimentSerializer,
    ItemSerializer,
    PlanSerializer,
    PresetSerializer,
    SentenceSerializer,
    SummarySerializer,
)
from apps.evaluation.models import Experiment
from apps.evaluation.review.guidelines import make_judge
from apps.gateway.access import get_endpoint
from apps.workspaces.api import WorkspaceAPIView
from measures.evaluators.presets import PRESETS
from measures.evaluators.registry import all_evaluators


class EvaluatorsView(WorkspaceAPIView):
    @extend_schema(operation_id="evaluators_list", responses=EvaluatorSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every evaluator with its settings and what it reads."""
        return Response(EvaluatorSerializer(list(all_evaluators().values()), many=True).data)


class PresetsView(WorkspaceAPIView):
    @extend_schema(operation_id="evaluator_presets_list", responses=PresetSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Named choices of evaluators, for `preset` of a new experiment."""
        return Response(PresetSerializer(list(PRESETS.values()), many=True).data)


class ExperimentListView(WorkspaceAPIView):
    pagination_class = Pagination

    @extend_schema(
        operation_id="experiments_list",
        parameters=[OpenApiParameter("assistant", description="The assistant's slug")],
        responses=ExperimentSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The workspace's experiments, newest first."""
        rows = list_experiments(self.workspace_id).prefetch_related("releases")
        if slug := request.query_params.get("assistant"):
            rows = rows.filter(assistant__slug=slug)
        paginator = Pagination()
        page = paginator.paginate_queryset(rows, request)
        return paginator.get_paginated_response(ExperimentSerializer(page or [], many=True).data)

    @extend_schema(
        operation_id="experiments_create",
        request=ExperimentRequestSerializer,
        responses={201: ExperimentSerializer},
    )
    def post(self, request: Request) -> Response:
        """Freeze a plan and begin to work through it."""
        form = ExperimentRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        assistant = get_assistant(self.workspace_id, values.pop("assistant"))
        dataset, number = values.pop("dataset"), values.pop("version")
        judge = values.pop("judge", None)
        releases = [get_release(assistant, number) for number in values.pop("releases")]
        criteria = [get_criterion(assistant, pk) for pk in dict.fromkeys(values.pop("criteria"))]
        try:
            plan = Plan(
                dataset_version=get_version(self.workspace_id, dataset, number),
                releases=releases,
                evaluators=freeze_evaluators(
                    [*values.pop("evaluators"), *map(make_judge, criteria)]
                ),
                judge=get_endpoint(self.workspace_id, judge) if judge else None,
                **values,
            )
            experiment = create_experiment(assistant, plan=plan, actor=self.actor)
        except (PlanError, OptionError) as error:
            raise serializers.ValidationError({error.field: [str(error)]}) from error
        return Response(ExperimentSerializer(experiment).data, status=201)


class ExperimentBase(WorkspaceAPIView):
    def find(self, experiment_id: UUID) -> Experiment:
        return get_experiment(self.workspace_id, experiment_id)


class ExperimentView(ExperimentBase):
    @extend_schema(operation_id="experiments_retrieve", responses=ExperimentSerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """How far it is."""
        return Response(ExperimentSerializer(self.find(experiment_id)).data)

    @extend_schema(operation_id="experiments_destroy", responses={204: None})
    def delete(self, request: Request, experiment_id: UUID) -> Response:
        """With all its answers and scores."""
        delete_experiment(self.find(experiment_id), actor=self.actor)
        return Response(status=204)


class ExperimentPlanView(ExperimentBase):
    @extend_schema(operation_id="experiments_plan", responses=PlanSerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """What was frozen."""
        return Response(PlanSerializer(self.find(experiment_id)).data)


class ExperimentCancelView(ExperimentBase):
    @extend_schema(operation_id="experiments_cancel", request=None, responses=ExperimentSerializer)
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Stop it; what was answered is kept."""
        cancel_experiment(self.find(experiment_id), actor=self.actor)
        return Response(ExperimentSerializer(self.find(experiment_id)).data)


class ExperimentResumeView(ExperimentBase):
    @extend_schema(operation_id="experiments_resume", request=None, responses=ExperimentSerializer)
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Go on with what is missing, and try what failed again."""
        resume_experiment(self.find(experiment_id), actor=self.actor)
        return Response(ExperimentSerializer(self.find(experiment_id)).data)


class ExperimentSummaryView(ExperimentBase):
    @extend_schema(operation_id="experiments_summary", responses=SummarySerializer(many=True))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Every metric of every release, with its bounds and its change."""
        rows = list_summaries(self.find(experiment_id))
        return Response(SummarySerializer(rows, many=True).data)


class ExperimentItemsView(ExperimentBase):
    pagination_class = Pagination

    @extend_schema(operation_id="experiments_items", responses=ItemSerializer(many=True))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Answers with their scores, page by page."""
        paginator = Pagination()
        page = paginator.paginate_queryset(list_items(self.find(experiment_id)), request)
        return paginator.get_paginated_response(ItemSerializer(page or [], many=True).data)


class ExperimentSentencesView(ExperimentBase):
    @extend_schema(operation_id="experiments_sentences", responses=SentenceSerializer(many=True))
    def get(self, request: Request, experiment_id: UUID, item_id: UUID) -> Response:
        """An answer sentence by sentence: what supports each, and what its citations are worth."""
        item = get_item(self.find(experiment_id), item_id)
        rows = view_sentences(item, load_passages([item]).get(item.pk, []))
        return Response(SentenceSerializer(rows, many=True).data)


class ExperimentCompareView(ExperimentBase):
    @extend_schema(
        operation_id="experiments_compare",
        parameters=[
            OpenApiParameter("first", int, description="A release's number; default: baseline"),
            OpenApiParameter("second", int, description="Another's; default: the newest other"),
        ],
        responses=ComparisonSerializer(many=True),
    )
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Two releases by every metric, paired over the same examples.

        Differences are candidate minus promoted, in whatever order the two are named; of two
        releases that were not promoted, `second` is the candidate.
        """
        experiment = self.find(experiment_id)
        numbers = list(experiment.releases.order_by("number").values_list("number", flat=True))
        base = experiment.baseline.number if experiment.baseline else numbers[0]
        first = request.query_params.get("first") or str(base)
        others = [number for number in numbers if str(number) != first] or numbers
        second = request.query_params.get("second") or str(others[-1])
        promoted, candidate = order_releases(
            experiment,
            get_experiment_release(experiment, first),
            get_experiment_release(experiment, second),
        )
        rows = compare_metrics(experiment, promoted, candidate)
        context = {"candidate": candidate.number, "against": promoted.number}
        return Response(ComparisonSerializer(rows, many=True, context=context).data)
