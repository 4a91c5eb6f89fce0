"""What states are called on pages, and how serious each one is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Badge:
    """`tone` picks shape and colour: good, bad, warn, busy, or off for what waits or is over."""

    tone: str
    word: str


BADGES: dict[str, Badge] = {
    # As stored: jobs, experiments, versions of documents, examples, traces, ratings of answers.
    "queued": Badge("off", "Waiting"),
    "running": Badge("busy", "Working"),
    "processing": Badge("busy", "Working"),
    "succeeded": Badge("good", "Done"),
    "done": Badge("good", "Done"),
    "ready": Badge("good", "Ready"),
    "failed": Badge("bad", "Failed"),
    "cancelled": Badge("off", "Cancelled"),
    "accepted": Badge("good", "Accepted"),
    "proposed": Badge("warn", "To review"),
    "rejected": Badge("off", "Rejected"),
    "ok": Badge("good", "ok"),
    "error": Badge("bad", "error"),
    "up": Badge("good", "Helpful"),
    "down": Badge("bad", "Not helpful"),
    "open": Badge("warn", "To review"),
    "resolved": Badge("good", "Resolved"),
    # As people did it: a job that was stopped, documents that are on their way.
    "stopped": Badge("off", "Stopped"),
    "in_progress": Badge("busy", "In progress"),
    # An index, and the job that builds it.
    "live": Badge("good", "Live"),
    "retired": Badge("off", "Retired"),
    "comparable": Badge("good", "Ready to compare"),
    "building": Badge("busy", "Being built"),
    "catching_up": Badge("busy", "Taking in new documents"),
    # Work that says what it does.
    "describing": Badge("busy", "Being described"),
    "removing": Badge("busy", "Removing"),
    "comparing": Badge("busy", "comparing"),
    # A key, a server, a release before its checks, a judge, a sentence, a worked example.
    "active": Badge("good", "Active"),
    "revoked": Badge("off", "Revoked"),
    "expired": Badge("off", "Expired"),
    "works": Badge("good", "Works"),
    "broken": Badge("bad", "Does not work"),
    "passes": Badge("good", "passes"),
    "fails": Badge("bad", "fails"),
    "promotable": Badge("good", "may be promoted"),
    "refused": Badge("bad", "is refused"),
    "trusted": Badge("good", "trusted"),
    "untrusted": Badge("warn", "not trusted"),
    "yes": Badge("good", "yes"),
    "no": Badge("warn", "no"),
    "supported": Badge("good", "supported"),
    "contradicted": Badge("bad", "contradicted"),
    "not_told": Badge("warn", "not told"),
    "leaked": Badge("bad", "Leaked"),
    # The outcome of a comparison: of two answers, and of two profiles in the lab.
    "better": Badge("good", "Better"),
    "worse": Badge("bad", "Worse"),
    "same": Badge("off", "No difference"),
    "profile_better": Badge("good", "B is better"),
    "profile_worse": Badge("bad", "B is worse"),
    "profile_same": Badge("off", "no difference"),
    "worth_choosing": Badge("good", "yes"),
}


def find_badge(state: str) -> Badge:
    """The badge of a state. One that is not in the table is shown as it is stored."""
    return BADGES.get(state) or Badge("off", state)
