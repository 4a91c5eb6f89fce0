"""Running a probe: ask the questions of its cases, and measure how far the answers moved.

The cases are rows that exist since the probe was started. A worker that takes over after a crash
asks only those without a result.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from apps.assistants.models import Probe, ProbeCase
from apps.assistants.probes.asking import (
    Said,
    ask_about,
    ask_assistant,
    measure_similarity,
)
from apps.assistants.probes.needle import Cell, build_haystack, is_found, make_needle
from apps.assistants.probes.perturb import REVERSED
from apps.assistants.probes.report import is_changed
from apps.assistants.probes.selectors import find_original, list_open_cases
from apps.assistants.probes.services import ORIGINAL, store_case
from apps.assistants.recipe import Recipe, load_release
from apps.core import jobs
from apps.core.aio import run_db
from apps.core.models import Job, JobState
from inference.errors import ModelError
from inference.http_session import close_sessions
from workers.claims import fence
from workers.loops import run_async

Result = tuple[str, dict[str, Any]]
"""An answer, and what was measured on it."""
PARALLEL = 4
TRIES = 3
FATAL_KINDS = frozenset({"auth", "forbidden_address", "not_found"})
GONE = "The model “{name}” was deleted, so it cannot be asked any more."
NO_ORIGINAL = "The original question got no answer to compare with."


class StoppedError(Exception):
    """No other case could be asked either; the message says why."""


def run_probe(job: Job) -> None:
    """Ask all open cases of the job's probe."""
    probe = (
        Probe.objects.select_related("release", "endpoint")
        .filter(pk=job.payload["probe_id"])
        .first()
    )
    if probe is None:
        return
    if probe.endpoint is None and probe.endpoint_name:
        jobs.finish(job, JobState.FAILED, reason=GONE.format(name=probe.endpoint_name))
        return
    try:
        run_async(_Run(job, probe).work)
    except StoppedError as error:
        jobs.finish(job, JobState.FAILED, reason=str(error))


class _Run:
    def __init__(self, job: Job, probe: Probe) -> None:
        self.job, self.probe = job, probe
        self.recipe: Recipe | None = None
        if probe.release is not None:
            recipe = load_release(probe.release)
            self.recipe = replace(recipe, endpoint=probe.endpoint)

    async def work(self) -> None:
        """Ask all open cases. Raises StoppedError, or JobCancelled once the probe is cancelled."""
        try:
            cases = await run_db(list_open_cases, self.probe)
            total = await run_db(self.probe.cases.count)
            first = [case for case in cases if case.given.get("kind") == ORIGINAL]
            rest = [case for case in cases if case.given.get("kind") != ORIGINAL]
            done = total - len(cases)
            for group in (first, rest):
                for start in range(0, len(group), PARALLEL):
                    wave = group[start : start + PARALLEL]
                    results = await self._ask_all(wave)
                    done += len(wave)
                    await run_db(self._store, wave, results, done, total)
        finally:
            await close_sessions()

    def _store(
        self,
        wave: list[ProbeCase],
        results: list[tuple[str, dict[str, Any]]],
        done: int,
        total: int,
    ) -> None:
        with fence(self.job):
            for case, (answer, result) in zip(wave, results, strict=True):
                store_case(case, answer=answer, result=result)
            Job.objects.filter(pk=self.job.pk).update(done=done, total=total)

    async def _ask_all(self, wave: list[ProbeCase]) -> list[Result]:
        """Ask several cases at once, and wait for all of them even if one ends the probe."""
        outcomes = await asyncio.gather(*(self._ask(case) for case in wave), return_exceptions=True)
        results: list[Result] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
        return results

    async def _ask(self, case: ProbeCase) -> Result:
        for attempt in range(1, TRIES + 1):
            try:
                if self.recipe is not None:
                    return await self._ask_perturbed(self.recipe, case)
                return await self._ask_needle(case)
            except ModelError as error:
                if error.kind in FATAL_KINDS:
                    raise StoppedError(error.message) from error
                if attempt == TRIES or not error.retryable:
                    return "", {"error": error.message}
                await asyncio.sleep(min(error.retry_after or float(attempt), 30.0))
        raise AssertionError("unreachable")

    async def _ask_perturbed(self, recipe: Recipe, case: ProbeCase) -> Result:
        change = case.given
        reply = await ask_assistant(recipe, change["text"], backwards=change["kind"] == REVERSED)
        result: dict[str, Any] = {"declined": reply.is_declined}
        if change["kind"] != ORIGINAL:
            result |= await run_db(self._compare, change["question"], reply)
        return reply.text, result

    def _compare(self, question: int, reply: Said) -> dict[str, Any]:
        original = find_original(self.probe, question)
        if original is None or not original.result or original.result.get("error"):
            return {"error": NO_ORIGINAL}
        similarity = measure_similarity(original.answer, reply.text)
        declined = (bool(original.result["declined"]), reply.is_declined)
        changed = is_changed(similarity, declined=declined)
        return {"similarity": round(similarity, 4), "changed": changed}

    async def _ask_needle(self, case: ProbeCase) -> Result:
        cell = Cell(case.given["length"], case.given["depth"], case.given["attempt"])
        seed = self.probe.settings["seed"]
        needle = make_needle(cell, seed=seed)
        reply = await ask_about(
            self.probe.endpoint, build_haystack(cell, seed=seed), needle.question
        )
        result = {"found": is_found(reply.text, needle.code), "input_tokens": reply.input_tokens}
        return reply.text, result
