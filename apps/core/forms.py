"""Error messages of all forms, in the style of the other pages."""

from __future__ import annotations

from django import forms
from django.core import validators


def say_plainly() -> None:
    """Replace Django's messages about empty fields and numbers out of range."""
    forms.Field.default_error_messages["required"] = "This is needed."
    forms.FileField.default_error_messages["required"] = "Choose a file."
    forms.FileField.default_error_messages["empty"] = "This file is empty."
    validators.MinValueValidator.message = "At least %(limit_value)s, please."
    validators.MaxValueValidator.message = "At most %(limit_value)s, please."
