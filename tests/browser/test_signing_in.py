"""A passkey, from adding it to signing in with nothing else, with Chromium's own authenticator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import PHONE, Account, Visit
from tests.browser.installation import Installation
from tests.browser.watching import assert_fits, find_axe_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PASSWORD = "jacquard-loom-1804"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def plug_in(page: Page) -> Any:
    """A device with a fingerprint reader, whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session


@pytest.mark.parametrize("size", [None, PHONE])
def test_a_passkey_signs_in_without_a_password(
    installation: Installation, account: Account, visit: Visit, size: tuple[int, int] | None
) -> None:
    name = "phone" if size else "desk"
    made = installation.create_workspace(f"Keys {name}", owner=f"{name}@example.com")
    page = visit(signed_in=False, **({"size": size} if size else {}))
    # A passkey belongs to a name; an IP address has none.
    site = installation.url.replace("127.0.0.1", "localhost")
    plug_in(page)
    page.goto(site + made["set_password_url"].removeprefix(installation.url))
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    page.get_by_role("heading", name="First steps").wait_for()

    page.goto(f"{site}/account/security/")
    assert find_axe_faults(page) == []
    assert_fits(page)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="Add a passkey").wait_for()
    assert find_axe_faults(page) == []
    assert_fits(page)
    page.get_by_role("button", name="Add the passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert_fits(page)

    page.context.clear_cookies()
    page.goto(f"{site}/login/")
    assert find_axe_faults(page) == []
    assert_fits(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="First steps").wait_for()

    # After a password, the passkey is the second step.
    page.context.clear_cookies()
    page.goto(f"{site}/login/")
    page.get_by_label("Email address").fill(f"{name}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="One more step").wait_for()
    assert find_axe_faults(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("heading", name="First steps").wait_for()
