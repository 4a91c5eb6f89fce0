"""Forms of collections and documents."""

from __future__ import annotations

from django import forms


class CollectionForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=120,
        widget=forms.TextInput(attrs={"placeholder": "Handbook", "autocomplete": "off"}),
    )
    description = forms.CharField(label="What it holds", max_length=500, required=False)


class UrlForm(forms.Form):
    url = forms.URLField(
        label="Address",
        max_length=2000,
        assume_scheme="https",
        help_text=(
            "The page is fetched once. Add the same address again to take in a newer version."
        ),
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )


class UploadForm(forms.Form):
    """One file; `path` is where it lay in the folder that was dropped.

    Names of any length are taken, because they are shortened where they are kept.
    """

    file = forms.FileField(allow_empty_file=True)
    path = forms.CharField(required=False)
