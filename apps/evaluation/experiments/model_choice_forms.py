"""What people fill in to choose a model."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from apps.datasets.models import DatasetVersion
from apps.datasets.selectors import list_frozen_versions
from apps.gateway.models import Endpoint
from apps.workspaces.models import Workspace


class DemandForm(forms.Form):
    """What a model must be before it is worth measuring."""

    licence = forms.CharField(max_length=60, required=False, label="Licence")
    min_context = forms.IntegerField(
        required=False, min_value=1, label="Context window of at least", help_text="In tokens."
    )
    max_size_b = forms.FloatField(
        required=False, min_value=0, label="Size of at most", help_text="In billions of parameters."
    )
    max_output_price = forms.FloatField(
        required=False,
        min_value=0,
        label="Price of at most",
        help_text="In dollars for a million output tokens.",
    )
    must_be_private = forms.BooleanField(required=False, label="Runs on our own machines")

    FORMER_NAMES = {
        "least_context": "min_context", "largest_b": "max_size_b", "dearest": "max_output_price"
    }  # fmt: skip
    """Bookmarked addresses keep working: an ignored requirement would look as if it were met."""

    def __init__(self, query: QueryDict) -> None:
        values = query.copy()
        for former, name in self.FORMER_NAMES.items():
            if former in values and name not in values:
                values.setlist(name, values.getlist(former))
        super().__init__(values)


class ModelsForm(forms.Form):
    """The models that are compared, and on what."""

    endpoints = forms.ModelMultipleChoiceField(queryset=Endpoint.objects.none(), required=False)
    with_reader = forms.BooleanField(required=False)
    dataset_version = forms.ModelChoiceField(
        queryset=DatasetVersion.objects.none(), label="Dataset", empty_label=None
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        endpoints, versions = self.fields["endpoints"], self.fields["dataset_version"]
        assert isinstance(endpoints, forms.ModelMultipleChoiceField)
        assert isinstance(versions, forms.ModelChoiceField)
        endpoints.queryset = Endpoint.objects.filter(workspace=workspace)
        versions.queryset = list_frozen_versions(workspace.pk)
