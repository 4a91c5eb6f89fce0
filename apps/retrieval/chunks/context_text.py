"""The context of a passage as part of what is embedded and indexed: between heading and text."""

from __future__ import annotations

from django.db.models import Case, F, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat


def heading_with_context() -> Combinable:
    """In a query over passages: the heading path, and below it the context if there is one."""
    return Case(
        When(context__text__isnull=True, then=F("heading")),
        When(heading="", then=F("context__text")),
        default=Concat("heading", Value("\n"), "context__text", output_field=TextField()),
        output_field=TextField(),
    )
