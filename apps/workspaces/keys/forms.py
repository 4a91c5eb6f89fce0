"""Forms of API keys."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from apps.workspaces.keys.services import DEFAULT_DAYS, DEFAULT_SCOPES
from apps.workspaces.models import ROLE_SCOPES, Membership, Role, Scope

PERIODS = [("30", "30 days"), ("90", "90 days"), ("180", "180 days"), ("365", "A year")]
NEVER = ("never", "Never")


class KeyForm(forms.Form):
    """A key can do no more than the person who makes it, and only an owner's may last forever."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="What will use it, for example “Help desk bot”."
    )
    scopes = forms.MultipleChoiceField(
        label="It may (scopes)",
        help_text="Tick only what the program needs.",
        choices=Scope.choices,
        initial=DEFAULT_SCOPES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    expires = forms.ChoiceField(
        label="It expires after",
        initial=str(DEFAULT_DAYS),
        required=False,
        help_text="A new key takes its place before then. Only owners may choose never.",
    )

    def __init__(self, *args: Any, role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = cast(forms.MultipleChoiceField, self.fields["scopes"])
        scopes.choices = [choice for choice in Scope.choices if choice[0] in ROLE_SCOPES[role]]
        expires = cast(forms.ChoiceField, self.fields["expires"])
        expires.choices = [*PERIODS, NEVER] if role == Role.OWNER else PERIODS

    def days(self) -> int | None:
        """How long a valid form's key works; None is forever."""
        value: str = self.cleaned_data["expires"] or str(DEFAULT_DAYS)
        return None if value == NEVER[0] else int(value)


class NewOwnerForm(forms.Form):
    """Who takes over keys. `to` is the id of an owner's membership; empty for nobody."""

    to = forms.ModelChoiceField(
        queryset=Membership.objects.none(),
        error_messages={"invalid_choice": "Choose an owner of this workspace."},
    )

    def __init__(self, *args: Any, owners: Any, required: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField[Membership]", self.fields["to"])
        field.queryset, field.required = owners, required
