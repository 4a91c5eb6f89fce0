"""Candidates, promotion, refusals and overrides, going back, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client

from apps.assistants.doors import check_release
from apps.assistants.models import Assistant, Promotion, Release
from apps.assistants.releases.diff import diff_releases, tell_changes
from apps.assistants.releases.promotion import (
    NOT_RUN,
    PromotionRefusedError,
    ReleaseCheck,
    promote,
    run_release_checks,
)
from apps.assistants.services import change_recipe, create_assistant, draft_release
from apps.documents.collections import create_collection
from apps.gateway.services import EndpointFields, delete_endpoint, save_endpoint
from apps.workspaces.models import ApiKey, AuditEvent
from apps.workspaces.services import Actor
from tests.assistants.helpers import recipe_form, settings_change

pytestmark = pytest.mark.django_db
ACTOR = Actor()
HeldTo = Callable[[Any], None]


def refuse_hasty(release: Release) -> Sequence[ReleaseCheck]:
    """A gate as another app would give it: temperatures above 1 do not pass."""
    hot = release.sampling["temperature"] > 1
    return [ReleaseCheck("Calm", not hot, "Too hot." if hot else "Cool.")]


def break_down(release: Release) -> Sequence[ReleaseCheck]:
    raise RuntimeError("the gate is out of order")


@pytest.fixture
def desk(workspace: Any) -> Assistant:
    handbook = create_collection(workspace, name="Handbook", actor=ACTOR)
    return create_assistant(workspace, name="Desk", collections=[handbook], actor=ACTOR)


@pytest.fixture
def held_to() -> Iterator[HeldTo]:
    """Holds releases to this check, instead of to the gates, until the test ends."""
    with ExitStack() as stack:
        yield lambda check: stack.enter_context(check_release.override(check))


def draft(assistant: Assistant, **values: Any) -> Release:
    return draft_release(assistant, change=settings_change(**values), actor=ACTOR)


def test_a_candidate_does_not_answer_until_it_is_promoted(desk: Assistant, owner: Any) -> None:
    candidate = draft(desk, limit=3)
    desk.refresh_from_db()
    assert desk.current is not None
    assert (candidate.number, desk.current.number) == (2, 1)
    promotion = promote(candidate, actor=Actor(user=owner))
    desk.refresh_from_db()
    assert desk.current == candidate
    assert promotion.previous is not None
    assert (promotion.previous.number, promotion.is_rollback) == (1, False)
    assert [(c["name"], c["ok"]) for c in promotion.checks] == [("Model is there", True)]
    event = AuditEvent.objects.get(action="release.promoted", detail__number=2)
    assert (event.actor, event.detail["before"]) == (owner, 1)
    # Pressing the button twice is one promotion.
    assert promote(candidate, actor=ACTOR) == promotion
    assert Promotion.objects.filter(assistant=desk).count() == 2


def test_a_failing_check_refuses_and_a_named_reason_overrides(
    desk: Assistant, owner: Any, held_to: HeldTo
) -> None:
    held_to(refuse_hasty)
    hot = draft(desk, temperature=1.5)
    with pytest.raises(PromotionRefusedError, match="Too hot") as refused:
        promote(hot, actor=ACTOR)
    assert [check.name for check in refused.value.failed] == ["Calm"]
    with pytest.raises(PromotionRefusedError):
        promote(hot, actor=ACTOR, override_reason="   ")
    desk.refresh_from_db()
    assert desk.current is not None
    assert desk.current.number == 1
    promotion = promote(hot, actor=Actor(user=owner), override_reason="The fair is today.")
    assert promotion.override_reason == "The fair is today."
    event = AuditEvent.objects.filter(action="release.promoted").latest("created_at")
    assert (event.actor, event.detail["failed"]) == (owner, ["Calm"])
    assert event.detail["override"] == "The fair is today."
    # A reason that nothing asked for is not kept: it overrode nothing.
    cool = draft(desk, temperature=0.1)
    assert promote(cool, actor=ACTOR, override_reason="Just so").override_reason == ""


def test_a_check_that_breaks_does_not_stand_open(desk: Assistant, held_to: HeldTo) -> None:
    held_to(break_down)
    candidate = draft(desk, limit=3)
    assert run_release_checks(candidate)[1] == ReleaseCheck("break_down", ok=False, reason=NOT_RUN)
    with pytest.raises(PromotionRefusedError):
        promote(candidate, actor=ACTOR)


def test_saving_keeps_what_a_check_refuses_as_a_candidate(desk: Assistant, held_to: HeldTo) -> None:
    held_to(refuse_hasty)
    with pytest.raises(PromotionRefusedError):
        change_recipe(desk, change=settings_change(temperature=1.5), actor=ACTOR)
    desk.refresh_from_db()
    assert desk.current is not None
    assert (desk.releases.count(), desk.current.number) == (2, 1)


def test_a_release_whose_model_is_gone_is_refused(desk: Assistant, workspace: Any) -> None:
    fields = EndpointFields(name="Local", base_url="http://127.0.0.1:9/v1", model="m")
    endpoint = save_endpoint(workspace, fields=fields, actor=ACTOR)
    candidate = draft(desk, endpoint=endpoint)
    delete_endpoint(endpoint, actor=ACTOR)
    candidate.refresh_from_db()
    with pytest.raises(PromotionRefusedError, match="“Local” was deleted"):
        promote(candidate, actor=ACTOR)


def test_what_differs_is_told_field_by_field(desk: Assistant, workspace: Any) -> None:
    first = desk.current
    assert first is not None
    assert tell_changes(diff_releases(first, first)) == "The two recipes are the same."
    prices = create_collection(workspace, name="Prices", actor=ACTOR)
    second = draft(desk, system="Be brief.", collections=[prices], limit=3, temperature=0.9)
    found = {(c.part, c.label): (c.old, c.new) for c in diff_releases(first, second)}
    assert found["Retrieval", "Passages given to the model"] == ("6", "3")
    assert found["Sampling", "Temperature"] == ("0.2", "0.9")
    assert found["Documents", "Collections"] == ("Handbook", "Prices")
    assert found["Prompt", "Version"] == ("desk v1", "desk v2")
    assert found["Prompt", "Instructions"][1] == "Be brief."
    assert ("Model", "Model") not in found
    assert tell_changes(diff_releases(first, second)) == (
        "They differ in the prompt, the documents, the retrieval and the sampling."
    )
    assert tell_changes(diff_releases(first, draft(desk, limit=4))) == "Only the retrieval differs."


# Pages


def test_the_pages_lead_from_a_candidate_to_promotion_and_back(
    desk: Assistant, owner: Any, client_for: Callable[[Any], Client], held_to: HeldTo
) -> None:
    client, base = client_for(owner), "/w/acme/assistants/desk"
    saved = client.post(
        f"{base}/recipe/", recipe_form(desk, limit=3, as_candidate="1"), follow=True
    )
    assert "Release 2 is kept as a candidate" in saved.content.decode()
    assert 'releases/2/">Look at it</a>' in saved.content.decode()
    listed = client.get(f"{base}/releases/").content.decode()
    assert listed.count("candidate</span>") == 1
    shown = client.get(f"{base}/releases/2/").content.decode()
    assert "Only the retrieval differs." in shown
    assert "Promote release 2" in shown
    promoted = client.post(f"{base}/releases/2/promote/", follow=True).content.decode()
    assert "Release 2 answers from now on." in promoted
    back = client.post(f"{base}/releases/1/promote/", follow=True).content.decode()
    assert "Release 1 answers again." in back
    assert "Back to" in back
    held_to(refuse_hasty)
    refused = client.post(f"{base}/recipe/", recipe_form(desk, temperature=1.5), follow=True)
    assert "It is kept as a candidate. Too hot." in refused.content.decode()
    asked = client.get(f"{base}/releases/3/").content.decode()
    assert "Promote it nevertheless" in asked
    refused = client.post(f"{base}/releases/3/promote/", follow=True)
    assert "was not promoted" in refused.content.decode()
    client.post(f"{base}/releases/3/promote/", {"override_reason": "Fair"})
    desk.refresh_from_db()
    assert desk.current is not None
    assert desk.current.number == 3
    for path in ("releases/9/", "releases/9/promote/", "releases/1/?against=9"):
        method = client.post if "promote" in path else client.get
        assert method(f"{base}/{path}").status_code == 404
    assert client.get(f"{base}/releases/1/?against=2").status_code == 200


def test_viewers_see_and_promote_nothing(
    desk: Assistant, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(viewer)
    for path in ("releases/", "releases/1/"):
        assert client.get(f"/w/acme/assistants/desk/{path}").status_code == 403
    assert client.post("/w/acme/assistants/desk/releases/1/promote/").status_code == 403


# REST


def test_rest_drafts_compares_and_promotes(api: Any, desk: Assistant, held_to: HeldTo) -> None:
    path = f"/api/v1/assistants/{desk.pk}/releases/"
    made = api.post_json(path, {"limit": 3, "note": "Fewer"})
    assert made.status_code == 201
    body = made.json()
    assert (body["number"], body["is_current"], body["was_promoted"]) == (2, False, False)
    diff = api.get(f"{path}2/diff/").json()
    assert diff["summary"] == "Only the retrieval differs."
    assert diff["changes"][0] | {"is_text": False} == {
        "part": "Retrieval", "label": "Passages given to the model", "old": "6", "new": "3",
        "is_text": False,
    }  # fmt: skip
    assert api.get(f"{path}2/diff/?against=2").json()["changes"] == []
    promoted = api.post_json(f"{path}2/promote/")
    assert promoted.status_code == 200
    assert (promoted.json()["release"], promoted.json()["previous"]) == (2, 1)
    assert [r["is_current"] for r in api.get(path).json()["results"]] == [True, False]
    held_to(refuse_hasty)
    api.post_json(path, {"temperature": 1.5})
    checks = api.get(f"{path}3/checks/").json()
    assert [(c["name"], c["ok"]) for c in checks] == [("Model is there", True), ("Calm", False)]
    refused = api.post_json(f"{path}3/promote/")
    assert (refused.status_code, refused.json()["code"]) == (409, "promotion_refused")
    given = api.post_json(f"{path}3/promote/", {"override_reason": "Fair"})
    assert given.json()["override_reason"] == "Fair"
    patched = api.patch_json(f"/api/v1/assistants/{desk.pk}/", {"temperature": 1.7})
    assert patched.status_code == 409
    assert api.get(f"{path}9/").status_code == 404


def test_what_a_key_made_bears_its_name(
    api: Any, desk: Assistant, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    path = f"/api/v1/assistants/{desk.pk}/releases/"
    made = api.post_json(path, {"limit": 3, "note": "Fewer"}).json()
    author = f"key “{ApiKey.objects.get().name}”"
    assert made["author"] == author
    api.post_json(f"{path}2/promote/")
    ApiKey.objects.all().delete()
    client = client_for(owner)
    listed = " ".join(client.get("/w/acme/assistants/desk/releases/").content.decode().split())
    assert f'<td data-label="By">{author}</td>' in listed
    assert f"after release 1 by {author}" in listed
    assert f"by {author}" in client.get("/w/acme/assistants/desk/releases/2/").content.decode()
