"""A chunk's context, embedded and indexed between its heading and its text."""

from __future__ import annotations

from django.db.models import Case, F, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat


def heading_with_context() -> Combinable:
    """For queries over chunks: the heading path, followed by the context if there is one."""
    return Case(
        When(context__text__isnull=True, then=F("heading")),
        When(heading="", then=F("context__text")),
        default=Concat("heading", Value("\n"), "context__text", output_field=TextField()),
        output_field=TextField(),
    )
