"""What stands inside a line: raised and lowered characters, and the addresses of links."""

from __future__ import annotations

import re
from urllib.parse import unquote

from parsing.text import squeeze

_UNITS = re.compile(r"(?:^|[\s\d(/·*])(?:mm|cm|dm|km|m|ft|in|yd|mi|s)$")
_RAISED_DIGITS = str.maketrans("0123456789-\u2212+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺")
_LOWERED_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|re|e|ème|o|a|os|as|º|ª)$", re.IGNORECASE)
_MARK = re.compile(
    r"(?:TM|SM|\(?[RC]\)?|[^\w\s+\-\u2212\[\]]+|(?:\[[^\]]*\],?\s*)+)$", re.IGNORECASE
)
_CUT = re.compile(r"(?:\.\.\.|…)$")
_ADDRESS = re.compile(r"(?:https?|ftps?|sftp|smb|file)://\S|mailto:\S|tel:\S|\\\\\w", re.IGNORECASE)
_FILE = re.compile(
    r"[^#?]*\.(?:pdf|docx?|docm|xls[xmb]?|csv|pptx?|pptm|od[tsp]|zip|txt|rtf|epub|msg|eml|dwg|"
    r"mpp|vsdx)(?:[?#].*)?$",
    re.IGNORECASE,
)


def raised(text: str, before: str) -> str:
    """Superscript `text` as it follows `before`: 10^6, m², but 1st and Acme™ as they are."""
    lead, stripped, tail = _split_space(text)
    if not stripped:
        return text
    last = before[-1:] if not lead else ""
    if _ORDINAL.match(stripped) and last.isdigit():
        return text
    if _MARK.match(stripped) or stripped[0] in ":,;" or not _is_base(last):
        return text
    if re.fullmatch(r"[-\u2212]?[123]", stripped) and _UNITS.search(before[-5:]):
        return lead + stripped.translate(_RAISED_DIGITS) + tail
    return f"{lead}^{_group(stripped)}{tail}"


def lowered(text: str, before: str) -> str:
    """Subscript `text` as it follows `before`: H₂O, V_max."""
    lead, stripped, tail = _split_space(text)
    if not stripped:
        return text
    last = before[-1:] if not lead else ""
    if re.fullmatch(r"[0-9]+", stripped) and not last.isdigit():
        return lead + stripped.translate(_LOWERED_DIGITS) + tail
    if not _is_base(last):
        return text
    return f"{lead}_{_group(stripped)}{tail}"


def _split_space(text: str) -> tuple[str, str, str]:
    """The space before the text, the text, and the space after it."""
    lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return lead, text.strip(), tail


def _is_base(last: str) -> bool:
    """Whether something stands before that can have an exponent or an index."""
    return bool(last.strip()) and last not in "([{^_"


def _group(text: str) -> str:
    """Parentheses where the exponent would otherwise seem to end too early."""
    return text if re.fullmatch(r"[-+\u2212]?[\w.,]+|[^\w\s]|\([^()]*\)", text) else f"({text})"


def is_address(target: str) -> bool:
    """Whether `target` leads somewhere outside the document."""
    return bool(_ADDRESS.match(target.strip()))


def is_file(target: str) -> bool:
    """Whether `target`, which is no address, names a document."""
    return bool(_FILE.match(target.strip())) and not target.startswith("#")


def with_address(text: str, target: str) -> str:
    """A link's text with the address it leads to, unless the text already says it."""
    target = squeeze(target)
    if not (is_address(target) or is_file(target)) or not text.strip():
        return text
    if target.lower().startswith(("mailto:", "tel:")):
        target = unquote(target.partition(":")[2].partition("?")[0])
    if _core(target) in _core(text):
        return text
    body = text.rstrip()
    shown = _CUT.sub("", body)
    if shown != body and len(shown) > 12 and _core(target).startswith(_core(shown)):
        return target + text[len(body) :]  # the page itself shows the address cut short
    return f"{body} ({target}){text[len(body) :]}"


def _core(address: str) -> str:
    """An address without what people leave out when they write one."""
    plain = "".join(unquote(address).split()).lower()
    return re.sub(r"^(?:https?|ftps?)://(?:www\.)?", "", plain).removeprefix("www.").rstrip("/")


def join_notes(*notes: str) -> str:
    """Several notes as one text of sentences, each once."""
    return " ".join(dict.fromkeys(note.strip() for note in notes if note.strip()))


def count_noun(number: int, noun: str, plural: str = "") -> str:
    """`1 hidden row`, `3 hidden rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"
