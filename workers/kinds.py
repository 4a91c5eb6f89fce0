"""Each kind of job: what runs it, on which queue, on how many threads, and what a failure does.

The web process reads this table to send wake-ups and must not pay for what the handlers import
(models, parsers, the apps above). So the table names functions, and they are imported on use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from django.utils.module_loading import import_string

from apps.core.models import Job, JobKind
from workers.queues import Queue

Handler = Callable[[Job], None]
"""Runs one job. It may run twice for the same job, and must then end the same way."""

Drain = Callable[[], int]
"""Claims and runs due jobs of a kind until none is left; returns how many ended."""


class OnFailure(Protocol):
    """Shows why a job failed on the row that the job was for."""

    def __call__(self, job: Job, *, code: str, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Work:
    """How a kind of job is run. `handler`, `drain` and `on_failure` are dotted names of functions.

    A kind has a handler, a drain, or both. Without a drain, jobs are claimed one at a time and
    passed to the handler; a drain claims jobs itself, and may pass single ones to `run_job`.
    `slots` is how many threads of a process may run the kind at once. Without `on_failure`, only
    the job itself records why it failed, which is where the pages of that kind look.
    """

    handler: str
    queue: Queue
    slots: int = 1
    on_failure: str = ""
    drain: str = ""


_FAIL_VERSION = "workers.pipelines.versions.fail_version_of"

WORKS: dict[JobKind, Work] = {
    # Reading takes at most three of the worker's eight threads, and long documents two of these, so
    # that short ones, embedding, deleting and the sweep go on however many long ones wait.
    JobKind.PARSE_VERSION: Work(
        "workers.pipelines.ingest.parse_version",
        Queue.INGEST,
        slots=3,
        on_failure=_FAIL_VERSION,
        drain="workers.pipelines.ingest_plain.read_swarms",
    ),
    JobKind.EMBED_VERSION: Work(
        "",  # one batch holds passages of many documents, so no job can be run alone
        Queue.EMBED,
        on_failure=_FAIL_VERSION,
        drain="workers.pipelines.embed.embed_versions",
    ),
    JobKind.FETCH_URL: Work(
        "workers.pipelines.fetch.fetch_url", Queue.INGEST, on_failure=_FAIL_VERSION
    ),
    JobKind.REINDEX_PASSAGES: Work(
        "workers.pipelines.reindex_passages.reindex_passages", Queue.EMBED
    ),
    JobKind.BUILD_INDEX: Work("workers.pipelines.index_build.build_index", Queue.EMBED),
    JobKind.DISCARD_INDEX: Work("workers.pipelines.index_build.discard_index", Queue.MAINTENANCE),
    JobKind.INDEX_VECTORS: Work("workers.pipelines.vector_index.index_vectors", Queue.MAINTENANCE),
    JobKind.ADD_CONTEXTS: Work("workers.pipelines.contexts.add_contexts", Queue.EVALUATION),
    JobKind.CHANGE_DOCUMENTS: Work(
        "workers.pipelines.document_changes.change_documents", Queue.MAINTENANCE
    ),
    JobKind.PURGE_DOCUMENT: Work("workers.pipelines.purge.purge_document", Queue.MAINTENANCE),
    JobKind.SEED_DEMO: Work("workers.pipelines.demo.seed_demo", Queue.MAINTENANCE),
    JobKind.RUN_EXPERIMENT: Work(
        "workers.pipelines.experiment.run_experiment",
        Queue.EVALUATION,
        on_failure="workers.pipelines.experiment.fail_experiment",
    ),
    JobKind.RUN_PROBE: Work("workers.pipelines.probe.run_probe", Queue.EVALUATION),
    JobKind.JUDGE_ARENA: Work("workers.pipelines.arena.judge_arena", Queue.EVALUATION),
    JobKind.MEASURE_RETRIEVAL: Work(
        "workers.pipelines.lab_run.measure_retrieval", Queue.EVALUATION
    ),
    JobKind.SUGGEST_QUESTIONS: Work(
        "workers.pipelines.suggestions.suggest_questions", Queue.EVALUATION
    ),
    JobKind.SYNTHESISE: Work("workers.pipelines.synthesis.synthesise", Queue.EVALUATION),
}


def task_name(kind: JobKind) -> str:
    """The Celery task that runs jobs of the kind, as logs and monitors show it."""
    return f"workers.{kind.value}"


def load_handler(kind: JobKind) -> Handler:
    """The function that runs one job of the kind. Raises ImportError if the table names none."""
    return cast(Handler, import_string(WORKS[kind].handler))


def load_drain(kind: JobKind) -> Drain | None:
    """The function that claims and runs all due jobs of the kind, if it has one."""
    name = WORKS[kind].drain
    return cast(Drain, import_string(name)) if name else None


def load_on_failure(kind: JobKind) -> OnFailure | None:
    """The function that shows a failure on the row that a job of the kind was for, if any."""
    name = WORKS[kind].on_failure
    return cast(OnFailure, import_string(name)) if name else None


def load_all() -> None:
    """Import every function of the table. Raises ImportError if one is not where it should be."""
    for kind, work in WORKS.items():
        if work.handler:
            load_handler(kind)
        load_drain(kind)
        load_on_failure(kind)
