"""The Celery application. Messages only wake workers up; the work to do is rows in Postgres."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from kombu import Queue as KombuQueue

from workers.queues import Queue

app = Celery("plumbline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    imports=("workers.tasks.jobs", "workers.tasks.maintenance", "workers.lifecycle"),
    task_queues=[KombuQueue(queue.value) for queue in Queue],
    task_default_queue=Queue.MAINTENANCE.value,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_reject_on_worker_lost=True,
)
