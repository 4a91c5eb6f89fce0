"""`manage.py run_gate WORKSPACE ASSISTANT --release N`: whether a release may answer, for CI.

With `--dataset NAME` an experiment on the dataset's newest version is run first, by the workers
that are running anyway, with the release and the one that answers now.
Ends with 0 if the release passes every rule, with 1 if it does not, with 2 if that cannot be told.
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
from apps.assistants.models import Release
from apps.core.options import OptionError
from apps.datasets.models import DatasetVersion
from apps.evaluation.experiments.metrics import OPERATIONAL, freeze_evaluators
from apps.evaluation.experiments.plans import Plan, PlanError, create_experiment
from apps.evaluation.gates.rules import Verdict, judge_release, list_rules
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
        """Ask the release and the current one, and wait until that is through."""
        version = (
            DatasetVersion.objects.filter(
                workspace_id=release.workspace_id, dataset__name=dataset, number__gt=0
            )
            .order_by("-number")
            .first()
        )
        if version is None:
            raise CommandError("This dataset has no frozen version.", returncode=CANNOT_TELL)
        always = {metric.key for metric in OPERATIONAL}
        names = dict.fromkeys(
            rule.metric.partition("@")[0]
            for rule in list_rules(release.assistant)
            if rule.metric not in always
        )
        current = release.assistant.current
        releases = {r.pk: r for r in (current, release) if r is not None}
        try:
            plan = Plan(
                name=f"Gate of release {release.number}",
                dataset_version=version,
                releases=list(releases.values()),
                evaluators=freeze_evaluators({"evaluator": name} for name in names or ["token_f1"]),
            )
            experiment = create_experiment(release.assistant, plan=plan, actor=Actor())
        except (PlanError, OptionError) as error:
            raise CommandError(str(error), returncode=CANNOT_TELL) from error
        return self._wait(experiment, timeout=timeout)

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

    def _print(self, release: Release, verdicts: list[Verdict], *, as_json: bool) -> None:
        if as_json:
            rules = [{"name": v.name, "ok": v.ok, "reason": v.reason} for v in verdicts]
            ok = all(verdict.ok for verdict in verdicts)
            body = {"release": release.number, "ok": ok, "rules": rules}
            self.stdout.write(json.dumps(body))
            return
        for verdict in verdicts:
            self.stdout.write(f"{'pass' if verdict.ok else 'FAIL'}  {verdict.name}")
            self.stdout.write(f"      {verdict.reason}")
        if not verdicts:
            self.stdout.write("This assistant has no gates, so every release passes.")
