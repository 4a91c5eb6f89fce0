"""Experiments: their plans, answers and scores.

An experiment's plan is its rows: one `ExperimentItem` for every example, release and repetition,
written when the experiment is created. A worker looks up which of them are still open; progress
is stored nowhere else, so an interrupted experiment resumes where it stopped.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.assistants.models import Assistant, Release
from apps.datasets.models import DatasetVersion, Example
from apps.documents.models import Document, DocumentVersion
from apps.gateway.models import Endpoint
from apps.traces.models import Trace
from apps.workspaces.models import User, WorkspaceModel

MAX_METRIC = 80


class ExperimentState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


class Experiment(WorkspaceModel):
    """A frozen plan: releases by examples by evaluators.

    `evaluators`: [{"key", "evaluator", "settings", "version", "label", "group", "unit", "low",
    "high", "higher_is_better"}] in the order shown, as `experiments.metrics` froze them; the
    first is the headline. With `sample_size` None, all examples are used; otherwise the examples'
    keys are hashed with `sample_seed` and the first ones are taken, so that two experiments with
    the same seed use the same examples. `with_turns` also asks the earlier questions of a
    conversation instead of using the turns stored in the example. `baseline` is the release that
    was live when the experiment was created, `judge` the endpoint that judges call. States:
    queued -> running -> done | failed | cancelled, and back to queued when resumed. `done`,
    `failed` and `cost` (US dollars) are updated with the items.
    """

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="experiments")
    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.RESTRICT, related_name="experiments"
    )
    releases = models.ManyToManyField(Release, related_name="experiments")
    baseline = models.ForeignKey(Release, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    evaluators = models.JSONField(default=list)
    judge = models.ForeignKey(
        Endpoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    judge_name = models.CharField(max_length=200, blank=True)
    repeats = models.PositiveSmallIntegerField(default=1)
    sample_size = models.PositiveIntegerField(null=True, blank=True)
    sample_seed = models.PositiveIntegerField(default=0)
    with_turns = models.BooleanField(default=False)
    parallel = models.PositiveSmallIntegerField(default=4)
    state = models.CharField(
        max_length=12, choices=ExperimentState.choices, default=ExperimentState.QUEUED
    )
    reason = models.TextField(blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="experiment_recent"),
            models.Index(fields=["assistant", "-created_at"], name="experiment_assistant"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.state in (ExperimentState.QUEUED, ExperimentState.RUNNING)


class ItemState(models.TextChoices):
    PENDING = "pending", "To do"
    ANSWERED = "answered", "To score"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    WITHDRAWN = "withdrawn", "Withdrawn"


OPEN_ITEMS = (ItemState.PENDING, ItemState.ANSWERED)


class ExperimentItem(WorkspaceModel):
    """One answer of one release to one example.

    States: pending -> answered -> done | failed; failed -> pending on a retry; done -> withdrawn
    when a document that it quotes is deleted. `turns`: [{"question", "answer", "is_declined"}],
    asked before this question, if whole conversations are asked. Times in milliseconds, cost in
    dollars.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="items")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="+")
    example = models.ForeignKey(Example, on_delete=models.CASCADE, related_name="items")
    repetition = models.PositiveSmallIntegerField(default=1)
    position = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    is_declined = models.BooleanField(default=False)
    turns = models.JSONField(default=list, blank=True)
    trace = models.ForeignKey(Trace, on_delete=models.SET_NULL, null=True, related_name="+")
    duration_ms = models.FloatField(null=True)
    first_token_ms = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "release", "example", "repetition"], name="item_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["experiment", "repetition", "position"],
                name="item_open",
                condition=models.Q(state__in=["pending", "answered"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.example} by {self.release}"


class ItemPassage(models.Model):
    """One passage of an item's retrieval snapshot, like `chat.RetrievedPassage` for an answer.

    It is deleted with its document. Offsets count characters of the version's full text. `turn` 0
    is the item's own question, 1 and up the earlier ones that were asked before it.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    item = models.ForeignKey(ExperimentItem, on_delete=models.CASCADE, related_name="passages")
    turn = models.PositiveSmallIntegerField(default=0, db_default=0)
    number = models.PositiveSmallIntegerField()
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    page = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    heading = models.CharField(max_length=500, blank=True)
    table_head = models.TextField(null=True)  # noqa: DJ001
    score = models.FloatField()
    is_cited = models.BooleanField(default=False)
    cited_start = models.PositiveIntegerField(null=True)
    cited_end = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "turn", "number"], name="item_passage_number")
        ]

    def __str__(self) -> str:
        return f"[{self.number}]"


class Score(models.Model):
    """An evaluator's score of an item. `turn` 0 is the whole task, 1 and up its earlier turns.

    `value` None means that scoring failed, with the `reason`; if the evaluator does not apply, such
    as recall without expected passages, there is no row. For a value, `reason` is the judge's.
    `details` are the evaluator's own, as plain JSON: a judge's single grades and their spread, a
    checklist's answers, an answer's statements.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    experiment = models.ForeignKey(
        Experiment, on_delete=models.CASCADE, related_name="scores", db_index=False
    )
    item = models.ForeignKey(
        ExperimentItem, on_delete=models.CASCADE, related_name="scores", db_index=False
    )
    metric = models.CharField(max_length=MAX_METRIC)
    turn = models.PositiveSmallIntegerField(default=0)
    value = models.FloatField(null=True)
    label = models.CharField(max_length=60, blank=True)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, db_default={})

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "metric", "turn"], name="score_once")
        ]
        indexes = [
            models.Index(
                fields=["experiment", "metric"], include=["item", "turn", "value"],
                name="score_values",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.metric}: {self.value}"


class Summary(models.Model):
    """One metric's aggregates for one release, so that no page has to aggregate scores.

    `low` and `high` bound the mean with 95 % confidence. Against the experiment's baseline:
    `better`, `worse` and `same` count examples, `change` is the mean difference with its bounds;
    they are null if the baseline has no result on these examples. `spread` is the standard
    deviation between repetitions of an example, averaged over examples.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="summaries")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="+")
    metric = models.CharField(max_length=MAX_METRIC)
    count = models.PositiveIntegerField()
    mean = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    p50 = models.FloatField(null=True)
    p95 = models.FloatField(null=True)
    better = models.PositiveIntegerField(null=True)
    worse = models.PositiveIntegerField(null=True)
    same = models.PositiveIntegerField(null=True)
    change = models.FloatField(null=True)
    change_low = models.FloatField(null=True)
    change_high = models.FloatField(null=True)
    spread = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "release", "metric"], name="summary_once")
        ]

    def __str__(self) -> str:
        return f"{self.metric}: {self.mean}"


class GateRule(WorkspaceModel):
    """A rule that an assistant's releases must pass before promotion.

    `kind` at_least and at_most compare `statistic` (mean, p50, p95) of the metric with
    `threshold`; not_worse compares with the current release: with `confidence`, the mean may be
    worse by at most `threshold`. Thresholds are in the metric's own unit: shares from 0 to 1,
    milliseconds, dollars.
    """

    class Kind(models.TextChoices):
        NOT_WORSE = "not_worse", "is not worse than now"
        AT_LEAST = "at_least", "is at least"
        AT_MOST = "at_most", "is at most"

    class Statistic(models.TextChoices):
        MEAN = "mean", "mean"
        P50 = "p50", "median"
        P95 = "p95", "95th percentile"

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="gate_rules")
    metric = models.CharField(max_length=MAX_METRIC)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    statistic = models.CharField(max_length=5, choices=Statistic.choices, default=Statistic.MEAN)
    threshold = models.FloatField()
    confidence = models.FloatField(default=0.95)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"{self.metric} {self.get_kind_display()} {self.threshold:g}"


class Criterion(WorkspaceModel):
    """A line of an assistant's guideline: what a good answer is, and how it is measured.

    It connects a business goal (`outcome`, such as "fewer reopened tickets") with a rubric for
    people and judges, with examples, and with the metric that represents it.
    """

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="criteria")
    name = models.CharField(max_length=80)
    rubric = models.TextField()
    good_example = models.TextField(blank=True)
    bad_example = models.TextField(blank=True)
    metric = models.CharField(max_length=MAX_METRIC, blank=True)
    outcome = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("position", "created_at", "id")
        constraints = [models.UniqueConstraint(fields=["assistant", "name"], name="criterion_name")]

    def __str__(self) -> str:
        return self.name


class Grade(WorkspaceModel):
    """A person's grade of an item, from 1 to 5; judges are measured against these."""

    item = models.ForeignKey(ExperimentItem, on_delete=models.CASCADE, related_name="grades")
    value = models.PositiveSmallIntegerField()
    note = models.TextField(blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "created_by"], name="grade_once"),
            models.CheckConstraint(
                condition=models.Q(value__gte=1, value__lte=5), name="grade_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value} of 5"


class JudgeBar(WorkspaceModel):
    """What judges of a workspace must reach before a gate listens to them.

    `accuracy` is the share of people's grades that a judge reproduces, `kappa` is Cohen's, `count`
    is how many graded answers are required. Without a row, the defaults of `TrustBar` apply.
    """

    accuracy = models.FloatField()
    kappa = models.FloatField()
    count = models.PositiveIntegerField()
    changed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace"], name="judge_bar_once")]

    def __str__(self) -> str:
        return f"{self.accuracy:.0%}, kappa {self.kappa:.2f}, {self.count} answers"


class Winner(models.TextChoices):
    FIRST = "first", "The first"
    SECOND = "second", "The second"
    TIE = "tie", "Equally good"
    NEITHER = "neither", "Neither is good"


class Match(WorkspaceModel):
    """A blind comparison of two answers to one example, by a person or by a judge.

    `first` was shown as A; the voter did not know which release it came from. `judge` names the
    judge if no person voted; it saw the pair in both orders. `consistent` is whether it said the
    same in both, `took_first` how often it preferred the answer shown first, of the orders in
    which it preferred one. Both are null for people, and `took_first` where it named no winner.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="matches")
    first = models.ForeignKey(ExperimentItem, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(ExperimentItem, on_delete=models.CASCADE, related_name="+")
    winner = models.CharField(max_length=8, choices=Winner.choices)
    reason = models.TextField(blank=True)
    voter = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    judge = models.CharField(max_length=120, blank=True)
    consistent = models.BooleanField(null=True)
    took_first = models.FloatField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["experiment", "created_at"], name="match_order")]
        constraints = [
            models.UniqueConstraint(
                fields=["first", "second", "voter"], name="match_voter",
                condition=models.Q(voter__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["first", "second", "judge"], name="match_judge",
                condition=~models.Q(judge=""),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.first_id} : {self.second_id}, {self.winner}"
