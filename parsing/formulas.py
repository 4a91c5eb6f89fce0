"""Equations of Office documents (OMML) and of web pages (MathML) as a line of text."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from parsing.markup import find_child, get_attribute, iter_children, local_name

_MAX_DEPTH = 40
_SIMPLE = re.compile(r"[-\u2212]?(?:[^\W_]|[.,'\u2032])+$|[^\W_]+\([^()]*\)$")
_WHOLE = re.compile(r"[-\u2212]?(?:\d[\d.,]*|[^\W\d_]\u2032*|[^\W\d_]{4,})$|\S$")
_PROPERTIES = re.compile(r"\w+Pr$")
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064\u200b")
_SPACED = frozenset("=<>≤≥≠≈≡∈∉⊂⊆→⇒⇔←↔±∓×÷")


def fraction(top: str, bottom: str) -> str:
    """V/t, (a+b)/(2c)."""
    return f"{_wrap(top)}/{_wrap_tight(bottom)}"


def power(base: str, up: str) -> str:
    """x^2, (a+b)^(n+1)."""
    return f"{_wrap_base(base)}^{_wrap_tight(up)}" if up.strip() else base


def index(base: str, down: str) -> str:
    """x_i."""
    return f"{_wrap_base(base)}_{_wrap(down)}" if down.strip() else base


def root(body: str, degree: str = "") -> str:
    """√(x), or root(3, x): a small 3 before √ would read as a factor."""
    degree = degree.strip()
    return f"root({degree}, {body.strip()})" if degree not in {"", "2"} else f"√({body.strip()})"


def _wrap(text: str) -> str:
    text = text.strip()
    return text if not text or _SIMPLE.match(text) or _is_wrapped(text) else f"({text})"


def _wrap_tight(text: str) -> str:
    """Parentheses around all that a reader could take apart: V/2t is half of V times t."""
    text = text.strip()
    return text if not text or _WHOLE.match(text) or _is_wrapped(text) else f"({text})"


def _wrap_base(text: str) -> str:
    text = text.strip()
    plain = _SIMPLE.match(text) or _is_wrapped(text) or len(text) <= 1 or text.endswith((")", "]"))
    return text if plain or re.fullmatch(r"(?:[^\W_]+|\S)[_^][^\W_]+", text) else f"({text})"


def _is_wrapped(text: str) -> bool:
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at == len(text) - 1
    return False


def omml_text(element: etree._Element, *, depth: int = 0) -> str:
    """Text of an equation of Word or PowerPoint, or of any part of one."""
    if depth > _MAX_DEPTH:
        return ""
    name = local_name(element)
    if name == "t":
        return (element.text or "").translate(_INVISIBLE)
    if not name or _PROPERTIES.match(name):
        return ""
    build = _OMML.get(name)
    if build:
        return build(element, depth)
    return "".join(omml_text(child, depth=depth + 1) for child in element)


def _part(element: etree._Element, name: str, depth: int) -> str:
    child = find_child(element, name)
    return omml_text(child, depth=depth + 1) if child is not None else ""


def _property(element: etree._Element, group: str, name: str) -> str | None:
    """Value of a property; None if it is not set."""
    properties = find_child(element, group)
    child = find_child(properties, name) if properties is not None else None
    return get_attribute(child, "val") if child is not None else None


def _omml_fraction(element: etree._Element, depth: int) -> str:
    top, bottom = _part(element, "num", depth), _part(element, "den", depth)
    if _property(element, "fPr", "type") == "noBar":
        return f"({top} over {bottom})"
    return fraction(top, bottom)


def _omml_scripts(element: etree._Element, depth: int) -> str:
    base = _part(element, "e", depth)
    down, up = _part(element, "sub", depth), _part(element, "sup", depth)
    if local_name(element) == "sPre":
        return f"{power(index('', down), up)}{base}"
    return power(index(base, down), up)


def _omml_root(element: etree._Element, depth: int) -> str:
    return root(_part(element, "e", depth), _part(element, "deg", depth))


def _omml_nary(element: etree._Element, depth: int) -> str:
    sign = _property(element, "naryPr", "chr") or "∫"
    sign = power(index(sign, _part(element, "sub", depth)), _part(element, "sup", depth))
    return f"{sign} {_part(element, 'e', depth)}"


def _omml_delimiters(element: etree._Element, depth: int) -> str:
    opening, closing = (_property(element, "dPr", name) for name in ("begChr", "endChr"))
    between = _property(element, "dPr", "sepChr")
    parts = [omml_text(child, depth=depth + 1) for child in iter_children(element, "e")]
    inner = ("|" if between is None else between).join(parts)
    return f"{'(' if opening is None else opening}{inner}{')' if closing is None else closing}"


def _omml_function(element: etree._Element, depth: int) -> str:
    name, body = _part(element, "fName", depth), _part(element, "e", depth)
    return f"{name.strip()}{body}" if body.startswith(("(", "[", "{")) else f"{name.strip()} {body}"


def _omml_limit(element: etree._Element, depth: int) -> str:
    build = index if local_name(element) == "limLow" else power
    return build(_part(element, "e", depth), _part(element, "lim", depth))


def _omml_matrix(element: etree._Element, depth: int) -> str:
    rows = [
        ", ".join(omml_text(cell, depth=depth + 1) for cell in iter_children(row, "e"))
        for row in iter_children(element, "mr")
    ]
    return "[" + "; ".join(rows) + "]"


def _omml_lines(element: etree._Element, depth: int) -> str:
    return "; ".join(omml_text(line, depth=depth + 1) for line in iter_children(element, "e"))


def _omml_accent(element: etree._Element, depth: int) -> str:
    mark = _property(element, "accPr", "chr")
    base = _part(element, "e", depth)
    return base + ("\u0302" if mark is None else mark) if len(base) == 1 else base


def _omml_run(element: etree._Element, depth: int) -> str:
    return "".join(omml_text(child, depth=depth + 1) for child in element)


_Builder = Callable[[etree._Element, int], str]
_OMML: dict[str, _Builder] = {
    "f": _omml_fraction, "sSup": _omml_scripts, "sSub": _omml_scripts, "sSubSup": _omml_scripts,
    "sPre": _omml_scripts, "rad": _omml_root, "nary": _omml_nary, "d": _omml_delimiters,
    "func": _omml_function, "limLow": _omml_limit, "limUpp": _omml_limit, "m": _omml_matrix,
    "eqArr": _omml_lines, "acc": _omml_accent, "r": _omml_run,
}  # fmt: skip


def mathml_text(element: etree._Element, *, depth: int = 0) -> str:
    """Text of a MathML element; its annotations, which say the same again, are left out."""
    name = local_name(element).lower() or str(element.tag).lower()
    if depth > _MAX_DEPTH or name in {"annotation", "annotation-xml", "mphantom"}:
        return ""
    if name in {"mi", "mn", "mo", "mtext", "ms"}:
        text = "".join(str(part) for part in element.itertext()).translate(_INVISIBLE)
        text = " ".join(text.split()) if name != "mtext" else text
        return f" {text} " if name == "mo" and text in _SPACED else text
    parts = [
        mathml_text(child, depth=depth + 1)
        for child in element
        if local_name(child) or str(child.tag)
    ]
    build = _MATHML.get(name)
    if build and len(parts) >= build[0]:
        return build[1](parts)
    if name == "mfenced":
        inner = element.get("separators", ",")[:1].join(parts)
        return f"{element.get('open', '(')}{inner}{element.get('close', ')')}"
    return "".join(parts)


_MATHML: dict[str, tuple[int, Callable[[list[str]], str]]] = {
    "mfrac": (2, lambda parts: fraction(parts[0], parts[1])),
    "msup": (2, lambda parts: power(parts[0], parts[1])),
    "msub": (2, lambda parts: index(parts[0], parts[1])),
    "msubsup": (3, lambda parts: power(index(parts[0], parts[1]), parts[2])),
    "munder": (2, lambda parts: index(parts[0], parts[1])),
    "mover": (2, lambda parts: parts[0] + parts[1].strip()),
    "munderover": (3, lambda parts: power(index(parts[0], parts[1]), parts[2]) + " "),
    "msqrt": (1, lambda parts: root("".join(parts))),
    "mroot": (2, lambda parts: root(parts[0], parts[1])),
    "mtr": (1, lambda parts: ", ".join(parts)),
    "mtable": (1, lambda parts: "[" + "; ".join(parts) + "]"),
}
