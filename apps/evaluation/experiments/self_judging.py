"""Judges that are the model they judge: marked wherever their scores are read."""

from __future__ import annotations

from collections.abc import Iterable

from apps.assistants.models import Release
from apps.evaluation.experiments.metrics import read_metrics
from apps.evaluation.models import Experiment
from measures.judging.self_preference import is_same_model

WARNING = (
    "The judge {judge} is the model that answers in {releases}: models grade their own answers "
    "higher (self-preference)."
)


def list_self_judged(experiment: Experiment) -> list[Release]:
    """Releases whose model is also the experiment's judge, by number; none without a judge."""
    if not any(metric.is_judge for metric in read_metrics(experiment.evaluators)):
        return []
    return list_answered_by(experiment.judge_name, experiment.releases.all())


def list_answered_by(model: str, releases: Iterable[Release]) -> list[Release]:
    """Those of the releases that this model answers for, by number."""
    own = [r for r in releases if is_same_model(model, r.endpoint_snapshot.get("model") or "")]
    return sorted(own, key=lambda release: release.number)


def warn_of_self_judging(judge: str, releases: Iterable[Release]) -> str:
    """A sentence that names the judge and the releases; empty if there are none."""
    numbers = [str(release.number) for release in releases]
    if not numbers:
        return ""
    names = f"release {numbers[0]}" if len(numbers) == 1 else f"releases {', '.join(numbers)}"
    return WARNING.format(judge=judge, releases=names)
