"""`manage.py run_gate WORKSPACE ASSISTANT --release N`: check a release against its gates, for CI.

With `--dataset NAME`, first runs an experiment with this and the current release on the dataset's
newest version; the running workers do the work.
Exits with 0 if the release passes every rule, 1 if it does not, and 2 if that cannot be decided.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from apps.assistants.access import get_assistant_by_slug, get_release
from apps.assistants.models import Assistant, Release
from apps.core.options import OptionError
from apps.datasets.models import DatasetVersion
from apps.evaluation.experiments.metrics import freeze_evaluators
from apps.evaluation.experiments.plans import Plan, PlanError, create_experiment
from apps.evaluation.gates.metric_lookup import resolve_metric
from apps.evaluation.gates.rules import GateVerdict, judge_release, list_rules
from apps.evaluation.models import Experiment, ExperimentState
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor

POLL_S = 1.0
CANNOT_TELL = 2


class Command(BaseCommand):
    help = "Hold a release against its assistant's gates; the exit status is for CI."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="slug of the workspace")
        parser.add_argument("assistant", help="slug of the assistant")
        parser.add_argument("--release", type=int, required=True, help="number of the release")
        parser.add_argument("--dataset", help="run an experiment on this dataset first")
        parser.add_argument("--timeout", type=float, default=3600.0, help="seconds to wait for it")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        release = self._find(options)
        experiment = None
        if options["dataset"]:
            experiment = self._measure(release, options["dataset"], timeout=options["timeout"])
        verdicts = judge_release(release, experiment=experiment)
        self._print(release, verdicts, as_json=options["json"])
        if not all(verdict.ok for verdict in verdicts):
            sys.exit(1)

    def _find(self, options: dict[str, Any]) -> Release:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError("There is no such workspace.", returncode=CANNOT_TELL)
        try:
            assistant = get_assistant_by_slug(workspace.pk, options["assistant"])
            return get_release(assistant, options["release"])
        except Http404:
            raise CommandError(
                "There is no such assistant or release.", returncode=CANNOT_TELL
            ) from None

    def _measure(self, release: Release, dataset: str, *, timeout: float) -> Experiment:
        """Run an experiment with the release and the current one, and wait for its end."""
        version = (
            DatasetVersion.objects.filter(
                workspace_id=release.workspace_id, dataset__name=dataset, number__gt=0
            )
            .order_by("-number")
            .first()
        )
        if version is None:
            raise CommandError("This dataset has no frozen version.", returncode=CANNOT_TELL)
        current = release.assistant.current
        releases = {r.pk: r for r in (current, release) if r is not None}
        try:
            plan = Plan(
                name="",
                dataset_version=version,
                releases=list(releases.values()),
                evaluators=self._plan_evaluators(release.assistant),
            )
            experiment = create_experiment(release.assistant, plan=plan, actor=Actor())
        except (PlanError, OptionError) as error:
            raise CommandError(str(error), returncode=CANNOT_TELL) from error
        return self._wait(experiment, timeout=timeout)

    def _plan_evaluators(self, assistant: Assistant) -> list[dict[str, Any]]:
        """The evaluators that the rules need, with their settings. Raises OptionError."""
        metrics = {
            metric.key: metric
            for rule in list_rules(assistant)
            if (metric := resolve_metric(assistant, rule.metric)).evaluator
        }
        chosen = [
            {"evaluator": metric.evaluator, "settings": metric.settings}
            for metric in metrics.values()
        ]
        return freeze_evaluators(chosen or [{"evaluator": "token_f1"}])

    def _wait(self, experiment: Experiment, *, timeout: float) -> Experiment:
        until = time.monotonic() + timeout
        while experiment.is_open:
            if time.monotonic() > until:
                raise CommandError("The experiment took too long.", returncode=CANNOT_TELL)
            time.sleep(POLL_S)
            experiment.refresh_from_db()
        if experiment.state != ExperimentState.DONE:
            raise CommandError(
                f"The experiment ended early: {experiment.reason}", returncode=CANNOT_TELL
            )
        return experiment

    def _print(self, release: Release, verdicts: list[GateVerdict], *, as_json: bool) -> None:
        if as_json:
            rules = [
                {"name": v.name, "ok": v.ok, "reason": v.reason, "left_out": v.left_out}
                for v in verdicts
            ]
            ok = all(verdict.ok for verdict in verdicts)
            body = {"release": release.number, "ok": ok, "rules": rules}
            self.stdout.write(json.dumps(body))
            return
        for verdict in verdicts:
            self.stdout.write(f"{'pass' if verdict.ok else 'FAIL'}  {verdict.name}")
            self.stdout.write(f"      {verdict.reason}")
        if not verdicts:
            self.stdout.write("This assistant has no gates, so every release passes.")
