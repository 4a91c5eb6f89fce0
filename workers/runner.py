"""Runs jobs: takes what is due of a kind from Postgres until nothing is left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from apps.core import jobs
from apps.core.jobs import JobCancelled
from apps.core.logs import correlation_id
from apps.core.models import Job, JobKind, JobState
from workers import wakeups
from workers.claims import claim_due, claim_swarm, close_connection
from workers.failures import fail_internally, is_passing, put_back
from workers.heartbeat import heart
from workers.pipelines.arena import judge_arena
from workers.pipelines.contexts import add_contexts
from workers.pipelines.demo import seed_demo
from workers.pipelines.embed import embed_versions
from workers.pipelines.experiment import run_experiment
from workers.pipelines.fetch import fetch_url
from workers.pipelines.index_build import build_index, discard_index
from workers.pipelines.ingest import parse_version
from workers.pipelines.ingest_plain import read_together
from workers.pipelines.lab_run import measure_retrieval
from workers.pipelines.probe import run_probe
from workers.pipelines.purge import purge_document
from workers.pipelines.reindex_passages import reindex_passages
from workers.pipelines.synthesis import synthesise
from workers.pipelines.vector_index import index_vectors
from workers.slots import Slots

logger = logging.getLogger(__name__)

HANDLERS: dict[JobKind, Callable[[Job], None]] = {
    JobKind.PARSE_VERSION: parse_version,
    JobKind.FETCH_URL: fetch_url,
    JobKind.REINDEX_PASSAGES: reindex_passages,
    JobKind.BUILD_INDEX: build_index,
    JobKind.DISCARD_INDEX: discard_index,
    JobKind.INDEX_VECTORS: index_vectors,
    JobKind.ADD_CONTEXTS: add_contexts,
    JobKind.PURGE_DOCUMENT: purge_document,
    JobKind.SEED_DEMO: seed_demo,
    JobKind.RUN_EXPERIMENT: run_experiment,
    JobKind.RUN_PROBE: run_probe,
    JobKind.JUDGE_ARENA: judge_arena,
    JobKind.MEASURE_RETRIEVAL: measure_retrieval,
    JobKind.SYNTHESISE: synthesise,
}
SLOTS = {
    # Reading takes two of the worker's eight threads at most: however many long documents wait,
    # embedding, deleting and the sweep go on.
    JobKind.PARSE_VERSION: Slots(2),
    JobKind.EMBED_VERSION: Slots(1),
    JobKind.FETCH_URL: Slots(1),
    JobKind.REINDEX_PASSAGES: Slots(1),
    JobKind.BUILD_INDEX: Slots(1),
    JobKind.DISCARD_INDEX: Slots(1),
    JobKind.INDEX_VECTORS: Slots(1),
    JobKind.ADD_CONTEXTS: Slots(1),
    JobKind.PURGE_DOCUMENT: Slots(1),
    JobKind.SEED_DEMO: Slots(1),
    JobKind.RUN_EXPERIMENT: Slots(1),
    JobKind.RUN_PROBE: Slots(1),
    JobKind.JUDGE_ARENA: Slots(1),
    JobKind.MEASURE_RETRIEVAL: Slots(1),
    JobKind.SYNTHESISE: Slots(1),
}


LINGER_S = 0.25
LOOK_EVERY_S = 0.03
"""Jobs come in swarms: looking again for a moment costs less than another message."""

TOGETHER = 12
"""Plain texts that are read together."""

GATHER_S = 0.1
"""Uploads come one by one: after some were read, this long others may gather."""


def run_due(kind: JobKind) -> None:
    """Run what is due of a kind, in this thread, unless enough threads are at it already."""
    slots = SLOTS[kind]
    if not slots.enter():
        return
    try:
        while True:
            _drain_until_quiet(kind)
            if slots.leave():
                return
    except BaseException:
        slots.abandon()
        raise
    finally:
        close_connection()


def _drain_until_quiet(kind: JobKind) -> None:
    """Run due jobs until none has come for a moment."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < LINGER_S:
        if drain(kind):
            quiet_since = time.monotonic()
        else:
            time.sleep(LOOK_EVERY_S)
    wakeups.unmark(kind)
    drain(kind)


def drain(kind: JobKind) -> int:
    """Run due jobs of a kind until there is none; returns how many ended.

    A database that is away ends the drain quietly: the sweep starts another.
    """
    count = 0
    try:
        if kind == JobKind.EMBED_VERSION:
            return embed_versions()
        if kind == JobKind.PARSE_VERSION:
            return _read_swarms()
        while claimed := claim_due(kind):
            run_job(claimed[0])
            count += 1
    except Exception as error:
        close_connection()
        if not is_passing(error):
            raise
        logger.warning("%s: passing trouble: %s", kind, type(error).__name__)
    return count


def _read_swarms() -> int:
    """Read documents, plain texts several at a time."""
    count = 0
    while claimed := claim_swarm(JobKind.PARSE_VERSION, limit=TOGETHER):
        heart.add(claimed)
        try:
            done = _read_together(claimed) if len(claimed) > 1 else set()
            for job in claimed:
                if job.pk not in done:
                    run_job(job)
        finally:
            heart.remove(claimed)
        count += len(claimed)
        if "plain" in claimed[0].payload and len(claimed) < TOGETHER:
            time.sleep(GATHER_S)
    return count


def _read_together(claimed: Sequence[Job]) -> set[UUID]:
    """The jobs that ended; the others are for `run_job`, whatever was the matter."""
    try:
        return read_together(claimed)
    except Exception as error:
        logger.warning("not read together: %s", type(error).__name__)
        if is_passing(error):
            close_connection()
        return set()


def run_job(job: Job) -> None:
    """Run one claimed job to whatever end it comes to."""
    token = correlation_id.set(str(job.pk))
    try:
        with heart.beating(job):
            HANDLERS[JobKind(job.kind)](job)
            if job.state == JobState.RUNNING:  # some end their job with their last transaction
                jobs.finish(job, JobState.SUCCEEDED)
    except JobCancelled:
        jobs.finish(job, JobState.CANCELLED)
    except Exception as error:
        if is_passing(error):
            logger.warning("job %s: passing trouble: %s", job.pk, type(error).__name__)
            close_connection()
            put_back(job)
        else:
            fail_internally(job, error)
    finally:
        correlation_id.reset(token)
