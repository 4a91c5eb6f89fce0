"""The form of how people sign in to a workspace."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from apps.workspaces.models import Role
from apps.workspaces.signin.policy import Policy
from apps.workspaces.signin.providers import list_providers

FIELDS = {Role.OWNER: "owners", Role.EDITOR: "editors", Role.VIEWER: "viewers"}


class PolicyForm(forms.Form):
    """Groups are entered by role, several on one line with commas between them."""

    provider = forms.ChoiceField(label="Sign-in provider (OpenID Connect)", required=False)
    requires_provider = forms.BooleanField(
        label="Members must sign in through it",
        required=False,
        help_text="A password alone no longer opens this workspace. API keys keep working.",
    )
    owners = forms.CharField(label="Groups of owners", max_length=2000, required=False)
    editors = forms.CharField(label="Groups of editors", max_length=2000, required=False)
    viewers = forms.CharField(
        label="Groups of viewers",
        max_length=2000,
        required=False,
        help_text=(
            "As the provider names them, with commas between. Whoever is in one becomes a member "
            "as they sign in, and leaves with the group."
        ),
    )
    requires_second_factor = forms.BooleanField(
        label="Members must use a second factor",
        required=False,
        help_text="An authenticator app or a passkey, which each member adds under “You”.",
    )

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        initial: dict[str, Any] = {
            "provider": policy.provider,
            "requires_provider": policy.requires_provider,
            "requires_second_factor": policy.requires_second_factor,
        }
        for role, name in FIELDS.items():
            groups = [group for group, given in policy.group_roles.items() if given == role]
            initial[name] = ", ".join(groups)
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        provider = cast(forms.ChoiceField, self.fields["provider"])
        provider.choices = [("", "None"), *((row.id, row.name) for row in list_providers())]
        if not list_providers():
            for name in ("provider", "requires_provider", *FIELDS.values()):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        groups = [group for name in FIELDS.values() for group in _split(values.get(name, ""))]
        if len(set(groups)) != len(groups):
            raise ValidationError("A group gives one role. One of them is entered twice.")
        return values

    def as_policy(self) -> Policy:
        """What the service takes, of a form that is valid."""
        values = self.cleaned_data
        return Policy(
            provider=values.get("provider", ""),
            requires_provider=values.get("requires_provider", False),
            requires_second_factor=values["requires_second_factor"],
            group_roles={
                group: role.value
                for role, name in FIELDS.items()
                for group in _split(values.get(name, ""))
            },
        )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
