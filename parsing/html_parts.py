"""Parts of web pages: what a page hides, where its links lead, and the text of a line."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from lxml import etree

from parsing.html_styles import PageStyles, hides, is_white
from parsing.inline import (
    is_address,
    is_file,
    mark_lowered,
    mark_raised,
    mark_struck,
    reading_text,
    settle,
    with_address,
)

_MANY_LINKS = 100


class HiddenParts:
    """Elements that a page does not show: by attribute, by their style, or by a style sheet.

    Style sheets count only in pages without scripts, because a script may show what they hide.
    """

    def __init__(self, root: etree._Element, styles: PageStyles) -> None:
        self.count = 0
        self._styles = styles
        self._has_scripts = next(root.iter("script"), None) is not None
        sheets = (link.get("rel") or "" for link in root.iter("link"))
        self._is_whole = not self._has_scripts and not any("stylesheet" in rel for rel in sheets)

    def has(self, element: etree._Element) -> bool:
        """Whether an element is hidden; it is counted if it holds any text."""
        own = element.get("style") or ""
        body = own if self._has_scripts else self._styles.body(element)
        hidden = element.get("hidden") is not None or bool(body and hides(body))
        hidden = hidden or bool(body and self._is_whole and is_white(element, body, self._styles))
        if hidden and any(str(part).strip() for part in element.itertext()):
            self.count += 1
        return hidden

    def note(self) -> str:
        """What is said of them."""
        return "Parts of this page that it does not show were left out." if self.count else ""


class Addresses:
    """Where links lead. Pages with very many links keep those to other sites only, and not those
    to themselves in other languages.
    """

    def __init__(self, root: etree._Element) -> None:
        self.base = _base_address(root)
        self._site = urlsplit(self.base).netloc.lower()
        links = sum(1 for link in root.iter("a") if link.get("href"))
        self._is_full = links > _MANY_LINKS
        self._left_out = 0

    def of(self, link: etree._Element) -> str:
        """The address of a link as it is shown; empty where it is left out."""
        target = (link.get("href") or "").strip()
        if not target or target.startswith("#"):
            return ""
        if self._is_full and self._site and target.startswith("/") and target[1:2] != "/":
            self._left_out += 1
            return ""
        try:
            full = urljoin(self.base, target) if self.base else target
            site = urlsplit(full).netloc.lower()
        except ValueError:
            return ""
        if not is_address(full):
            if is_file(target):
                return target
            self._left_out += not target.lower().startswith("javascript:")
            return ""
        is_own = (bool(self._site) and site == self._site) or link.get("hreflang") is not None
        if is_own and self._is_full:
            self._left_out += 1
            return ""
        return full

    def note(self) -> str:
        """What is said of links whose address is left out."""
        if not self._left_out:
            return ""
        return "Addresses of links within the same site were left out."


def _base_address(root: etree._Element) -> str:
    """The page's own address, where it names one."""
    base = next(root.iter("base"), None)
    candidates = [base.get("href") or ""] if base is not None else []
    candidates += [
        link.get("href") or "" for link in root.iter("link") if link.get("rel") == "canonical"
    ]
    return next((address for address in candidates if is_address(address)), "")


class InlineText:
    """Text of a line as it is collected, with its links and its raised, lowered, struck parts."""

    def __init__(self, addresses: Addresses, styles: PageStyles) -> None:
        self._addresses = addresses
        self._styles = styles
        self._parts: list[str] = []
        self._open: list[tuple[etree._Element, int, str]] = []

    def add(self, text: str) -> None:
        """Append text."""
        if text:
            self._parts.append(text)

    def open(self, element: etree._Element, tag: str) -> None:
        """A link or a script begins here."""
        kind = "a" if tag == "a" else self._styles.mark(element, tag)
        if kind:
            self._open.append((element, len(self._parts), kind))

    def close(self, element: etree._Element) -> None:
        """An element ends here; text since its beginning is changed as it says."""
        if self._open and self._open[-1][0] is element:
            _, start, kind = self._open.pop()
            self._change(element, start, kind)

    def take(self) -> str:
        """All text since the last call.

        A link over several blocks gives its address once; what strikes out several blocks marks
        each.
        """
        for element, start, kind in reversed(self._open):
            if kind in {"a", "s"} and "".join(self._parts[start:]).strip():
                self._change(element, start, kind)
                if kind == "a":
                    self._open = [item for item in self._open if item[0] is not element]
        text = settle("".join(self._parts))
        self._parts = []
        self._open = [(element, 0, kind) for element, _, kind in self._open]
        return text

    def _change(self, element: etree._Element, start: int, kind: str) -> None:
        text = "".join(self._parts[start:])
        if not text.strip():
            return
        if kind == "a":
            text = with_address(text, self._addresses.of(element))
        else:
            text = _MARKS[kind](text)
        self._parts[start:] = [text]


_MARKS = {"sup": mark_raised, "sub": mark_lowered, "s": mark_struck, "rt": reading_text}
