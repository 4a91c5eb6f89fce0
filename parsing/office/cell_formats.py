"""Cell values as a spreadsheet shows them: number format codes of Excel applied to numbers.

Numbers are shown as their format shows them, with a point and commas whatever the locale. Dates
are an exception: where a format shows day, month and year they come in ISO order, since 03/04 is
another day in another country.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

from parsing.office.date_formats import format_date

BUILTIN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: '"$"#,##0;("$"#,##0)',
    6: '"$"#,##0;("$"#,##0)', 7: '"$"#,##0.00;("$"#,##0.00)', 8: '"$"#,##0.00;("$"#,##0.00)',
    9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm",
    21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 41: '#,##0;(#,##0);"-"',
    42: '"$"#,##0;("$"#,##0);"-"', 43: '#,##0.00;(#,##0.00);"-"',
    44: '"$"#,##0.00;("$"#,##0.00);"-"', 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    48: "##0.0E+0", 49: "@", 27: "yyyy-mm-dd", 28: "yyyy-mm-dd", 29: "yyyy-mm-dd",
    30: "yyyy-mm-dd", 31: "yyyy-mm-dd", 32: "h:mm", 33: "h:mm:ss", 34: "h:mm", 35: "h:mm:ss",
    36: "yyyy-mm-dd", 50: "yyyy-mm-dd", 51: "yyyy-mm-dd", 52: "yyyy-mm-dd", 53: "yyyy-mm-dd",
    54: "yyyy-mm-dd", 55: "h:mm", 56: "h:mm:ss", 57: "yyyy-mm-dd", 58: "yyyy-mm-dd",
}  # fmt: skip
"""Formats that files name by number alone."""

_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|_(.)|\*(.)|\[([^\]]*)\]|(General)|(E[+-])|(AM/PM|A/P)|(.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)$")
_CURRENCY = re.compile(r"\$([^-\]]*)")
_DIGITS = "0#?"
_PLACES = frozenset(("digit", "comma", "point"))


@dataclass(frozen=True, slots=True)
class _Section:
    """One part of a format between semicolons: what it is made of and when it applies."""

    tokens: tuple[tuple[str, str], ...]
    condition: tuple[str, float] | None
    kind: str

    def has(self, kind: str) -> bool:
        return any(token[0] == kind for token in self.tokens)


def format_number(value: float, code: str, *, raw: str = "", is_1904: bool = False) -> str:
    """`value` as a cell with the format `code` shows it; a format that shows nothing gives "".

    `raw` is the number as the file has it, which keeps digits that a float would lose.
    """
    sections = parse_format(code)
    section, shown = _choose(sections, value)
    if section.kind == "general":
        text = general(value, raw=raw if shown == value else "")
        return "".join(text if kind == "general" else part for kind, part in section.tokens)
    if section.kind == "date":
        return format_date(value, section.tokens, is_1904=is_1904) or general(value, raw=raw)
    if section.kind == "text":
        return "".join(
            general(value, raw=raw) if kind == "text" else part for kind, part in section.tokens
        )
    if section.kind == "literal":
        sign = "-" if len(sections) == 1 and value < 0 else ""
        return sign + "".join(part for kind, part in section.tokens if kind == "lit").strip()
    try:
        return _format_digits(shown, section).strip()
    except (InvalidOperation, OverflowError, ValueError):
        return general(value, raw=raw)


def format_text(text: str, code: str) -> str:
    """A text in a cell of the format `code`."""
    if not code or code in {"General", "@"}:
        return text
    sections = parse_format(code)
    if len(sections) >= 4:
        section = sections[3]
    elif sections[-1].has("text"):
        section = sections[-1]
    else:
        return text
    return "".join(text if kind == "text" else part for kind, part in section.tokens)


def is_date_format(code: str) -> bool:
    """Whether numbers of this format are dates, times or durations."""
    return parse_format(code)[0].kind == "date"


def general(value: float, *, raw: str = "") -> str:
    """A number without a format: all its digits, no `.0`, no exponent where it can be avoided."""
    if re.fullmatch(r"-?\d{1,30}", raw):
        return raw
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    if 1e-9 < abs(value) < 1e21:
        text = format(Decimal(f"{value:.15g}"), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.15g}".replace("e", "E")


@lru_cache(maxsize=2000)
def parse_format(code: str) -> tuple[_Section, ...]:
    """The sections of a format code; at least one."""
    sections: list[_Section] = []
    tokens: list[tuple[str, str]] = []
    condition: tuple[str, float] | None = None
    for match in _TOKEN.finditer(code[:1000] or "General"):
        quoted, escaped, padding, fill, bracket, is_general, exponent, noon, char = match.groups()
        if char == ";":
            sections.append(_finish(tokens, condition))
            tokens, condition = [], None
        elif quoted is not None or escaped:
            tokens.append(("lit", quoted if quoted is not None else escaped))
        elif padding or fill:
            tokens.append(("lit", " " if padding == " " else ""))
        elif bracket is not None:
            test = _CONDITION.match(bracket)
            condition = (test[1], _to_float(test[2])) if test else condition
            tokens += _bracket(bracket)
        elif is_general:
            tokens.append(("general", ""))
        elif exponent:
            tokens.append(("exp", exponent))
        elif noon:
            tokens.append(("noon", noon))
        else:
            tokens.append((_char_kind(char), char))
    sections.append(_finish(tokens, condition))
    return tuple(sections)


def _to_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _bracket(text: str) -> list[tuple[str, str]]:
    """[h] counts hours beyond a day, [$€-407] is a currency; colours show nothing."""
    if re.fullmatch(r"h+|m+|s+", text, re.IGNORECASE):
        return [("elapsed", text[0].lower())]
    currency = _CURRENCY.match(text)
    return [("lit", currency.group(1))] if currency and currency.group(1) else []


def _char_kind(char: str) -> str:
    if char in _DIGITS:
        return "digit"
    kinds = {".": "point", ",": "comma", "%": "percent", "/": "slash", "@": "text"}
    if char in kinds:
        return kinds[char]
    return "date" if char.lower() in "ymdhsebg" else "lit"


def _finish(tokens: list[tuple[str, str]], condition: tuple[str, float] | None) -> _Section:
    kinds = {kind for kind, _ in tokens}
    letters = "".join(part.lower() for kind, part in tokens if kind == "date")
    if "elapsed" in kinds or any(letter in letters for letter in "ymdhs"):
        kind = "date"
    elif "digit" in kinds:
        kind = "number"
    elif "general" in kinds:
        kind = "general"
    else:
        kind = "text" if "text" in kinds else "literal"
    if kind != "date":  # a lone `e`, `b` or `g` is a letter
        tokens = [("lit", part) if name == "date" else (name, part) for name, part in tokens]
    if kind == "literal":
        tokens = [("lit", part) for _, part in tokens]
    return _Section(tuple(tokens), condition, kind)


def _choose(sections: tuple[_Section, ...], value: float) -> tuple[_Section, float]:
    """The section for a value, and the value without a sign where the section shows the sign."""
    numeric = sections[:3] if sections[-1].kind != "text" or len(sections) == 1 else sections[:-1]
    if any(section.condition for section in numeric):
        for section in numeric:
            if section.condition is None or _holds(value, section.condition):
                negative = section.condition is not None and value < 0
                return section, abs(value) if negative and len(numeric) > 1 else value
        return numeric[-1], value
    if len(numeric) > 1 and value < 0:
        return numeric[1], -value
    if len(numeric) > 2 and value == 0:
        return numeric[2], value
    return numeric[0], value


def _holds(value: float, condition: tuple[str, float]) -> bool:
    operator, limit = condition
    return {
        "<": value < limit, ">": value > limit, "=": value == limit, "<=": value <= limit,
        ">=": value >= limit, "<>": value != limit,
    }[operator]  # fmt: skip


@lru_cache(maxsize=2000)
def _plain_parts(section: _Section) -> tuple[str, str, int, int] | None:
    """Literal before, spec, decimals and hundreds of formats such as 0.00, $#,##0 and 0%."""
    body = "".join(part for kind, part in section.tokens if kind in {"digit", "comma", "point"})
    match = re.fullmatch(r"(#,##)?0(?:\.(0+))?", body)
    kinds = [kind for kind, _ in section.tokens if kind not in {"lit", "percent"}]
    first = next((at for at, (kind, _) in enumerate(section.tokens) if kind in _PLACES), 0)
    inner = section.tokens[first : first + len(body)]
    if not match or len(kinds) != len(body) or any(kind not in _PLACES for kind, _ in inner):
        return None
    decimals = len(match[2] or "")
    shape = f"{',' if match[1] else ''}.{decimals}f"
    before = "".join(part for _, part in section.tokens[:first])
    after = "".join(part for _, part in section.tokens[first + len(body) :])
    hundreds = sum(1 for kind, _ in section.tokens if kind == "percent")
    return f"{before.replace('{', '{{').replace('}', '}}')}{{:{shape}}}", after, decimals, hundreds


def _format_plainly(value: float, section: _Section) -> str:
    """The quick way for the most common formats; empty where rounding could go either way."""
    parts = _plain_parts(section)
    if parts is None or abs(value) > 1e11:
        return ""
    shape, after, decimals, hundreds = parts
    number = value * 100.0**hundreds
    if abs(abs(number) * 10.0**decimals % 1 - 0.5) < 1e-4:
        return ""
    number = round(number, decimals) + 0.0  # a rounded -0.0 has no sign
    sign = "-" if number < 0 else ""
    return sign + shape.format(abs(number)) + after


def _format_digits(value: float, section: _Section) -> str:
    text = _format_plainly(value, section)
    if text:
        return text
    tokens = list(section.tokens)
    places = [at for at, (kind, _) in enumerate(tokens) if kind == "digit"]
    number = Decimal(f"{value:.15g}")
    number *= Decimal(100) ** sum(1 for kind, _ in tokens if kind == "percent")
    if section.has("slash"):
        return _format_fraction(number, tokens)
    exponent = next((at for at, (kind, _) in enumerate(tokens) if kind == "exp"), None)
    if exponent is not None:
        return _format_scientific(number, tokens, exponent)
    point = next((at for at, (kind, _) in enumerate(tokens) if kind == "point"), len(tokens))
    last = max((at for at in places if at < point), default=-1)
    grouped = False
    for at, (kind, _) in enumerate(tokens):
        if kind == "comma" and places[0] < at:
            scales = at > last and (at < point or at > places[-1])
            number = number / 1000 if scales else number
            grouped = grouped or not scales
    return _fill(number, tokens, point, grouped=grouped)


def _fill(
    number: Decimal, tokens: list[tuple[str, str]], point: int, *, grouped: bool = False
) -> str:
    """Digits put into their places; literals between places stay where they are."""
    decimals = "".join(part for kind, part in tokens[point:] if kind == "digit")
    quantum = Decimal(1).scaleb(-len(decimals))
    rounded = abs(number).quantize(quantum, rounding=ROUND_HALF_UP)
    whole, _, fraction = format(rounded, "f").partition(".")
    keep = len(fraction)
    while keep and fraction[keep - 1] == "0" and decimals[keep - 1] != "0":
        keep -= 1
    front = _fill_whole(whole, tokens[:point], grouped=grouped)
    back, used = "", 0
    for kind, part in tokens[point:]:
        if kind == "digit":
            back += fraction[used] if used < keep else ""
            used += 1
        elif kind == "point":
            back += "." if keep else ""
        elif kind in {"lit", "percent"}:
            back += part
    sign = "-" if number < 0 and rounded != 0 else ""
    return sign + front + back


def _fill_whole(whole: str, tokens: list[tuple[str, str]], *, grouped: bool) -> str:
    places = [part for kind, part in tokens if kind == "digit"]
    padded = sum(1 for at, part in enumerate(places) if "0" in places[: at + 1])
    digits = list(whole.lstrip("0").rjust(padded, "0"))
    out: list[str] = []
    left, written = len(places), 0
    for kind, part in reversed(tokens):
        if kind in {"lit", "percent"}:
            out.append(part[::-1])
        if kind != "digit":
            continue
        left -= 1
        for _ in range(1 if left else len(digits)):
            if digits:
                out.append("," if grouped and written and written % 3 == 0 else "")
                out.append(digits.pop())
                written += 1
    return "".join(out)[::-1]


def _format_scientific(number: Decimal, tokens: list[tuple[str, str]], at: int) -> str:
    mantissa, power = tokens[:at], tokens[at + 1 :]
    point = next((i for i, (kind, _) in enumerate(mantissa) if kind == "point"), len(mantissa))
    width = max(sum(1 for kind, _ in mantissa[:point] if kind == "digit"), 1)
    exponent = number.adjusted() if number else 0
    exponent -= exponent % width if width > 1 else 0
    text = _fill(number.scaleb(-exponent), mantissa, point)
    if text.lstrip("-").startswith("10") and width == 1:  # 9.99 rounded up
        exponent += 1
        text = _fill(number.scaleb(-exponent), mantissa, point)
    padding = sum(1 for kind, _ in power if kind == "digit")
    sign = "-" if exponent < 0 else "+" if tokens[at][1].endswith("+") else ""
    rest = "".join(part for kind, part in power if kind in {"lit", "percent"})
    return f"{text}E{sign}{abs(exponent):0{padding}d}{rest}"


def _format_fraction(number: Decimal, tokens: list[tuple[str, str]]) -> str:
    slash = next(at for at, (kind, _) in enumerate(tokens) if kind == "slash")
    below = "".join(part for kind, part in tokens[slash + 1 :] if kind == "digit" or part.isdigit())
    before = "".join(part if kind == "digit" else " " for kind, part in tokens[:slash])
    mixed = len(before.split()) > 1
    exact = Fraction(abs(number))
    if below.strip("0#?"):  # a fixed denominator, as in # ?/8
        bottom = int("".join(char for char in below if char.isdigit()))
        top = int(exact * bottom + Fraction(1, 2))
    else:
        nearest = exact.limit_denominator(10 ** min(len(below) or 1, 6) - 1)
        top, bottom = nearest.numerator, nearest.denominator
    sign = "-" if number < 0 else ""
    whole, rest = divmod(top, bottom) if mixed else (0, top)
    if mixed and not rest:
        return f"{sign}{whole}"
    return f"{sign}{f'{whole} ' if whole else ''}{rest}/{bottom}"
