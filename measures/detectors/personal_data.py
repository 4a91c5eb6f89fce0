"""Personal data that has a form or a check digit.

Found are mail addresses, telephone numbers, cards, IBANs, US social security numbers and IP
addresses. Names, street addresses and dates of birth have no form, and are not found; a policy
that has to keep those back needs a model.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from measures.detectors.findings import Finding, overlaps

_OTHER = re.compile(  # dates, and what has the form of a social security number
    r"(?<!\d)(?:(?:19|20)\d\d[.-]\d\d[.-]\d\d|\d{3}-\d\d-\d{4})(?!\d)"
)


def passes_luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def passes_iban(text: str) -> bool:
    """The check digits of an IBAN (ISO 13616): moved behind, mod 97 is 1."""
    moved = text[4:] + text[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _is_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return 12 <= len(digits) <= 19 and len(set(digits)) > 1 and passes_luhn(digits)


def _is_iban(text: str) -> bool:
    return passes_iban(re.sub(r"\s", "", text).upper())


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_phone(text: str) -> bool:
    """Seven to fifteen digits (E.164), written as people write telephone numbers.

    With a leading +, 0 or bracket, or in three groups, or as 555-0199; a date is none.
    """
    groups = re.findall(r"\d+", text)
    digits = sum(map(len, groups))
    if not 7 <= digits <= 15 or _OTHER.search(text):
        return False
    return text[0] in "+0(" or len(groups) > 2 or [len(group) for group in groups] == [3, 4]


def _always(text: str) -> bool:
    return True


_PII: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    (
        "email",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-zA-Z]{2,24}(?![\w-])"),
        _always,
    ),
    (
        "iban",
        re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)", re.I),
        _is_iban,
    ),
    ("card", re.compile(r"(?<![\w+-])\d(?:[ -]?\d){11,18}(?![\w-])"), _is_card),
    (
        "us_ssn",
        re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])"),
        _always,
    ),
    ("ip", re.compile(r"(?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)"), _is_address),
    ("ip", re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"),
     _is_address),
    (
        "phone",
        re.compile(
            r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?|00\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?"
            r"\d{1,5}(?:[ .-]\d{2,8}){1,5}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w-]|\.\d)"
            r"|(?<!\w)\+\d{7,15}(?!\w)"
        ),
        _is_phone,
    ),
)  # fmt: skip


def find_personal_data(text: str) -> list[Finding]:
    """Personal data with a form, in order, none overlapping."""
    findings: list[Finding] = []
    for kind, pattern, check in _PII:
        for match in pattern.finditer(text):
            if check(match.group()) and not overlaps(findings, match):
                findings.append(Finding(kind, *match.span()))
    return sorted(findings, key=lambda finding: finding.start)
