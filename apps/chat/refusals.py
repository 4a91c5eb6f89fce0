"""What the chat answers to input that it does not take."""

from __future__ import annotations

from django.http import HttpResponse


def refuse(reason: str) -> HttpResponse:
    """As plain text, which the page shows as an error and leaves everything else as it is."""
    return HttpResponse(reason, status=422, content_type="text/plain; charset=utf-8")
