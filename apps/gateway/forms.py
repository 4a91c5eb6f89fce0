"""The form of a model endpoint."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.gateway.models import Endpoint
from apps.gateway.services import EndpointFields
from apps.workspaces.models import Workspace

STORED = (
    "name", "base_url", "model", "context_tokens", "input_price", "output_price",
    "requests_per_minute", "licence", "is_private", "size_b",
)  # fmt: skip


class EndpointForm(forms.Form):
    """For a new endpoint, or for `endpoint`, whose key is never shown: empty means unchanged."""

    name = forms.CharField(
        label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    base_url = forms.CharField(  # no URLField: it refuses names like http://vllm:8000
        label="Base URL",
        max_length=500,
        help_text="Up to and with /v1, for example http://localhost:8000/v1.",
        widget=forms.URLInput(attrs={"placeholder": "http://localhost:8000/v1"}),
    )
    model = forms.CharField(
        label="Model",
        max_length=200,
        help_text="As the server calls it, for example Qwen/Qwen3-8B.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    api_key = forms.CharField(
        label="API key",
        max_length=1000,
        required=False,
        help_text="Kept encrypted and never shown again. A server of your own may need none.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    remove_key = forms.BooleanField(label="Forget the stored key", required=False)
    context_tokens = forms.IntegerField(
        label="Context window in tokens", min_value=512, max_value=4_000_000, initial=8192
    )
    input_price = forms.DecimalField(
        label="Price of a million input tokens, in US dollars",
        min_value=0, max_digits=10, decimal_places=4, required=False,
    )  # fmt: skip
    output_price = forms.DecimalField(
        label="Price of a million output tokens, in US dollars",
        min_value=0, max_digits=10, decimal_places=4, required=False,
    )  # fmt: skip
    requests_per_minute = forms.IntegerField(
        label="Requests a minute",
        min_value=1, max_value=100_000, required=False,
        help_text="What experiments keep to. Empty: as fast as it answers.",
    )  # fmt: skip
    licence = forms.CharField(
        label="Licence of the model", max_length=60, required=False,
        help_text="For example: Apache-2.0",
    )  # fmt: skip
    size_b = forms.FloatField(
        label="Size in billions of parameters", min_value=0, max_value=100_000, required=False
    )
    is_private = forms.BooleanField(
        label="It runs on our own machines", required=False,
        help_text="What is asked and the passages do not leave it.",
    )  # fmt: skip

    def __init__(
        self, *args: Any, workspace: Workspace, endpoint: Endpoint | None = None, **kwargs: Any
    ) -> None:
        if endpoint is not None:
            kwargs.setdefault("initial", _initial(endpoint))
        super().__init__(*args, **kwargs)
        self.workspace, self.endpoint = workspace, endpoint
        if endpoint is None or not endpoint.api_key_encrypted:
            del self.fields["remove_key"]
        else:
            self.fields["api_key"].help_text = "A key is stored. Leave this empty to keep it."

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        taken = Endpoint.objects.filter(workspace=self.workspace, name=name)
        if self.endpoint is not None:
            taken = taken.exclude(pk=self.endpoint.pk)
        if taken.exists():
            raise ValidationError("Another model has this name already.")
        return name

    def as_fields(self) -> EndpointFields:
        """What the service takes, of a form that is valid."""
        values = self.cleaned_data
        key: str | None = values["api_key"] or None
        if values.get("remove_key") and not key:
            key = ""
        return EndpointFields(
            name=values["name"],
            base_url=values["base_url"],
            model=values["model"],
            api_key=key,
            context_tokens=values["context_tokens"],
            input_price=values["input_price"] or Decimal(0),
            output_price=values["output_price"] or Decimal(0),
            requests_per_minute=values["requests_per_minute"],
            licence=values["licence"],
            is_private=values["is_private"],
            size_b=values["size_b"],
        )


def _initial(endpoint: Endpoint) -> dict[str, object]:
    return {name: getattr(endpoint, name) for name in STORED}
