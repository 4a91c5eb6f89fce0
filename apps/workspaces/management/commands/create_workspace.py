"""`manage.py create_workspace NAME --owner EMAIL`: a workspace and a key for it, as JSON."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.core.health import check_migrations
from apps.workspaces.keys.services import DEFAULT_DAYS, MAX_DAYS, create_api_key
from apps.workspaces.models import ALL_SCOPES, User
from apps.workspaces.services import Actor, create_workspace, get_or_create_user
from config.env import load_runtime

WAIT_SECONDS = 120.0
PAUSE_SECONDS = 1.0
STARTING = (
    "The product is still starting: its database is not up to date yet. Try again in a minute."
)


class Command(BaseCommand):
    help = "Create a workspace with a full-scope API key and print both as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="name of the workspace")
        parser.add_argument("--owner", required=True, help="email address of its owner")
        parser.add_argument(
            "--key-days", type=int, default=DEFAULT_DAYS, choices=range(MAX_DAYS + 1),
            metavar="DAYS", help="how long the key works; 0 is forever (default: %(default)s)",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        name, email = options["name"].strip(), options["owner"].strip()
        if not name or len(name) > 120:
            raise CommandError("The name must have between 1 and 120 characters.")
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email!r} is not an email address.") from None
        if not _wait_for_tables():
            raise CommandError(STARTING)
        with transaction.atomic():
            owner, is_new = get_or_create_user(email)
            workspace = create_workspace(name, owner=owner)
            _, secret = create_api_key(
                workspace,
                name="Command line",
                scopes=ALL_SCOPES,
                days=options["key_days"] or None,
                actor=Actor(user=owner),
            )
        result = {
            "workspace": str(workspace.pk),
            "slug": workspace.slug,
            "api_key": secret,
            "owner": owner.email,
        }
        if is_new or not owner.has_usable_password():
            result["set_password_url"] = _make_password_link(owner)
        self.stdout.write(json.dumps(result))


def _wait_for_tables() -> bool:
    """Whether the migrations of a first start, which run beside this command, have ended."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not check_migrations().ok:
        if time.monotonic() >= deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def _make_password_link(user: User) -> str:
    """Where the owner chooses a password; without a running server only the path is known."""
    runtime = load_runtime(settings.DATA_DIR)
    path = reverse(
        "set_password",
        kwargs={
            "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
            "token": default_token_generator.make_token(user),
        },
    )
    return f"{runtime.web_url.rstrip('/') if runtime else ''}{path}"
