"""Forms of accounts and workspace settings."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.workspaces.models import (
    AuditEvent,
    ConversationAccess,
    Membership,
    Role,
    User,
    Workspace,
)


class _NewPasswordForm(forms.Form):
    """A form whose `password` is checked against the person it will belong to."""

    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=200,
        help_text="At least 10 characters. A few words that only you would put together are best.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def _owner(self, values: dict[str, Any]) -> User:
        return User(name=values.get("name", ""), email=values.get("email", ""))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        password = values.get("password")
        if password:
            try:
                validate_password(password, user=self._owner(values))
            except ValidationError as error:
                self.add_error("password", error)
        return values


class SetupForm(_NewPasswordForm):
    """The first account, which owns the first workspace."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    email = forms.EmailField(
        label="Email address", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    workspace_name = forms.CharField(
        label="Workspace",
        max_length=120,
        help_text="The name of your team or company. You can change it later.",
    )
    include_demo = forms.BooleanField(
        label="Add a demo workspace",
        required=False,
        initial=True,
        help_text="A short handbook and an assistant to try things on. You can delete it.",
    )
    field_order = ["name", "email", "password", "workspace_name", "include_demo"]


class LoginForm(forms.Form):
    email = forms.EmailField(
        label="Email address",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class JoinForm(_NewPasswordForm):
    """A new account for the address that was invited."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    field_order = ["name", "password"]

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def _owner(self, values: dict[str, Any]) -> User:
        return User(name=values.get("name", ""), email=self.email)


class JoinWithPasswordForm(forms.Form):
    """The password of the account that the invited address already has."""

    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="Email address", widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.VIEWER)

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if Membership.objects.filter(workspace=self.workspace, user__email=email).exists():
            raise ValidationError("This person is already a member.")
        return email


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=Role.choices)


class WorkspaceForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)


class ConversationAccessForm(forms.Form):
    access = forms.ChoiceField(
        label="Of other people's conversations, editors and owners may see",
        choices=ConversationAccess.choices,
        widget=forms.RadioSelect,
        help_text="People are told in the chat. An answer that somebody rates is sent to the "
        "feedback list whatever is chosen here, and with their name only where names are shown.",
    )


class LinkHostsForm(forms.Form):
    link_hosts = forms.CharField(
        label="Trusted hosts",
        required=False,
        max_length=30_000,
        help_text="One a line, such as docs.example.com. The hosts below it are trusted too.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )


class DeleteWorkspaceForm(forms.Form):
    confirmation = forms.CharField(
        label="Type the workspace's name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_confirmation(self) -> str:
        typed: str = self.cleaned_data["confirmation"]
        if typed.strip() != self.workspace.name.strip():
            raise ValidationError("This is not the workspace's name. Nothing was deleted.")
        return typed


class ProfileForm(forms.Form):
    name = forms.CharField(
        label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class AuditFilterForm(forms.Form):
    """Unknown choices are ignored, so that an old link still shows something."""

    action = forms.ChoiceField(label="What", required=False)
    member = forms.ChoiceField(label="Who", required=False)
    since = forms.DateField(
        label="Since", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(
        self, *args: Any, actions: list[str], members: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        action = cast(forms.ChoiceField, self.fields["action"])
        member = cast(forms.ChoiceField, self.fields["member"])
        action.choices = [("", "Everything"), *((name, describe_action(name)) for name in actions)]
        member.choices = [("", "Everybody"), *members]


def list_details(event: AuditEvent) -> list[tuple[str, Any]]:
    """An event's details that are not empty, with their names as words."""
    return [
        (name.replace("_", " "), value)
        for name, value in event.detail.items()
        if value not in ("", None)
    ]


def describe_action(action: str) -> str:
    """An action's code as words: `member.role_changed` gives `Member: role changed`."""
    subject, _, verb = action.replace("_", " ").replace("api ", "API ").partition(".")
    subject = subject[:1].upper() + subject[1:]
    return f"{subject}: {verb}" if verb else subject
