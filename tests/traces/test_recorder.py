"""What a recorder collects in memory: steps in order, failures, the first token only once."""

from __future__ import annotations

import pytest

from apps.traces.recorder import Recorder


def test_steps_are_kept_in_order_with_what_is_known_of_them() -> None:
    recorder = Recorder("answer")

    with recorder.span("search", top_k=8) as span:
        span.attributes["hits"] = 3
    with recorder.span("generation"):
        pass

    first, second = recorder.list_spans()
    assert (first["position"], first["name"], first["status"]) == (0, "search", "ok")
    assert first["attributes"] == {"top_k": 8, "hits": 3}
    assert (second["position"], second["name"], second["attributes"]) == (1, "generation", {})
    assert set(first) == {
        "position", "name", "offset_ms", "duration_ms", "status", "attributes",
    }  # fmt: skip
    assert second["offset_ms"] >= first["offset_ms"] + first["duration_ms"] >= 0


def test_a_step_inside_another_begins_later_and_is_no_longer() -> None:
    recorder = Recorder("answer")

    with recorder.span("outer"), recorder.span("inner"):
        pass

    outer, inner = recorder.spans
    assert inner.offset_ms >= outer.offset_ms
    assert inner.duration_ms <= outer.duration_ms


def test_a_failure_marks_its_step_and_goes_on_its_way() -> None:
    recorder = Recorder("answer")

    with pytest.raises(KeyError), recorder.span("rerank"):
        raise KeyError("model")

    [span] = recorder.spans
    assert (span.status, span.attributes) == ("error", {"error.type": "KeyError"})
    assert span.duration_ms >= 0


def test_only_the_first_token_counts() -> None:
    recorder = Recorder("answer")

    recorder.mark_first_token()
    first = recorder.first_token_ms
    recorder.mark_first_token()

    assert first is not None
    assert recorder.first_token_ms == first


def test_each_run_has_an_id_of_its_own() -> None:
    assert Recorder("answer").trace_id != Recorder("answer").trace_id
