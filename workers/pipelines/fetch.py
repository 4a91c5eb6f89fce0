"""Fetching a web page for a document. It is then read like any upload, by a job of its own."""

from __future__ import annotations

from django.conf import settings

from apps.core import jobs
from apps.core.models import Job, JobState
from apps.documents.fetch import FetchError, fetch
from apps.documents.models import DocumentVersion, Stage
from apps.documents.services import keep_fetched
from apps.documents.storage import TooLargeError, receive_blob
from workers.claims import fence
from workers.pipelines.versions import begin_stage, fail_version, find_version


def fetch_url(job: Job) -> None:
    """Fetch the page of the job's version and queue its reading."""
    version = find_version(job)
    if version is None or version.blob:
        return
    begin_stage(job, version, Stage.FETCHING)
    try:
        _fetch(job, version)
    except FetchError as error:
        with fence(job):
            fail_version(version.pk, code=error.code, reason=error.reason)
    except TooLargeError as error:
        megabytes = error.limit // 1_048_576
        with fence(job):
            fail_version(
                version.pk,
                code="too_large",
                reason=f"This page has more than {megabytes:,} MB, which is the limit.",
            )


def _fetch(job: Job, version: DocumentVersion) -> None:
    url = version.document.source_url
    with fetch(url, allowed_hosts=settings.FETCH_ALLOWED_HOSTS) as page:
        incoming = receive_blob(version.workspace_id, page.chunks, limit=settings.MAX_UPLOAD_BYTES)
        filename, media_type = page.filename, page.media_type
    try:
        with fence(job):
            keep_fetched(version, incoming, filename=filename, media_type=media_type)
            jobs.finish(job, JobState.SUCCEEDED)
    finally:
        incoming.discard()
