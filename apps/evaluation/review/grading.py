"""People's grades of answers, and how far judges agree with them.

A judge below the workspace's bar is shown as not trusted, and no gate listens to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.db.models import Avg, Q, QuerySet, TextField
from django.db.models.functions import MD5, Cast
from django.utils import timezone

from apps.core.charts import PointInput
from apps.core.text import storable
from apps.evaluation.experiments.metrics import Metric, read_metrics
from apps.evaluation.models import (
    Experiment,
    ExperimentItem,
    Grade,
    ItemState,
    JudgeBar,
    Score,
)
from apps.evaluation.review.habits import describe_habits, plot_lengths, read_habits
from apps.workspaces.models import User, Workspace
from apps.workspaces.services import Actor, record_audit
from measures.agreement import (
    Agreement,
    TrustBar,
    find_doubts,
    measure_agreement,
)
from measures.judging.habits import Habits, LengthBin

LOWEST, HIGHEST = 1, 5
MAX_PLANS = 100
"""The number of newest experiments whose judges are listed."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How a judge compares with people's grades. `doubts` is empty if it may decide.

    `habits` are None where only the comparison was asked for.
    """

    metric: Metric
    judge_name: str
    agreement: Agreement | None
    doubts: list[str]
    habits: Habits | None = None

    @property
    def habit_words(self) -> list[str]:
        return describe_habits(self.habits) if self.habits else []

    @property
    def length_points(self) -> list[PointInput]:
        """Score by answer length, for the chart."""
        return plot_lengths(self.metric, self.habits.bins) if self.habits else []

    @property
    def length_rows(self) -> list[tuple[LengthBin, str, str]]:
        """(group, mean score, its bounds) of the chart's table."""
        bins = self.habits.bins if self.habits else ()
        show = self.metric.show
        return [
            (one, show(one.score.estimate), f"{show(one.score.low)} to {show(one.score.high)}")
            for one in bins
        ]

    @property
    def is_trusted(self) -> bool:
        return not self.doubts

    @property
    def words(self) -> str:
        """`agrees with people on 84 % of 50 answers, kappa 0.71`."""
        agreement = self.agreement
        if agreement is None:
            return "never compared with people"
        kappa = "" if agreement.kappa is None else f", kappa {agreement.kappa:.2f}"
        share = f"{agreement.accuracy.estimate * 100:.0f} %"
        return f"agrees with people on {share} of {agreement.count} answers{kappa}"


def find_ungraded(experiment: Experiment, *, user: User) -> ExperimentItem | None:
    """An answer that this person has not graded yet, in an order that mixes the releases."""
    return (
        experiment.items.filter(state=ItemState.DONE, repetition=1)
        .exclude(grades__created_by=user)
        .select_related("example", "release")
        .order_by(MD5(Cast("pk", TextField())))
        .first()
    )


def give_grade(item: ExperimentItem, *, value: int, user: User, note: str = "") -> Grade:
    """Store a grade; a second one replaces the first. Raises ValueError outside of 1 to 5."""
    if not LOWEST <= value <= HIGHEST:
        raise ValueError(f"{value} is no grade")
    grade, _ = Grade.objects.update_or_create(
        item=item,
        created_by=user,
        defaults={
            "workspace_id": item.workspace_id,
            "value": value,
            "note": storable(note)[:2000],
            "created_at": timezone.now(),
        },
    )
    return grade


def list_grades(experiment: Experiment) -> QuerySet[Grade]:
    """People's grades of the experiment's answers, oldest first."""
    grades = Grade.objects.filter(item__experiment=experiment).select_related("item__release")
    return grades.order_by("created_at", "pk")


def get_bar(workspace_id: UUID) -> TrustBar:
    """The bar that the workspace sets for its judges."""
    row = JudgeBar.objects.filter(workspace_id=workspace_id).first()
    return TrustBar(row.accuracy, row.kappa, row.count) if row else TrustBar()


@transaction.atomic
def set_bar(workspace: Workspace, *, bar: TrustBar, actor: Actor) -> None:
    """Set the bar for judges. Raises ValueError for values out of range."""
    if not (0 <= bar.accuracy <= 1 and -1 <= bar.kappa <= 1 and bar.count >= 1):
        raise ValueError(f"{bar} is no bar")
    values = {"accuracy": bar.accuracy, "kappa": bar.kappa, "count": bar.count}
    row, _ = JudgeBar.objects.update_or_create(
        workspace=workspace,
        defaults=values | {"changed_by": actor.user, "changed_at": timezone.now()},
    )
    record_audit(workspace.pk, actor=actor, action="judges.bar_set", subject=row, detail=values)


def measure_trust(
    workspace_id: UUID, metric: Metric, *, judge_name: str, bar: TrustBar | None = None
) -> Trust:
    """Compare a judge with people over all answers of the workspace that both have graded.

    A judge is an evaluator with its settings plus the model behind it. Grades are rounded to
    whole numbers, because kappa compares labels. Judges whose scale is not 1 to 5 cannot be
    compared and are not trusted.
    """
    if (metric.low, metric.high) != (LOWEST, HIGHEST):
        return Trust(metric, judge_name, None, ["Its scale is not that of people's grades."])
    judged = _list_verdicts(workspace_id, metric, judge_name).filter(item__grades__isnull=False)
    rows = judged.annotate(people=Avg("item__grades__value")).values_list("value", "people")
    pairs = [(None if value is None else round(value), round(people)) for value, people in rows]
    agreement = measure_agreement([a for a, _ in pairs], [b for _, b in pairs])
    doubts = find_doubts(agreement, bar or get_bar(workspace_id))
    return Trust(metric, judge_name, agreement, doubts)


def _list_verdicts(workspace_id: UUID, metric: Metric, judge_name: str) -> QuerySet[Score]:
    """What a judge said by the evaluator as it is defined in this version."""
    return Score.objects.filter(
        workspace_id=workspace_id,
        metric=metric.key,
        turn=0,
        experiment__judge_name=judge_name,
        experiment__evaluators__contains=[{"key": metric.key, "version": metric.version}],
    )


def list_trust(experiment: Experiment) -> list[Trust]:
    """The trust in each judge of the experiment, with its habits in this experiment."""
    metrics = [metric for metric in read_metrics(experiment.evaluators) if metric.is_judge]
    judges = [(metric, experiment.judge_name) for metric in metrics]
    return _measure_all(experiment.workspace_id, judges, only=experiment)


def list_judges(workspace_id: UUID) -> list[Trust]:
    """The trust in every judge of the workspace's newest experiments."""
    plans = (
        Experiment.objects.filter(workspace_id=workspace_id)
        .exclude(judge_name="")
        .order_by("-created_at")
        .values_list("evaluators", "judge_name")[:MAX_PLANS]
    )
    judges: dict[tuple[str, int, str], Metric] = {}
    for evaluators, judge_name in plans:
        for metric in read_metrics(evaluators):
            if metric.is_judge:
                judges.setdefault((metric.key, metric.version, judge_name), metric)
    return _measure_all(workspace_id, [(metric, key[-1]) for key, metric in judges.items()])


def _measure_all(
    workspace_id: UUID, judges: Sequence[tuple[Metric, str]], *, only: Experiment | None = None
) -> list[Trust]:
    bar = get_bar(workspace_id) if judges else None
    trust = []
    for metric, name in judges:
        verdicts = _list_verdicts(workspace_id, metric, name)
        if only is not None:
            verdicts = verdicts.filter(experiment=only)
        agreement = measure_trust(workspace_id, metric, judge_name=name, bar=bar)
        trust.append(replace(agreement, habits=read_habits(verdicts)))
    return trust


def count_grades(experiment: Experiment, *, user: User) -> tuple[int, int, int]:
    """(by this person, by anybody, answers that can be graded)."""
    gradable = experiment.items.filter(state=ItemState.DONE, repetition=1)
    return (
        Grade.objects.filter(Q(item__experiment=experiment), created_by=user).count(),
        Grade.objects.filter(item__experiment=experiment).count(),
        gradable.count(),
    )
