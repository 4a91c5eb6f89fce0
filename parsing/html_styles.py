"""What the styles of a web page say of its text: hidden, raised, lowered, struck out."""

from __future__ import annotations

import re

from lxml import etree

_FLAGS = re.IGNORECASE
_START = r"(?:^|[;{\s])"
HIDING = re.compile(
    _START + r"(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|opacity\s*:\s*(?:0*\.)?0+%?\s*(?:;|!|$)"
    r"|font-size\s*:\s*(?:0*\.)?0+(?:[a-z]+|%)?\s*(?:;|!|$)|font-size\s*:\s*[01](?:\.\d+)?p[xt]"
    r"|(?:left|top|text-indent)\s*:\s*-\d{4,}px)",
    _FLAGS,
)
_WHITE = re.compile(
    _START + r"color\s*:\s*(?:white|#fff(?:fff)?(?![0-9a-f])|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\))",
    _FLAGS,
)
_FILLED = re.compile(_START + r"background(?:-color|-image)?\s*:", _FLAGS)
_SHADOW = re.compile(_START + r"(?:text-shadow|-webkit-text-stroke|mix-blend-mode)", _FLAGS)
_LENGTH = r"(?:(?:[3-9]|\d\d)(?:\.\d+)?p[xt]|(?:0?\.[2-9]\d*|1)e[mx]|[2-9]\d%)"
_RAISED = re.compile(_START + rf"vertical-align\s*:\s*(?:super|\+?{_LENGTH})", _FLAGS)
_LOWERED = re.compile(_START + rf"vertical-align\s*:\s*(?:sub|-{_LENGTH})", _FLAGS)
_RELATIVE = re.compile(_START + r"position\s*:\s*relative", _FLAGS)
_MOVED_UP = re.compile(_START + rf"(?:top\s*:\s*-{_LENGTH}|bottom\s*:\s*{_LENGTH})", _FLAGS)
_MOVED_DOWN = re.compile(_START + rf"(?:top\s*:\s*{_LENGTH}|bottom\s*:\s*-{_LENGTH})", _FLAGS)
_STRUCK = re.compile(_START + r"text-decoration(?:-line)?\s*:[^;{}]*line-through", _FLAGS)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,2000})\}")
_SELECTOR = re.compile(r"([a-zA-Z][\w-]*)?(?:([.#])([\w-]+))?$")
_TAGS = {"sup": "sup", "sub": "sub", "s": "s", "strike": "s", "del": "s", "rt": "rt"}
_IN_LINE = frozenset(("span", "font", "b", "i", "em", "strong", "small", "u", "tspan", "var"))
_MAX_STYLES = 500_000

Selector = tuple[str, str, str]


class PageStyles:
    """Rules of a page's style sheets by plain selector (tag, class or id)."""

    def __init__(self, root: etree._Element) -> None:
        sheets = "".join(sheet.text or "" for sheet in root.iter("style"))[:_MAX_STYLES]
        self._rules = _read_rules(sheets) if "{" in sheets else {}

    def body(self, element: etree._Element) -> str:
        """All declarations that hold for an element, its own last."""
        own = element.get("style") or ""
        if not self._rules:
            return own
        tag = str(element.tag)
        names = [(".", name) for name in (element.get("class") or "").split()]
        names += [("#", element.get("id") or "")] if element.get("id") else []
        keys = [(tag, "", ""), *(key for name in names for key in ((tag, *name), ("", *name)))]
        return ";".join([*(self._rules[key] for key in keys if key in self._rules), own])

    def mark(self, element: etree._Element, tag: str) -> str:
        """sup, sub, s (struck out) or rt (a reading), or nothing, for what an element does."""
        if tag in _TAGS:
            return _TAGS[tag]
        body = self.body(element)
        if not body:
            return ""
        if _STRUCK.search(body):
            return "s"
        if tag not in _IN_LINE:
            return ""
        moved = bool(_RELATIVE.search(body))
        if _RAISED.search(body) or (moved and _MOVED_UP.search(body)):
            return "sup"
        is_lowered = _LOWERED.search(body) or (moved and _MOVED_DOWN.search(body))
        return "sub" if is_lowered else ""


def hides(body: str) -> bool:
    """Whether declarations hide an element."""
    return bool(HIDING.search(body))


def is_white(element: etree._Element, body: str, styles: PageStyles) -> bool:
    """White text where nothing around or inside it has colours of its own, as far as is said."""
    if not _WHITE.search(body) or _SHADOW.search(body):
        return False
    if any(node.get("style") or node.get("class") or node.get("color") for node in element.iter()
           if node is not element):  # fmt: skip
        return False
    node: etree._Element | None = element
    while node is not None:
        around = body if node is element else styles.body(node)
        if _FILLED.search(around) or node.get("bgcolor") or node.get("background"):
            return False
        node = node.getparent()
    return True


def _read_rules(sheet: str) -> dict[Selector, str]:
    """Declarations by plain selector; rules for some media do not count."""
    sheet = _COMMENT.sub("", sheet)
    sheet = re.sub(r"@[\w-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    rules: dict[Selector, str] = {}
    for selectors, body in _RULE.findall(sheet):
        for selector in selectors.split(","):
            match = _SELECTOR.match(selector.strip())
            if match and selector.strip():
                key = (match[1] or "", match[2] or "", match[3] or "")
                rules[key] = f"{rules[key]};{body}" if key in rules else body
    return rules
