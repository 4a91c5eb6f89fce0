"""Gates: the arithmetic, the promotion that they refuse, the command and the API for CI."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.assistants.models import Assistant, Release
from apps.assistants.releases.promotion import PromotionRefusedError, promote
from apps.evaluation.experiments.metrics import OPERATIONAL, Metric, freeze_evaluators, read_metrics
from apps.evaluation.gates.limits import describe_rule, judge_change, judge_level
from apps.evaluation.gates.rules import judge_release
from apps.evaluation.gates.services import add_rule
from apps.evaluation.models import Experiment, GateRule
from apps.workspaces.services import Actor

F1 = Metric("token_f1", "Token F1", "answer")
LATENCY = OPERATIONAL[0]
NAME = "Same words as expected (token F1)"
HUNDRED: list[UUID] = [uuid4() for _ in range(100)]
ClientFor = Callable[[Any], Client]


def spread(values: list[float]) -> dict[UUID, float]:
    return dict(zip(HUNDRED, values, strict=False))


def test_a_level_is_compared_with_its_threshold() -> None:
    times = [float(n) for n in range(1, 101)]
    # numpy's default interpolates: position .95 * 99 = 94.05 between 95 and 96.
    late = judge_level("at_most", LATENCY, times, statistic="p95", threshold=95)
    assert not late.ok
    assert late.reason == "It is 95 ms over 100 answers; at most 95 ms is asked."
    assert judge_level("at_most", LATENCY, times, statistic="p95", threshold=95.06).ok
    assert judge_level("at_least", LATENCY, times, statistic="p50", threshold=50.5).ok
    assert not judge_level("at_least", LATENCY, times, statistic="mean", threshold=50.6).ok
    assert not judge_level("at_most", LATENCY, [], statistic="mean", threshold=1).ok


def test_no_change_at_all_is_within_any_margin() -> None:
    same = spread([0.5] * 100)
    assert judge_change(F1, same, same, margin=0.0, confidence=0.95).ok


def test_a_loss_within_the_margin_needs_examples_to_show_it() -> None:
    """Half of the examples lose .04 and half win .02: a mean of -.01, within a margin of .02.

    The standard error is .03 / sqrt(n): .003 for 100 examples, so that the bound is near -.015
    and passes; .0095 for 10, where the bound is near -.026 and does not.
    """
    before = spread([0.5] * 100)
    after = spread([0.46, 0.52] * 50)
    many = judge_change(F1, before, after, margin=0.02, confidence=0.95)
    assert many.ok
    assert "\u22121.0 points" in many.reason
    few = {key: after[key] for key in HUNDRED[:10]}
    ruling = judge_change(F1, before, few, margin=0.02, confidence=0.95)
    assert not ruling.ok
    assert "More than 10 examples might show" in ruling.reason


def test_slower_is_worse_and_faster_is_not() -> None:
    slow, fast = spread([300.0] * 100), spread([100.0] * 100)
    assert not judge_change(LATENCY, fast, slow, margin=50, confidence=0.95).ok
    assert judge_change(LATENCY, slow, fast, margin=50, confidence=0.95).ok


def test_too_few_examples_never_pass() -> None:
    four = dict.fromkeys(HUNDRED[:4], 1.0)
    ruling = judge_change(F1, four, four, margin=1, confidence=0.95)
    assert (ruling.ok, ruling.reason) == (
        False, "Only 4 examples have Token F1 for both releases; 5 are needed.",
    )  # fmt: skip


def test_rules_read_like_sentences() -> None:
    words = describe_rule("not_worse", F1, statistic="mean", threshold=0.01, confidence=0.95)
    assert words == "Token F1 not worse by more than 1.0 points, with 95 % confidence"
    words = describe_rule("at_most", LATENCY, statistic="p95", threshold=3000, confidence=0.95)
    assert words == "95th percentile of Time to the whole answer (latency) at most 3.0 s"


# Against rows

rows = pytest.mark.django_db(transaction=True)


def make_rule(assistant: Assistant, *, kind: str = "at_least", threshold: float = 0.9) -> GateRule:
    [metric] = read_metrics(freeze_evaluators([{"evaluator": "token_f1"}]))[:1]
    return add_rule(
        assistant, metric=metric, kind=kind, statistic="mean", threshold=threshold,
        confidence=0.95, actor=Actor(),
    )  # fmt: skip


def worse_release(assistant: Assistant) -> Release:
    return assistant.releases.get(number=2)


@rows
def test_a_failing_release_is_not_promoted_without_a_reason(finished: Experiment) -> None:
    assistant = finished.assistant
    make_rule(assistant)
    worse = worse_release(assistant)
    [verdict] = judge_release(worse)
    assert (verdict.ok, verdict.experiment) == (False, finished)
    assert verdict.reason == "It is 25.0 % over 4 answers; at least 90.0 % is asked."
    with pytest.raises(PromotionRefusedError) as refused:
        promote(worse, actor=Actor())
    assert [check.name for check in refused.value.failed] == [f"{NAME} at least 90.0 %"]
    promotion = promote(worse, actor=Actor(), override_reason="The demo is tomorrow.")
    assert promotion.override_reason == "The demo is tomorrow."
    # It has answered now, so going back to the first needs no experiment.
    promote(assistant.releases.get(number=1), actor=Actor())


@rows
def test_a_release_that_nobody_measured_is_refused(finished: Experiment) -> None:
    from tests.evaluation.helpers import make_worse_release

    assistant = finished.assistant
    make_rule(assistant)
    new = make_worse_release(assistant)
    [verdict] = judge_release(new)
    assert not verdict.ok
    assert "No finished experiment has measured this for release 3" in verdict.reason


@rows
def test_the_page_adds_rules_and_shows_what_they_say(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client = client_for(owner)
    base = f"/w/{finished.workspace.slug}/assistants/{finished.assistant.slug}/gates/"
    assert "every release may be promoted" in client.get(base).content.decode()
    values = {"metric": "token_f1", "kind": "at_least", "statistic": "mean", "threshold": "90",
              "confidence": "0.95"}  # fmt: skip
    assert client.post(base, values | {"threshold": "-1"}).status_code == 422
    assert client.post(base, values).status_code == 302
    rule = GateRule.objects.get()
    assert rule.threshold == pytest.approx(0.9)
    page = client.get(base).content.decode()
    assert f"{NAME} at least 90.0 %" in page
    assert f"run_gate {finished.workspace.slug} {finished.assistant.slug}" in page
    slug = finished.workspace.slug
    said = client.get(f"/w/{slug}/evaluate/experiments/{finished.pk}/gates/").content.decode()
    assert "is refused" in said
    assert "It is 25.0 %" in said
    release = f"/w/{slug}/assistants/{finished.assistant.slug}/releases/2/"
    assert "A check refuses this release" in client.get(release).content.decode()
    assert client.post(f"{base}{rule.pk}/remove/").status_code == 302
    assert not GateRule.objects.exists()


@rows
def test_the_command_ends_as_ci_needs_it(finished: Experiment) -> None:
    assistant = finished.assistant
    make_rule(assistant)
    arguments = ["run_gate", finished.workspace.slug, assistant.slug, "--release"]
    output = StringIO()
    with pytest.raises(SystemExit) as failed:
        call_command(*arguments, "2", stdout=output)
    assert failed.value.code == 1
    assert f"FAIL  {NAME} at least 90.0 %" in output.getvalue()
    output = StringIO()
    call_command(*arguments, "1", "--json", stdout=output)
    assert '"ok": true' in output.getvalue()
    with pytest.raises(CommandError) as missing:
        call_command(*arguments, "77", stdout=StringIO())
    assert missing.value.returncode == 2


@rows
def test_the_api_says_the_same(finished: Experiment, api: Any, other_api: Any) -> None:
    assistant = finished.assistant
    base = f"/api/v1/assistants/{assistant.pk}"
    made = api.post_json(
        f"{base}/gates/", {"metric": "token_f1", "kind": "at_least", "threshold": 0.9}
    )
    assert made.status_code == 201
    assert [rule["metric"] for rule in api.get(f"{base}/gates/").json()] == ["token_f1"]
    verdict = api.get(f"{base}/releases/2/gate/").json()
    assert (verdict["release"], verdict["ok"]) == (2, False)
    assert verdict["rules"][0]["experiment"] == str(finished.pk)
    assert api.get(f"{base}/releases/1/gate/").json()["ok"] is True
    assert api.get(f"{base}/releases/2/gate/?experiment=x").status_code == 400
    assert other_api.get(f"{base}/releases/2/gate/").status_code == 404
    assert api.post_json(f"{base}/gates/", {"metric": "nonsense", "kind": "at_least",
                                            "threshold": 1}).status_code == 400  # fmt: skip
    assert api.delete(f"{base}/gates/{made.json()['id']}/").status_code == 204


@rows
def test_a_guideline_ties_criteria_to_metrics(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client = client_for(owner)
    base = f"/w/{finished.workspace.slug}/assistants/{finished.assistant.slug}/guideline/"
    line = {"name": "Exact", "rubric": "Says what the handbook says.", "metric": "token_f1",
            "outcome": "Fewer questions asked twice"}  # fmt: skip
    assert client.post(base, line).status_code == 302
    assert client.post(base, line).status_code == 422  # the name is taken
    page = client.get(base).content.decode()
    assert "Fewer questions asked twice" in page
    assert "100.0 %" in page  # by the release that answers
    criterion = finished.assistant.criteria.get()
    changed = client.post(f"{base}{criterion.pk}/", line | {"name": "Faithful"})
    assert changed.status_code == 302
    assert client.post(f"{base}{criterion.pk}/remove/").status_code == 302
    assert not finished.assistant.criteria.exists()
