"""Which release answers: promoting one, going back to an earlier one, and who may refuse it.

The door `check_release` is asked before a release is promoted: apps above this one, such as the
gates of an evaluation, have their say without being imported here. A check that fails refuses the
promotion, unless whoever promotes gives a reason; both are kept.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction

from apps.assistants import doors
from apps.assistants.models import Assistant, Promotion, Release
from apps.assistants.recipe import name_gone_steps
from apps.workspaces.services import Actor, record_audit

logger = logging.getLogger(__name__)
NOT_RUN = "This check could not be run; the server's log says why."
ENDPOINT_GONE = (
    "Its model “{name}” was deleted, so the built-in reader would answer. Make a release with "
    "another model."
)

STEP_GONE = (
    "The model “{name}” that its search asks was deleted, so it could not answer. Make a release "
    "with another model."
)


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """One rule that a release is held to. `reason` says in a sentence what was found."""

    name: str
    ok: bool
    reason: str = ""
    url: str = ""


class PromotionRefusedError(Exception):
    """Checks failed and nobody gave a reason to override them. `failed` lists those checks."""

    def __init__(self, release: Release, failed: Sequence[ReleaseCheck]) -> None:
        self.release, self.failed = release, tuple(failed)
        super().__init__(" ".join(check.reason or check.name for check in failed))


def run_release_checks(release: Release) -> list[ReleaseCheck]:
    """Everything that is asked before this release may answer, our own check first.

    A check that breaks counts as failed: a gate that is out of order must not stand open.
    """
    checks = [_check_endpoint(release)]
    for check in doors.check_release.list_answers():
        try:
            with transaction.atomic():
                checks += check(release)
        except Exception:
            name = check.__name__
            logger.exception("release check %s failed for release %s", name, release.pk)
            checks.append(ReleaseCheck(name, ok=False, reason=NOT_RUN))
    return checks


def _check_endpoint(release: Release) -> ReleaseCheck:
    name = release.endpoint_snapshot.get("name", "")
    if release.endpoint_id is None and name:
        return ReleaseCheck("Model is there", ok=False, reason=ENDPOINT_GONE.format(name=name))
    if gone := name_gone_steps(release):
        return ReleaseCheck("Model is there", ok=False, reason=STEP_GONE.format(name=gone[0]))
    return ReleaseCheck("Model is there", ok=True)


@transaction.atomic
def promote(release: Release, *, actor: Actor, override_reason: str | None = None) -> Promotion:
    """Answer with this release from now on; also the way back to an earlier one.

    Raises PromotionRefusedError if a check fails and `override_reason` is empty. Promoting what
    answers already returns the promotion that made it so. An assistant's first release is not
    checked: without it there would be no assistant.
    """
    assistant = Assistant.objects.select_for_update(of=("self",)).get(pk=release.assistant_id)
    if assistant.current_id == release.pk:
        known = Promotion.objects.filter(assistant=assistant, release=release).last()
        if known is not None:
            return known
    checks = run_release_checks(release) if assistant.current_id else []
    failed = [check for check in checks if not check.ok]
    reason = (override_reason or "").strip()
    if failed and not reason:
        raise PromotionRefusedError(release, failed)
    promotion = Promotion.objects.create(
        workspace_id=release.workspace_id,
        assistant=assistant,
        release=release,
        previous_id=assistant.current_id,
        override_reason=reason if failed else "",
        checks=[asdict(check) for check in checks],
        created_by=actor.user,
        key_name=actor.key_name,
    )
    Assistant.objects.filter(pk=assistant.pk).update(current=release)
    _audit(promotion, failed, actor=actor)
    return promotion


def _audit(promotion: Promotion, failed: Sequence[ReleaseCheck], *, actor: Actor) -> None:
    release = promotion.release
    detail: dict[str, object] = {"assistant": release.assistant.name, "number": release.number}
    if promotion.previous is not None:
        detail["before"] = promotion.previous.number
    if failed:
        detail |= {"override": promotion.override_reason, "failed": [c.name for c in failed]}
    record_audit(
        release.workspace_id,
        actor=actor,
        action="release.rolled_back" if promotion.is_rollback else "release.promoted",
        subject=release,
        detail=detail,
    )
