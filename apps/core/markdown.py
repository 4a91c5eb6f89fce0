"""Answers as safe HTML: Markdown without raw HTML or images, then an allowlist, with citations.

What a model writes is untrusted. Raw HTML is shown as text, images are dropped (a remote image
can carry data out), only a fixed set of tags and attributes survives, and a `[n]` becomes a chip
only where passage n was really retrieved. A link shows the host that it leads to, and leads there
as the workspace's `links.LinkPolicy` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from apps.core.citations import is_citation_place, is_label, is_marker, read_numbers
from apps.core.markup.links import LinkPolicy, host_of, is_mail

MARKER = re.compile(r"\[([1-9]\d{0,2}(?:\s*[,;]\s*[1-9]\d{0,2})*)\]")
CITATIONS = "citations"
LINKS = "links"
OPEN = "open"

TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr",
    "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title", "class", "target", "aria-label", "data-citation", "data-source-url"},
    "span": {"class"},
    "div": {"class", "tabindex", "role", "aria-label"},
    "ol": {"start"},
    "th": {"scope"},
}
SCHEMES = {"http", "https", "mailto"}


@dataclass(frozen=True, slots=True)
class CitationLink:
    """Where a citation leads: `url` is the document's page, `source_url` its fragment beside
    the chat, `label` names document and page for a screen reader. Without `url` it leads nowhere.
    """

    number: int
    url: str
    label: str
    source_url: str = ""


def render_answer(
    text: str, *, citations: Mapping[int, CitationLink], links: LinkPolicy | None = None
) -> SafeString:
    """Markdown as safe HTML, with `[n]` as citation chips; markers of no passage are dropped.

    Without `links`, links are text with their host behind it.
    """
    return _clean(_parser().render(text, {CITATIONS: citations, LINKS: links, OPEN: []}))


def render_markdown(text: str) -> SafeString:
    """Markdown without citations as safe HTML; `[n]` stays as it was written, links are text."""
    return _clean(_plain_parser().render(text, {LINKS: None, OPEN: []}))


def _clean(html: str) -> SafeString:
    # Safe because only the allowlist is left; nothing is added to the text afterwards.
    return mark_safe(  # noqa: S308
        nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES)
    )


@cache
def _plain_parser() -> MarkdownIt:
    return _new_parser()


def _new_parser() -> MarkdownIt:
    # Link definitions are off: "[1]: the text" at the start of a line must stay readable.
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable("reference")
    parser.add_render_rule("image", _write_image)
    parser.add_render_rule("link_open", _open_link)
    parser.add_render_rule("link_close", _close_link)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("th_open", _open_heading)
    parser.add_render_rule("table_close", _close_table)
    return parser


@cache
def _parser() -> MarkdownIt:
    # A marker is read before a link, so that "[1](x)" and "[1][2]" are citations too.
    parser = _new_parser()
    parser.inline.ruler.before("link", "citation", _read_citation)
    parser.add_render_rule("citation", _write_citation)
    return parser


def _write_image(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    return escape(tokens[index].content)


def _open_link(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    url = str(tokens[index].attrGet("href") or "")
    policy: LinkPolicy | None = env[LINKS]
    is_bare = index + 1 < len(tokens) and tokens[index + 1].content == url
    host = host_of(url)
    shown = host or (url.partition(":")[2] if is_mail(url) else "")
    note = format_html(' <span class="link-host">({})</span>', shown)
    target = policy.address(url) if policy and host else url if is_mail(url) else ""
    env[OPEN].append(("</a>" if target else "") + (note if shown and not is_bare else ""))
    if not target:
        return ""
    return format_html('<a class="outward" target="_blank" href="{}">', target)


def _close_link(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    return str(env[OPEN].pop())


def _open_table(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    # A wide table scrolls in a box of its own, which the keyboard reaches.
    box = '<div class="table-scroll text-table" tabindex="0" role="group" aria-label="Table">'
    return f"{box}<table>\n"


def _open_heading(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    return '<th scope="col">'


def _close_table(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    return "</table></div>\n"


def _read_citation(state: StateInline, silent: bool) -> bool:
    match = MARKER.match(state.src, state.pos)
    if match is None:
        return False
    cited = read_numbers(match.group(1))
    if not is_marker(state.src, match.start(), match.end(), cited):
        return False
    known = [number for number in cited if number in state.env[CITATIONS]]
    before, after = state.src[: match.start()], state.src[match.end() :]
    if not known and (is_label(before) or not is_citation_place(after)):
        return False  # a number of something else, such as "option [7] on the panel"
    if not silent:
        if not known:
            # The marker was dropped, so the space before it goes too.
            state.pending = state.pending.rstrip(" ")
        for number in known:
            token = state.push("citation", "", 0)
            token.meta = {"number": number}
    state.pos = match.end()
    return True


def _write_citation(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    number: int = tokens[index].meta["number"]
    links: Mapping[int, CitationLink] = env[CITATIONS]
    return citation_chip(links[number])


def citation_chip(link: CitationLink) -> SafeString:
    """One numbered chip: a plain link that the script opens beside the chat instead.

    The number alone where the reader may not open the source.
    """
    if not link.url:
        return format_html(
            '<span class="citation"><span class="visually-hidden">Source </span>{}</span>',
            link.number,
        )
    extra: dict[str, Any] = {"url": link.url, "number": link.number, "label": link.label}
    return format_html(
        '<a class="citation" href="{url}" data-citation="{number}" data-source-url="{source}"'
        ' aria-label="Source {number}: {label}">{number}</a>',
        source=link.source_url,
        **extra,
    )
