"""REST: blind comparisons, people's grades, and the judges that are measured against them.

A vote or a grade is a person's: it counts as that of whoever made the API key.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant
from apps.core.api import Pagination, Problem
from apps.evaluation.access import get_experiment, get_item
from apps.evaluation.models import Experiment
from apps.evaluation.review.arena import (
    VoteError,
    ask_judge,
    compare_judges,
    count_pairs,
    export_preferences,
    find_next_pair,
    list_matches,
    rank_releases,
    record_vote,
)
from apps.evaluation.review.grading import (
    get_bar,
    give_grade,
    list_grades,
    list_judges,
    list_trust,
    set_bar,
)
from apps.evaluation.review.guidelines import list_criteria
from apps.evaluation.review.serializers import (
    ArenaJudgeSerializer,
    ArenaSerializer,
    AskedSerializer,
    CriterionSerializer,
    GradeRequestSerializer,
    GradeSerializer,
    JudgeBarSerializer,
    JudgeSerializer,
    MatchRequestSerializer,
    MatchSerializer,
    NextPairSerializer,
)
from apps.gateway.access import get_endpoint
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import User
from measures.agreement import TrustBar

NOBODY = Problem(
    409, "no_person", "Whoever made this key has left, so nobody stands behind what it votes."
)
VOTED = Problem(409, "voted", "This pair was compared already.")


class OfExperiment(WorkspaceAPIView):
    def find(self, experiment_id: UUID) -> Experiment:
        return get_experiment(self.workspace_id, experiment_id)

    @property
    def person(self) -> User:
        """Whoever made the key. Raises a Problem if that account is gone."""
        maker = self.access.key.created_by
        if maker is None:
            raise NOBODY
        return maker


class ArenaView(OfExperiment):
    @extend_schema(operation_id="arena_retrieve", responses=ArenaSerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """The standings with their intervals, and how judges compare with people."""
        experiment = self.find(experiment_id)
        matches = list(list_matches(experiment))
        body = {
            "pairs": count_pairs(experiment),
            "votes": len(matches),
            "standings": rank_releases(matches),
            "judges": compare_judges(matches, bar=get_bar(self.workspace_id)),
        }
        return Response(ArenaSerializer(body).data)


class ArenaPairView(OfExperiment):
    @extend_schema(operation_id="arena_pair", responses=NextPairSerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """The next pair to compare, without saying whose answers they are."""
        pair = find_next_pair(self.find(experiment_id), voter=self.person)
        return Response(NextPairSerializer({"pair": pair}).data)


class ArenaMatchesView(OfExperiment):
    pagination_class = Pagination

    @extend_schema(operation_id="arena_matches_list", responses=MatchSerializer(many=True))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Every vote in the order in which it was given."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_matches(self.find(experiment_id)), request)
        return paginator.get_paginated_response(MatchSerializer(rows or [], many=True).data)

    @extend_schema(
        operation_id="arena_matches_create",
        request=MatchRequestSerializer,
        responses={201: MatchSerializer},
    )
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Say which of two answers to one question is better."""
        experiment = self.find(experiment_id)
        form = MatchRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        try:
            match = record_vote(
                experiment,
                first_id=values["first"],
                second_id=values["second"],
                winner=values["winner"],
                reason=values["reason"],
                voter=self.person,
            )
        except VoteError:
            raise Http404 from None
        if match is None:
            raise VOTED
        return Response(MatchSerializer(match).data, status=201)


class ArenaJudgeView(OfExperiment):
    @extend_schema(
        operation_id="arena_judge", request=ArenaJudgeSerializer, responses={202: AskedSerializer}
    )
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Let a model compare what it has not compared yet, each pair in both orders."""
        experiment = self.find(experiment_id)
        form = ArenaJudgeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        endpoint = get_endpoint(self.workspace_id, form.validated_data["endpoint"])
        ask_judge(experiment, endpoint, actor=self.actor)
        return Response(AskedSerializer({"model": endpoint.model}).data, status=202)


class ArenaPreferencesView(OfExperiment):
    @extend_schema(
        operation_id="arena_preferences",
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR},
    )
    def get(self, request: Request, experiment_id: UUID) -> StreamingHttpResponse:
        """Votes that chose, as JSON lines of prompt, chosen and rejected."""
        rows = export_preferences(self.find(experiment_id))
        return StreamingHttpResponse(rows, content_type="application/x-ndjson")


class GradesView(OfExperiment):
    pagination_class = Pagination

    @extend_schema(operation_id="grades_list", responses=GradeSerializer(many=True))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """What people think of the experiment's answers."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_grades(self.find(experiment_id)), request)
        return paginator.get_paginated_response(GradeSerializer(rows or [], many=True).data)

    @extend_schema(
        operation_id="grades_create",
        request=GradeRequestSerializer,
        responses={201: GradeSerializer},
    )
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Grade an answer from 1 to 5; a second grade of one person replaces the first."""
        experiment = self.find(experiment_id)
        form = GradeRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        item = get_item(experiment, values.pop("item"))
        grade = give_grade(item, user=self.person, **values)
        return Response(GradeSerializer(grade).data, status=201)


class GuidelineView(WorkspaceAPIView):
    @extend_schema(operation_id="guideline_list", responses=CriterionSerializer(many=True))
    def get(self, request: Request, assistant_id: UUID) -> Response:
        """The assistant's guideline; `criteria` of a new experiment names its lines by their id."""
        rows = list_criteria(get_assistant(self.workspace_id, assistant_id))
        return Response(CriterionSerializer([row.criterion for row in rows], many=True).data)


class ExperimentJudgesView(OfExperiment):
    @extend_schema(operation_id="experiments_judges", responses=JudgeSerializer(many=True))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """The experiment's judges: agreement with people overall, and their habits in it."""
        rows = list_trust(self.find(experiment_id))
        return Response(JudgeSerializer(rows, many=True).data)


class JudgesView(WorkspaceAPIView):
    @extend_schema(operation_id="judges_list", responses=JudgeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The judges of the newest experiments, and whether they may decide."""
        return Response(JudgeSerializer(list_judges(self.workspace_id), many=True).data)


class JudgeBarView(WorkspaceAPIView):
    @extend_schema(operation_id="judge_bar_retrieve", responses=JudgeBarSerializer)
    def get(self, request: Request) -> Response:
        """What judges must reach before a gate listens to them."""
        return Response(JudgeBarSerializer(get_bar(self.workspace_id)).data)

    @extend_schema(
        operation_id="judge_bar_update", request=JudgeBarSerializer, responses=JudgeBarSerializer
    )
    def put(self, request: Request) -> Response:
        """Hold judges to another bar from now on."""
        form = JudgeBarSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(form.validated_data)
        set_bar(self.workspace, bar=TrustBar(**values), actor=self.actor)
        return Response(JudgeBarSerializer(get_bar(self.workspace_id)).data)
