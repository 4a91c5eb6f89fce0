"""Wrong passwords: pauses that grow, for a guesser and not for the right person."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.core.redis import sync_redis
from apps.workspaces.models import User
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

OFFICE, HOME, ATTACKER = "203.0.113.7", "198.51.100.3", "192.0.2.66"


@pytest.fixture(autouse=True)
def _forgotten(settings: Any) -> Iterator[None]:
    settings.SIGN_IN_TRIES = 3
    forget("*")
    yield
    forget("*")


def forget(pattern: str) -> None:
    """As if time had passed."""
    for name in sync_redis().scan_iter(f"signin:{pattern}"):
        sync_redis().delete(name)


def sign_in(
    client: Client,
    password: str,
    *,
    email: str = "owner@example.com",
    at: str = HOME,
    via: str = "",
) -> Any:
    headers = {"x-forwarded-for": via} if via else {}
    sent = {"email": email, "password": password}
    return client.post("/login/", sent, REMOTE_ADDR=at, headers=headers)


def guess(times: int, **options: str) -> list[int]:
    return [sign_in(Client(), f"wrong {n}", **options).status_code for n in range(times)]


def test_twenty_wrong_passwords_lock_nobody_out_elsewhere(owner: User) -> None:
    codes = guess(20, at=ATTACKER)
    assert codes == [422, 422, 422] + [429] * 17

    assert sign_in(Client(), PASSWORD, at=HOME).status_code == 302


def test_a_wait_is_told_in_words_and_in_a_header(owner: User) -> None:
    guess(3, at=ATTACKER)

    refused = sign_in(Client(), PASSWORD, at=ATTACKER)

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 5
    assert "Too many wrong passwords. Wait" in refused.content.decode()


def test_pauses_grow(owner: User) -> None:
    guess(3, at=ATTACKER)
    waits = []
    for _ in range(4):
        waits.append(int(sign_in(Client(), "wrong", at=ATTACKER).headers["Retry-After"]))
        forget("*:pause")
        assert sign_in(Client(), "wrong", at=ATTACKER).status_code == 422

    assert all(second > first for first, second in itertools.pairwise(waits)), waits
    forget("*:pause")
    assert sign_in(Client(), PASSWORD, at=ATTACKER).status_code == 302
    assert sign_in(Client(), "wrong", at=ATTACKER).status_code == 422  # all is forgiven


def test_a_browser_that_is_known_gets_in_from_the_same_address(owner: User) -> None:
    """As behind a proxy that nobody has named: everybody has its address."""
    known = Client()
    assert sign_in(known, PASSWORD, at=OFFICE).status_code == 302
    known.post("/logout/")
    assert guess(10, at=OFFICE)[-1] == 429

    assert sign_in(known, PASSWORD, at=OFFICE).status_code == 302
    cookie = known.cookies["plumbline_device"]
    assert cookie["httponly"]
    assert owner.email not in cookie.value


def test_a_proxy_is_never_shut_for_the_others(owner: User, editor: User) -> None:
    guess(30, at=OFFICE)

    assert sign_in(Client(), PASSWORD, email=editor.email, at=OFFICE).status_code == 302


def test_many_addresses_do_not_help_a_guesser(owner: User) -> None:
    assert sign_in(Client(), PASSWORD, at=HOME).status_code == 302
    codes = [guess(1, at=f"192.0.2.{n}")[0] for n in range(20)]

    assert codes.count(422) == 12  # four places' worth
    assert sign_in(Client(), PASSWORD, at="192.0.2.99").status_code == 429
    assert sign_in(Client(), PASSWORD, at=HOME).status_code == 302  # a known address


def test_a_known_browser_is_known_for_its_account_alone(owner: User, editor: User) -> None:
    other = Client()
    sign_in(other, PASSWORD, email=editor.email, at=ATTACKER)
    other.post("/logout/")

    codes = [sign_in(other, f"no {n}", at=ATTACKER).status_code for n in range(5)]
    assert codes == [422, 422, 422, 429, 429]
    other.cookies["plumbline_device"] = other.cookies["plumbline_device"].value[:-2] + "xx"
    assert sign_in(other, "no", at=ATTACKER).status_code == 429


def test_an_account_that_is_not_there_pauses_the_same(db: None, owner: User) -> None:
    assert guess(5, email="nobody@example.com", at=ATTACKER) == guess(5, at=ATTACKER)


def test_forwarded_addresses_count_only_from_named_proxies(owner: User, settings: Any) -> None:
    from ipaddress import ip_network

    # Nobody is trusted: the header is the sender's to invent.
    assert [
        sign_in(Client(), "no", at=ATTACKER, via=f"10.9.9.{n}").status_code for n in range(5)
    ] == [422, 422, 422, 429, 429]
    forget("*")

    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    proxy = {"at": "10.0.0.2"}
    codes = [
        sign_in(Client(), "no", via=f"1.1.1.{n}, {ATTACKER}, 10.0.0.9", **proxy).status_code
        for n in range(5)
    ]
    assert codes == [422, 422, 422, 429, 429]
    assert sign_in(Client(), PASSWORD, via=HOME, **proxy).status_code == 302


def test_joining_by_a_link_pauses_too(client: Client, owner: User, workspace: Any) -> None:
    from apps.workspaces.services import Actor, invite
    from tests.factories import make_user

    make_user("new@example.com")
    _, token = invite(workspace, email="new@example.com", role="viewer", actor=Actor(user=owner))  # type: ignore[arg-type]
    codes = [client.post(f"/invite/{token}/", {"password": "no"}).status_code for _ in range(4)]
    assert codes == [422, 422, 422, 429]
