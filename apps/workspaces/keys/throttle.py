"""A limit on guessing keys, by the address of the sender."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from apps.core.ratelimit import Limited, count_request
from apps.workspaces.signin.client_address import client_address


def count_refusal(request: HttpRequest) -> Limited | None:
    """Count one request without a valid key; a Limited if this sender had too many of them.

    Requests with a valid key are never held to it, so that a guesser behind the same proxy as a
    team does not lock the team out.
    """
    return count_request([("refused-ip", client_address(request), settings.RATE_LIMIT_REFUSED)])
