"""Beat: sends what `workers.schedule` lists. It loads none of the product, to stay small."""

from __future__ import annotations

from celery import Celery

from config.env import env_str
from workers.queues import Queue
from workers.schedule import BEAT_SCHEDULE

# With its fixups Celery would set up Django, which would triple the memory of this process.
app = Celery("plumbline-beat", fixups=[])
app.conf.update(
    broker_url=env_str("REDIS_URL"),
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 5},
    task_default_queue=Queue.MAINTENANCE.value,
    task_ignore_result=True,
    beat_schedule=BEAT_SCHEDULE,
)
