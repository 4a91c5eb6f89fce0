"""A recipe's settings as the fields of a form, and what a filled form says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from apps.assistants.recipes.fields import SETTINGS, Setting
from apps.assistants.recipes.sampling import describe_sampling
from apps.gateway.selectors import list_endpoints
from apps.retrieval.search.profiles import DEFAULT_PROFILE, STEP_ENDPOINTS, RetrievalProfile
from apps.workspaces.models import Workspace

AS_IT_IS = "As the assistant has it"
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "\\": "\\"}
SWITCHED = {"true": True, "false": False}


def make_field(setting: Setting, workspace: Workspace, *, is_sparse: bool = False) -> forms.Field:
    """A field for one setting. In a sparse form all may stay empty, for what the recipe has."""
    shared: dict[str, Any] = {
        "label": setting.label, "help_text": setting.help, "required": False,
    }  # fmt: skip
    blank = [("", AS_IT_IS)] if is_sparse else []
    if setting.kind == "endpoint":
        empty = AS_IT_IS if is_sparse else setting.placeholder
        return forms.ModelChoiceField(list_endpoints(workspace), empty_label=empty, **shared)
    if setting.kind == "choice":
        return forms.ChoiceField(choices=[*blank, *setting.choices], **shared)
    if setting.kind == "switch" and is_sparse:
        choices = [*blank, ("true", "Yes"), ("false", "No")]
        return forms.ChoiceField(choices=choices, **shared)
    if setting.kind == "switch":
        return forms.BooleanField(**shared)
    if setting.kind == "lines":
        area = forms.Textarea(attrs={"rows": 2})
        return forms.CharField(max_length=1_000, strip=False, widget=area, **shared)
    placeholder = AS_IT_IS if is_sparse else setting.placeholder or _tell_default(setting)
    attributes = {"placeholder": placeholder}
    if setting.kind == "text":
        widget = forms.TextInput(attrs=attributes | {"autocomplete": "off"})
        return forms.CharField(max_length=setting.max_length, widget=widget, **shared)
    low, high = setting.bounds
    number = forms.NumberInput(attributes)
    if setting.kind == "whole":
        return forms.IntegerField(min_value=int(low), max_value=int(high), widget=number, **shared)
    return forms.FloatField(min_value=low, max_value=high, widget=number, **shared)


def _tell_default(setting: Setting) -> str:
    return f"{getattr(DEFAULT_PROFILE, setting.name):g}"


def read_values(
    cleaned: Mapping[str, Any], *, prefix: str = "", is_sparse: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of the retrieval and of the sampling that a cleaned form gives.

    Of a sparse form only what was filled in; of another one all, with the default where a field
    is empty that cannot be.
    """
    values: dict[str, dict[str, Any]] = {"retrieval": {}, "sampling": {}}
    for setting in SETTINGS.values():
        raw = cleaned.get(f"{prefix}{setting.name}")
        is_empty = raw in (None, "")
        if is_empty and is_sparse:
            continue
        values[setting.part][setting.name] = _read_value(setting, raw)
    retrieval = values["retrieval"]
    for name, (step, value) in STEP_ENDPOINTS.items():
        # A model that stays chosen beside a step that is off is no mistake.
        if name in retrieval and retrieval.get(step, value) != value:
            del retrieval[name]
    return retrieval, values["sampling"]


def _read_value(setting: Setting, raw: Any) -> Any:
    if setting.kind == "endpoint":
        return str(raw.pk) if raw is not None else ""
    if setting.kind == "lines":
        return [_unescape(line) for line in (raw or "").splitlines() if line.strip()]
    if raw in (None, "") and not setting.can_be_empty:
        return getattr(DEFAULT_PROFILE, setting.name)
    if setting.kind == "text":
        return raw or ""
    return SWITCHED.get(raw, raw) if setting.kind == "switch" else raw


def initial_values(profile: RetrievalProfile, sampling: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of a form that is not sparse begin with."""
    stored = describe_sampling(sampling)
    stops = "\n".join(_escape(text) for text in stored.pop("stop"))
    return profile.to_json() | stored | {"stop": stops}


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


def _unescape(line: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[0]), line)


def add_fields(
    form: forms.Form,
    settings: Iterable[Setting],
    workspace: Workspace,
    *,
    prefix: str = "",
    is_sparse: bool = False,
) -> None:
    """Give the form a field for each setting, under its name."""
    for setting in settings:
        field = make_field(setting, workspace, is_sparse=is_sparse)
        form.fields[f"{prefix}{setting.name}"] = field
