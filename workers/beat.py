"""Beat: sends what `workers.schedule` says. It knows nothing of the product and stays small."""

from __future__ import annotations

from celery import Celery

from config.env import env_str
from workers.queues import Queue
from workers.schedule import BEAT_SCHEDULE

# Without its fixups Celery would set Django up, which is two thirds of the memory.
app = Celery("plumbline-beat", fixups=[])
app.conf.update(
    broker_url=env_str("REDIS_URL"),
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 5},
    task_default_queue=Queue.MAINTENANCE.value,
    task_ignore_result=True,
    beat_schedule=BEAT_SCHEDULE,
)
