"""The passages beside a document's source. Load with `{% load passages %}`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template

from apps.documents.units import name_places
from apps.retrieval.passages.selectors import describe_chunks, list_edited_texts

register = template.Library()


@register.inclusion_tag("retrieval/passages/_pane.html", takes_context=True)
def passages(context: template.Context) -> dict[str, Any]:
    """Those of the part that is shown: of `version`, on `page`, with the `highlight` marked."""
    version, page, highlight = context["version"], context["page"], context["highlight"]
    parts = page.object_list[0] if page.object_list else ()
    chunks = describe_chunks(version, start=parts[0].start, end=parts[-1].end) if parts else None
    places = name_places(
        ((version.pk, item.first_page) for item in (chunks.items if chunks else ())),
        {version.pk: version.media_type},
    )
    items = []
    for item in chunks.items if chunks else ():
        query = urlencode({"version": version.number, "start": item.start, "end": item.end})
        is_current = bool(highlight and item.start < highlight.end and highlight.start < item.end)
        place = places[version.pk, item.first_page]
        items.append((item, f"?{query}#highlight", is_current, place))
    return {
        "found": chunks,
        "items": items,
        "version": version,
        "workspace": context["workspace"],
        "can_edit": context["can_edit"] and bool(chunks and chunks.is_current),
        "csrf_token": context.get("csrf_token"),
        "request": context["request"],
    }


@register.inclusion_tag("retrieval/passages/_edited.html", takes_context=True)
def edited_passages(context: template.Context) -> dict[str, Any]:
    """What an answer quotes instead of the highlighted words, where somebody edited them."""
    highlight = context["highlight"]
    if highlight is None:
        return {"texts": []}
    version = context["version"]
    return {"texts": list_edited_texts(version, start=highlight.start, end=highlight.end)}
