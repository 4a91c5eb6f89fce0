"""Parts of web pages: what a page hides, where its links lead, and the text of a line."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from lxml import etree

from parsing.inline import is_address, is_file, mark_lowered, mark_raised, settle, with_address

_HIDING = re.compile(
    r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)|font-size\s*:\s*0(?:px|pt|em|rem|%)?\s*(?:;|!|$)"
    r"|(?:left|top|text-indent)\s*:\s*-\d{4,}px)",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,2000})\}")
_SELECTOR = re.compile(r"([a-zA-Z][\w-]*)?(?:([.#])([\w-]+))?$")
_MANY_LINKS = 100
_MAX_STYLES = 500_000


class HiddenParts:
    """Elements that a page does not show: by attribute, by their style, or by a style sheet.

    Style sheets count only in pages without scripts, for what a script may show is no secret.
    """

    def __init__(self, root: etree._Element) -> None:
        self.count = 0
        self._rules: set[tuple[str, str, str]] = set()
        if next(root.iter("script"), None) is None:
            sheets = "".join(sheet.text or "" for sheet in root.iter("style"))[:_MAX_STYLES]
            self._rules = _hiding_rules(sheets) if "{" in sheets else set()

    def has(self, element: etree._Element) -> bool:
        """Whether an element is hidden; it is counted if it holds any text."""
        style = element.get("style")
        hidden = element.get("hidden") is not None or bool(style and _HIDING.search(style))
        hidden = hidden or bool(self._rules and self._is_ruled_out(element))
        if hidden and any(str(part).strip() for part in element.itertext()):
            self.count += 1
        return hidden

    def note(self) -> str:
        """What is said of them."""
        return "Parts of this page that it does not show were left out." if self.count else ""

    def _is_ruled_out(self, element: etree._Element) -> bool:
        tag = str(element.tag)
        names = [(".", name) for name in (element.get("class") or "").split()]
        names += [("#", element.get("id") or ""), ("", "")]
        return (
            any(
                (tag, *name) in self._rules or ("", *name) in self._rules
                for name in names
                if any(name)
            )
            or (tag, "", "") in self._rules
        )


def _hiding_rules(sheet: str) -> set[tuple[str, str, str]]:
    """Plain selectors (tag, class, id) of rules that hide; rules for some media do not count."""
    sheet = _COMMENT.sub("", sheet)
    sheet = re.sub(r"@[\w-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    rules: set[tuple[str, str, str]] = set()
    for selectors, body in _RULE.findall(sheet):
        if not _HIDING.search("{" + body):
            continue
        for selector in selectors.split(","):
            match = _SELECTOR.match(selector.strip())
            if match and selector.strip():
                rules.add((match[1] or "", match[2] or "", match[3] or ""))
    return rules


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
    """Text of a line as it is collected, with its links and its raised and lowered parts."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._parts: list[str] = []
        self._open: list[tuple[etree._Element, int]] = []

    def add(self, text: str) -> None:
        """Append text."""
        if text:
            self._parts.append(text)

    def open(self, element: etree._Element, tag: str) -> None:
        """A link or a script begins here."""
        if tag in {"a", "sup", "sub"}:
            self._open.append((element, len(self._parts)))

    def close(self, element: etree._Element) -> None:
        """An element ends here; text since its beginning is changed as it says."""
        if self._open and self._open[-1][0] is element:
            _, start = self._open.pop()
            self._change(element, start)

    def take(self) -> str:
        """All text since the last call. A link over several blocks gives its address once."""
        for element, start in reversed(self._open):
            if element.tag == "a" and "".join(self._parts[start:]).strip():
                self._change(element, start)
                self._open = [item for item in self._open if item[0] is not element]
        text = settle("".join(self._parts))
        self._parts = []
        self._open = [(element, 0) for element, _ in self._open]
        return text

    def _change(self, element: etree._Element, start: int) -> None:
        text = "".join(self._parts[start:])
        if not text.strip():
            return
        if element.tag == "a":
            text = with_address(text, self._addresses.of(element))
        elif element.tag == "sup":
            text = mark_raised(text)
        else:
            text = mark_lowered(text)
        self._parts[start:] = [text]
