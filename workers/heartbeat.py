"""Writes a heartbeat every few seconds for all jobs that this process is working on."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import Error, transaction

from apps.core.jobs import HEARTBEAT_EVERY_S, heartbeat
from apps.core.models import Job
from workers.claims import close_connection

logger = logging.getLogger(__name__)


class Heart:
    """One thread beats for all jobs of a process. It runs only while there are any."""

    def __init__(self, *, every_s: float = HEARTBEAT_EVERY_S) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._workers: dict[UUID, str] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, jobs: Iterable[Job]) -> None:
        """Start beating for these jobs."""
        with self._lock:
            self._workers.update({job.pk: job.worker for job in jobs})
            if self._workers and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()

    def remove(self, jobs: Iterable[Job]) -> None:
        """Stop beating for these jobs."""
        with self._lock:
            for job in jobs:
                if self._workers.get(job.pk) == job.worker:
                    del self._workers[job.pk]

    @contextmanager
    def beating(self, job: Job) -> Iterator[None]:
        """Beat for one job during a block."""
        self.add([job])
        try:
            yield
        finally:
            self.remove([job])

    def beat_once(self) -> bool:
        """Write one beat for all jobs; returns False if there are none."""
        by_worker: dict[str, list[UUID]] = defaultdict(list)
        with self._lock:
            for pk, worker in self._workers.items():
                by_worker[worker].append(pk)
        for worker, pks in by_worker.items():
            with transaction.atomic():
                # A locked row is being written by its owner, which shows that it is alive. The
                # beats of the other jobs must not wait for it.
                free = Job.objects.select_for_update(skip_locked=True, no_key=True)
                heartbeat(list(free.filter(pk__in=pks).values_list("pk", flat=True)), worker=worker)
        return bool(by_worker)

    def _run(self) -> None:
        while True:
            self._wake.wait(self._every_s)
            try:
                self.beat_once()
            except (Error, OSError) as error:
                logger.warning("no heartbeat: %s", type(error).__name__)
            finally:
                close_connection()
            with self._lock:
                if not self._workers:
                    self._thread = None
                    return


heart = Heart()
