"""Marks inside a line of Markdown: taken away, with what they point to kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from parsing.inline import lowered, raised, with_address
from parsing.text import squeeze

Definitions = dict[str, str]
"""Targets of reference links, by `find_label` of their label."""

MAX_INLINE = 20_000
"""Longer paragraphs are not prose, and could keep the expressions below busy."""

_CODE_SPAN = re.compile(r"(?<!`)(`{1,3})(?!`)(.{1,1000}?)(?<!`)\1(?!`)", re.DOTALL)
_INNER = r"[^()\s]*(?:\([^()\s]*\)[^()\s]*)*"
_PLACE = rf"\(\s*(<[^<>\n]*>|{_INNER})(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)"
_IMAGE = re.compile(rf"!\[([^\[\]]*)\](?:{_PLACE}|\[[^\]]*\])")
_LINK = re.compile(rf"\[((?:[^\[\]\\]|\\.)+)\](?:{_PLACE}|\[([^\[\]]*)\])?(?!:[ \t])")
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto):[^<>\s]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)>")
_BARE_LINK = re.compile(r"\b(?:https?|ftp)://[^\s<>\[\]`\"]+")
_ANCHOR = re.compile(
    r"<a\s[^<>]*?href\s*=\s*[\"']([^\"'<>]*)[\"'][^<>]*>(.{0,1000}?)</a\s*>",
    re.IGNORECASE | re.DOTALL,
)
_RAISED = re.compile(r"<(sup|sub)>([^<>]{1,200})</\1>", re.IGNORECASE)
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.{1,1000}?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(
    r"(?<![\w*\\])([*_])(?=[^\s*_])(.{1,1000}?)(?<=[^\s*_\\])\1(?![\w*])", re.DOTALL
)
_BLOCK_TAGS = (
    "address|article|aside|blockquote|br|caption|center|dd|details|div|dl|dt|figcaption|figure|"
    "footer|h[1-6]|header|hr|li|main|nav|ol|option|p|pre|section|summary|table|tbody|td|tfoot|th|"
    "thead|tr|ul"
)
_INLINE_TAGS = (
    "a|abbr|acronym|b|bdi|bdo|big|button|cite|code|col|colgroup|data|del|dfn|em|font|i|iframe|img|"
    "input|ins|kbd|label|mark|meta|picture|q|s|samp|script|select|small|source|span|strike|strong|"
    "style|sub|sup|svg|textarea|time|tt|u|var|video|wbr"
)
UNSEEN = re.compile(
    r"<(span|div|p)\s[^<>]{0,500}?(?:display\s*:\s*none|visibility\s*:\s*hidden)[^<>]{0,500}>[^<>]{0,5000}</\1\s*>",
    re.IGNORECASE,
)
_TAG = re.compile(
    rf"<!--.*?-->|</?(?:({_BLOCK_TAGS})|(?:{_INLINE_TAGS}))(?:\s[^<>]*)?/?>",
    re.DOTALL | re.IGNORECASE,
)
_WORDS_IN_ANGLES = re.compile(r"<[abipqsu]\s+[^<>=/\s][^<>=/]*>", re.IGNORECASE)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,12}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_KEPT = re.compile("\x02(\\d+)\x03")
_BLANK_LINES = re.compile(r"[ \t]*\n[ \t]*(?:\n[ \t]*)+")
_LAST = re.compile(r"\S*\Z")


def find_label(text: str) -> str:
    """A label as definitions and references compare it."""
    return squeeze(text).casefold()


def clean_inline(text: str, definitions: Definitions | None = None) -> str:
    """Text without Markdown's inline marks; code and addresses keep their characters.

    The address that a link leads to stands in parentheses after its text.
    """
    if len(text) > MAX_INLINE or not re.search(r"[`*_\[\]<>\\&!]", text):
        return text
    return _Cleaner(definitions or {}).clean(text)


class _Cleaner:
    """Sets aside what must not be touched, takes the marks away, and puts it back."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._kept: list[str] = []

    def clean(self, text: str) -> str:
        if "`" in text:
            text = _CODE_SPAN.sub(lambda span: self._keep(_trim_code(span.group(2))), text)
        text = _ESCAPE.sub(lambda match: self._keep(match.group(1)), text)
        if "[" in text:
            text = _IMAGE.sub(r"\1", text)
            text = _LINK.sub(self._replace_link, text)
        if "<" in text:
            text = _AUTOLINK.sub(lambda match: self._keep(_shown(match.group(1))), text)
            text = _ANCHOR.sub(self._replace_anchor, text)
        if "://" in text:
            text = _BARE_LINK.sub(self._keep_address, text)
        if "<" in text:
            text = _clean_tags(text)
        if "*" in text or "_" in text:
            text = _STRONG.sub(_unmark(text), text)
            text = _EMPHASIS.sub(r"\2", text)
        if "&" in text:
            text = _ENTITY.sub(lambda entity: unescape(entity.group(0)), text)
        return self._put_back(text)

    def _keep(self, text: str) -> str:
        self._kept.append(text)
        return f"\x02{len(self._kept) - 1}\x03"

    def _put_back(self, text: str) -> str:
        while "\x02" in text:
            text = _KEPT.sub(lambda match: self._kept[int(match.group(1))], text)
        return text

    def _keep_address(self, match: re.Match[str]) -> str:
        address = match.group(0).rstrip("*_.,;:!?)")
        return self._keep(address) + match.group(0)[len(address) :]

    def _replace_link(self, match: re.Match[str]) -> str:
        words, place, label = match.groups()
        if place is None:
            target = self._definitions.get(find_label(self._put_back(label or words)))
            if target is None:
                return match.group(0)
        else:
            target = self._put_back(place).strip("<>")
        return self._with_address(words, target)

    def _with_address(self, words: str, target: str) -> str:
        shown = with_address(self._put_back(words), target)
        added = shown[len(self._put_back(words).rstrip()) :]
        return words.rstrip() + (self._keep(added) if added.strip() else "")

    def _replace_anchor(self, match: re.Match[str]) -> str:
        target, words = match.groups()
        return self._with_address(words, unescape(self._put_back(target)))


def _clean_tags(text: str) -> str:
    text = UNSEEN.sub("", _RAISED.sub(_raise, text))
    text = _TAG.sub(_drop_tag, text)
    return _BLANK_LINES.sub("\n", text).strip("\n") if "\n" in text else text


def _drop_tag(tag: re.Match[str]) -> str:
    if _WORDS_IN_ANGLES.match(tag.group(0)):
        return tag.group(0)
    return "\n" if tag.group(1) else ""


def _trim_code(code: str) -> str:
    """Drop one space at either end of a code span, as CommonMark does."""
    padded = len(code) > 2 and code[0] == code[-1] == " " and bool(code.strip())
    return code[1:-1] if padded else code


def _shown(address: str) -> str:
    return address.removeprefix("mailto:")


def _raise(match: re.Match[str]) -> str:
    before = _LAST.search(match.string[: match.start()])
    write = raised if match.group(1).lower() == "sup" else lowered
    return write(match.group(2), before.group(0)[-20:] if before else "")


def _unmark(text: str) -> Callable[[re.Match[str]], str]:
    """Replaces strong marks, but not those within names and powers: __init__.py, 2**10**2."""

    def replace(match: re.Match[str]) -> str:
        before = text[: match.start()][-1:]
        after = text[match.end() :][:2]
        word_before = before.isascii() and (before.isalnum() or before == "_")
        word_after = after[:1].isascii() and (after[:1].isalnum() or after[:1] == "_")
        is_file = match.group(1) == "__" and after[:1] == "." and after[1:].isalnum()
        return match.group(0) if (word_before and word_after) or is_file else match.group(2)

    return replace
