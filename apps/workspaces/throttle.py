"""Limits on guessing passwords and keys: per address of the sender and per account."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from apps.core.ratelimit import Limited, count_request


def count_refusal(request: HttpRequest) -> Limited | None:
    """Count one request without a valid key; a Limited if this sender had too many of them.

    Requests with a valid key are never held to it, so that a guesser behind the same proxy as a
    team does not lock the team out.
    """
    sender = request.META.get("REMOTE_ADDR", "")
    return count_request([("refused-ip", sender, settings.RATE_LIMIT_REFUSED)])


def count_attempt(request: HttpRequest, *, email: str) -> Limited | None:
    """Count one attempt to sign in; a Limited if this sender or this account had too many.

    Whether the account exists makes no difference, so the limit tells a guesser nothing.
    """
    limit = settings.RATE_LIMIT_LOGIN
    return count_request(
        [
            ("login-ip", request.META.get("REMOTE_ADDR", ""), limit),
            ("login-email", email.strip().lower(), limit),
        ]
    )
