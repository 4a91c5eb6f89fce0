"""Template tags and filters of the interface: icons, formats, charts, answers.

Load with `{% load ui %}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from heroicons.templatetags import heroicons

from apps.core import charts, formats, samples
from apps.core.markdown import render_markdown
from apps.core.models import Job, JobState
from apps.core.states import find_badge
from apps.core.text_diff import DiffPart

register = template.Library()

register.filter("count", formats.format_count)
register.filter("bytes", formats.format_bytes)
register.filter("ms", formats.format_milliseconds)
register.filter("seconds", formats.format_seconds)
register.filter("money", formats.format_money)
register.filter("markdown", render_markdown)


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, css: str = "") -> SafeString:
    """A Heroicons outline icon, hidden from screen readers, since every control has a label."""
    return SafeString(
        heroicons.heroicon_outline(
            name, size=None, **{"class": f"icon {css}".strip(), "aria-hidden": "true"}
        )
    )


register.simple_tag(samples.chart_samples)


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """A moment as relative time, with the exact one on hover."""
    if moment is None:
        return formats.MISSING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        formats.format_exact(moment),
        formats.format_relative(moment, now=timezone.now()),
    )


@register.filter
def score(value: float | None) -> str:
    """A retrieval score with four digits after the point."""
    return formats.MISSING if value is None else f"{value:.4f}"


@register.filter
def minus(number: object) -> str:
    """A formatted number with a typographic minus sign, like all other figures."""
    return str(number).replace("-", "\N{MINUS SIGN}")


@register.filter
def plain(value: object) -> str:
    """A value of a trace as people write it: yes or no, and lists separated by semicolons."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "; ".join(plain(item) for item in value)
    return str(value)


@register.simple_tag
def marked_text(pieces: Iterable[tuple[str, bool]]) -> SafeString:
    """Pieces of a text, those that match marked, and no white space put between them."""
    return format_html_join(
        "", "{}", ((_wrap("mark" if hit else "", text),) for text, hit in pieces)
    )


@register.simple_tag
def changed_text(parts: Iterable[DiffPart]) -> SafeString:
    """Two texts as one: what was added and removed is marked, with no white space put between."""
    tags = {"added": "ins", "removed": "del"}
    return format_html_join("", "{}", ((_wrap(tags.get(p.kind, ""), p.text),) for p in parts))


def _wrap(tag: str, text: str) -> SafeString:
    return format_html(f"<{tag}>{{}}</{tag}>" if tag else "{}", text)


@register.simple_tag
def state(name: str, word: str = "", count: int | None = None, css: str = "") -> SafeString:
    """A state as a badge, in the words of `apps.core.states` or in these; or how many are in it."""
    badge = find_badge(name)
    shown = word or badge.word
    if count is not None:
        shown = f"{formats.format_count(count)} {shown.lower()}"
    classes = f"state state-{badge.tone} {css}".strip()
    return format_html('<span class="{}">{}</span>', classes, shown)


@register.simple_tag
def job_state(job: Job | None) -> SafeString:
    """The badge of a job that people can stop; None if it is not written yet. It counts."""
    if job is None:
        return state(JobState.QUEUED)
    if job.state == JobState.RUNNING:
        return state(job.state, f"{job.done} of {job.total}")
    return state("stopped" if job.state == JobState.CANCELLED else job.state)


@register.simple_block_tag
def empty_state(content: str, icon_name: str, title: str) -> SafeString:
    """An empty place that says what comes next; the text stands between the tags."""
    return render_to_string(
        "components/empty.html", {"icon_name": icon_name, "title": title, "text": content}
    )


@register.simple_block_tag(takes_context=True)
def confirm(
    context: template.Context, content: str, name: str, title: str, action: str, button: str
) -> SafeString:
    """A dialog before something is destroyed: between the tags, what goes and what stays.

    `name` opens it (`data-dialog-open`), `action` is the address, `button` says the verb.
    """
    return render_to_string(
        "components/confirm.html",
        {
            "id": name,
            "title": title,
            "text": content,
            "action": action,
            "button": button,
            "csrf_token": context.get("csrf_token"),
        },
    )


@register.inclusion_tag("components/charts/sparkline.html")
def sparkline(values: Sequence[float], label: str) -> dict[str, Any]:
    """A small line chart; `label` describes it for people who cannot see it."""
    return {"chart": charts.plot_sparkline(values), "label": label}


@register.inclusion_tag("components/charts/bars.html")
def bars(items: Sequence[Mapping[str, Any]], title: str, unit: str = "") -> dict[str, Any]:
    """Horizontal bars of items with `label`, `value` and optionally `url`."""
    rows = [(item["label"], item["value"], item.get("url", "")) for item in items]
    return {"chart": charts.plot_bars(rows), "title": title, "unit": unit}


@register.inclusion_tag("components/charts/line.html")
def line(
    labels: Sequence[str], values: Sequence[float | None], title: str, unit: str = ""
) -> dict[str, Any]:
    """A line over equally spaced labels, with its numbers in a table below."""
    return {
        "chart": charts.plot_line(labels, values),
        "rows": list(zip(labels, values, strict=True)),
        "title": title,
        "unit": unit,
    }


@register.inclusion_tag("components/charts/scatter.html")
def scatter(
    points: Sequence[charts.PointInput], title: str, x_title: str, y_title: str
) -> dict[str, Any]:
    """Points over two axes. The page shows the same numbers in a table."""
    return {
        "chart": charts.plot_scatter(points),
        "title": title,
        "x_title": x_title,
        "y_title": y_title,
    }


@register.inclusion_tag("components/charts/waterfall.html")
def waterfall(spans: Sequence[Mapping[str, Any]], title: str) -> dict[str, Any]:
    """Timed steps with `name` or `label`, `offset_ms`, `duration_ms` and `status`."""
    inputs = [
        charts.SpanInput(
            name=span.get("label") or span["name"],
            offset_ms=span["offset_ms"],
            duration_ms=span["duration_ms"],
            ok=span["status"] == "ok",
        )
        for span in spans
    ]
    return {"chart": charts.plot_waterfall(inputs), "title": title}


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The current page's query string with some parameters changed; empty ones are left out."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            parameters.pop(name, None)
        else:
            parameters[name] = value
    return f"?{parameters.urlencode()}"
