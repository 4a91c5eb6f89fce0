"""Growing pauses after wrong passwords, which leave the right person a way in.

Tries are counted for an account together with where they come from, never for an address alone: a
proxy or an office is one address for many people. All unknown places share one further count for
each account, so that many addresses do not help a guesser. A browser or an address from which this
account was signed in to before is known, and has a count of its own.

Whether the account exists makes no difference, so a pause tells a guesser nothing. Without Redis
there are no pauses.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import redis
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from apps.core.ratelimit import Limited
from apps.core.redis import sync_redis
from apps.workspaces.signin.client_address import client_address

logger = logging.getLogger(__name__)

COOKIE = "plumbline_device"
SALT = "plumbline.device"
KNOWN_S = 180 * 86_400
"""How long a browser or an address stays known after a sign-in."""
MEMORY_S = 86_400
"""How long a wrong password counts."""
FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 900
ELSEWHERE_FACTOR = 4
"""All unknown places together have this many times the tries of one."""


@dataclass(frozen=True, slots=True)
class _Count:
    """One counter of wrong passwords: its name and how many are free."""

    name: str
    free: int


def count_attempt(request: HttpRequest, *, email: str) -> Limited | None:
    """Count one try to sign in; a Limited if it has to wait, and the password is not looked at.

    It counts as wrong until `forgive` says otherwise, so tries at the same moment count too.
    """
    try:
        for count in _counts(request, _hash(email)):
            if (seconds := _count(count)) is not None:
                return Limited(scope="sign-in", retry_after_s=seconds)
    except redis.RedisError as error:
        logger.warning("pauses between sign-ins are off: %s", type(error).__name__)
    return None


def forgive(request: HttpRequest, response: HttpResponse, *, email: str) -> None:
    """After the right password: this place is known, and its wrong ones are forgotten."""
    account = _hash(email)
    try:
        with sync_redis().pipeline(transaction=False) as pipe:
            for count in _counts(request, account):
                pipe.delete(f"{count.name}:tries", f"{count.name}:pause")
            pipe.set(_known_name(account, _place(request)), "1", ex=KNOWN_S)
            pipe.execute()
    except redis.RedisError as error:
        logger.warning("a sign-in was not noted: %s", type(error).__name__)
    nonce = _device(request, account) or secrets.token_urlsafe(16)
    response.set_cookie(
        COOKIE,
        signing.dumps([account, nonce], salt=SALT),
        max_age=KNOWN_S,
        httponly=True,
        secure=settings.BEHIND_HTTPS,
        samesite="Lax",
    )


def wait_text(limited: Limited) -> str:
    """What the page says while there is a pause."""
    seconds = limited.retry_after_s
    minutes = -(-seconds // 60)
    wait = f"{seconds} seconds" if seconds < 120 else f"{minutes} minutes"
    return (
        f"Too many wrong passwords. Wait {wait}, then try again. "
        "A browser in which you have signed in before does not have to wait for others."
    )


def _counts(request: HttpRequest, account: str) -> Iterator[_Count]:
    free = settings.SIGN_IN_TRIES
    if device := _device(request, account):
        yield _Count(f"signin:{account}:device:{device}", free)
        return
    place = _place(request)
    yield _Count(f"signin:{account}:at:{place}", free)
    if not sync_redis().exists(_known_name(account, place)):
        yield _Count(f"signin:{account}:elsewhere", free * ELSEWHERE_FACTOR)


def _count(count: _Count) -> int | None:
    """Count a try; the seconds to wait if there is a pause."""
    client, pause = sync_redis(), f"{count.name}:pause"
    remaining = int(client.ttl(pause))
    if remaining > 0:
        return remaining
    with client.pipeline(transaction=False) as pipe:
        pipe.incr(f"{count.name}:tries")
        pipe.expire(f"{count.name}:tries", MEMORY_S)
        tries = int(pipe.execute()[0])
    beyond = tries - count.free
    if beyond < 0:
        return None
    seconds = min(LONGEST_PAUSE_S, FIRST_PAUSE_S << min(beyond, 20))
    # Of tries at the same moment, the one that begins the pause is the last that is looked at.
    return None if client.set(pause, "1", ex=seconds, nx=True) else seconds


def _device(request: HttpRequest, account: str) -> str:
    """The browser's id, if this account was signed in to there before; else nothing."""
    try:
        owner, nonce = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KNOWN_S)
    except (signing.BadSignature, TypeError, ValueError):
        return ""
    return str(nonce) if owner == account else ""


def _place(request: HttpRequest) -> str:
    """The sender's address; of an IPv6 address the part that a household has."""
    text = client_address(request)
    if ":" in text:
        return str(ipaddress.ip_network(f"{text}/64", strict=False))
    return text


def _known_name(account: str, place: str) -> str:
    return f"signin:{account}:known:{place}"


def _hash(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
