from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from apps.documents.models import DocumentVersion, Stage, VersionState
from apps.documents.selectors import READING_SHARE, describe_progress


def version(
    state: VersionState, stage: Stage, *, seconds: float = 0, **fields: int
) -> DocumentVersion:
    began = timezone.now() - dt.timedelta(seconds=seconds)
    return DocumentVersion(state=state, stage=stage, stage_started_at=began, **fields)


def test_waiting() -> None:
    progress = describe_progress(version(VersionState.QUEUED, Stage.WAITING))
    assert (progress.label, progress.fraction, progress.seconds_left) == ("Waiting", 0.0, None)


def test_reading_counts_pages() -> None:
    progress = describe_progress(
        version(VersionState.PROCESSING, Stage.READING, seconds=30, pages_done=10, pages_total=20)
    )
    assert progress.label == "Reading"
    assert progress.fraction == pytest.approx(READING_SHARE / 2)
    # 30 s for 7.5 % of the work: 370 s for the rest.
    assert progress.seconds_left == pytest.approx(370, abs=1)


def test_embedding_counts_passages_and_tells_the_time_left_from_its_own_pace() -> None:
    progress = describe_progress(
        version(VersionState.PROCESSING, Stage.EMBEDDING, seconds=20, num_chunks=40, chunks_done=10)
    )
    assert progress.fraction == pytest.approx(READING_SHARE + (1 - READING_SHARE) / 4)
    assert progress.seconds_left == pytest.approx(60, abs=1)


def test_the_ends() -> None:
    ready = describe_progress(version(VersionState.READY, Stage.DONE, num_chunks=4, chunks_done=4))
    assert (ready.label, ready.fraction, ready.seconds_left) == ("Ready", 1.0, None)
    failed = version(VersionState.FAILED, Stage.READING, pages_done=1, pages_total=2)
    failed.reason = "It is encrypted."
    progress = describe_progress(failed)
    assert (progress.label, progress.reason, progress.seconds_left) == (
        "Failed",
        "It is encrypted.",
        None,
    )
