"""What stands inside a line: raised and lowered characters, and the addresses of links."""

from __future__ import annotations

import re
from urllib.parse import unquote

from parsing.text import squeeze

_UNITS = re.compile(r"(?:^|[\s\d(/·*])(?:mm|cm|dm|km|m|ft|in|yd|mi|s)$")
_RAISED_DIGITS = str.maketrans("0123456789-\u2212+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺")
_LOWERED_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_TEN = re.compile(r"(?<![\d.,])10\s*$")
_INTEGER = re.compile(r"[-+\u2212]?\d+$")
_MARK = re.compile(
    r"(?:TM|SM|\([RC]\)|[™®©℠°º˚†‡§¶#'\"′″‘’“”.,:;!?%‰€$£¥)\]]+|(?:\[[^\]]*\],?\s*)+)$",
    re.IGNORECASE,
)
_UP, _UP_END, _DOWN, _DOWN_END = "\ufdd0\ufdd1\ufdd2\ufdd3"
"""Marks around superscripts and subscripts; Unicode keeps these for use inside programs."""

_OUT, _OUT_END = "\ufdd4\ufdd5"
_ANY_MARK = re.compile("[\ufdd0-\ufdd5]")
_JOINT = re.compile(f"{_UP_END}{_UP}|{_DOWN_END}{_DOWN}|{_OUT_END}{_OUT}")
_STRUCK = re.compile(f"{_OUT}([^{_OUT}{_OUT_END}]*){_OUT_END}")
_SCRIPT = re.compile(
    f"{_UP}([^{_UP}-{_DOWN_END}]*){_UP_END}|{_DOWN}([^{_UP}-{_DOWN_END}]*){_DOWN_END}"
)
_MIXED = re.compile(
    rf"(?:(\d)[ \xa0]*)?{_UP}(\s*\d+\s*){_UP_END}[/\u2044\u2215]{_DOWN}(\s*\d+\s*){_DOWN_END}"
)
_NO_MARKS = dict.fromkeys(map(ord, (_UP, _UP_END, _DOWN, _DOWN_END, _OUT, _OUT_END)))
_MAX_SCRIPTS = 10
_CUT = re.compile(r"(?:\.\.\.|…)$")
_ADDRESS = re.compile(r"(?:https?|ftps?|sftp|smb|file)://\S|mailto:\S|tel:\S|\\\\\w", re.IGNORECASE)
_FILE = re.compile(
    r"[^#?]*\.(?:pdf|docx?|docm|xls[xmb]?|csv|pptx?|pptm|od[tsp]|zip|txt|rtf|epub|msg|eml|dwg|"
    r"mpp|vsdx)(?:[?#].*)?$",
    re.IGNORECASE,
)


def mark_raised(text: str) -> str:
    """`text` marked as a superscript, for `settle`."""
    return f"{_UP}{text}{_UP_END}" if text.strip() else text


def mark_lowered(text: str) -> str:
    """`text` marked as a subscript, for `settle`."""
    return f"{_DOWN}{text}{_DOWN_END}" if text.strip() else text


def mark_struck(text: str) -> str:
    """`text` marked as struck out, for `settle`."""
    return f"{_OUT}{text}{_OUT_END}" if text.strip() else text


def reading_text(text: str) -> str:
    """The reading of characters (ruby) as it follows them: 東京(とうきょう)."""
    return f"({text.strip()})" if text.strip() and text.strip()[0] not in "(（" else text


def settle(line: str) -> str:
    """A line with its marked parts written out.

    Neighbours of one kind are one: files split an exponent over runs, and `^-^3` means nothing.
    """
    if not _ANY_MARK.search(line):
        return line
    line = _JOINT.sub("", line)
    line = _MIXED.sub(_mixed_number, line)
    for _ in range(_MAX_SCRIPTS):
        if not _SCRIPT.search(line):
            break
        line = _JOINT.sub("", _settle_inner(line))
    for _ in range(_MAX_SCRIPTS if _OUT in line else 0):
        line = _STRUCK.sub(_struck_text, line)
    return line.translate(_NO_MARKS)


def _struck_text(match: re.Match[str]) -> str:
    text = match[1].removeprefix("(struck out: ")
    body = text.strip()
    if not body or text != match[1]:
        return match[1]
    lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{lead}(struck out: {body}){tail}"


def _settle_inner(line: str) -> str:
    """Write out the marked parts that hold no others."""
    out: list[str] = []
    before, at = "", 0
    for match in _SCRIPT.finditer(line):
        out.append(line[at : match.start()])
        before = (before + out[-1])[-8:]
        change = raised if match[0][0] == _UP else lowered
        text = change(match[1] or match[2] or "", before)
        if text.startswith("^") and before[-1:].isspace():
            out[-1] = out[-1].rstrip()
            if not out[-1] and len(out) > 1:
                out[-2] = out[-2].rstrip()
        out.append(text)
        before = (before + text)[-8:]
        at = match.end()
    return "".join([*out, line[at:]])


def _mixed_number(match: re.Match[str]) -> str:
    """1 1/2 out of a raised, a stroke and a lowered number."""
    whole, up, down = match[1] or "", match[2].strip(), match[3].strip()
    return f"{whole} {up}/{down}" if whole else f"{up}/{down}"


def raised(text: str, before: str) -> str:
    """Superscript `text` as it follows `before`: 10^6, m², but 1st and Acme™ as they are.

    A power of ten keeps its caret across a space, which then belongs to neither number.
    """
    lead, stripped, tail = _split_space(text)
    if not stripped:
        return text
    if _MARK.match(stripped) or stripped[0] in ":,;" or _is_ordinal(stripped, before, lead):
        return text
    if _TEN.search(before) and _INTEGER.match(stripped):
        return f"^{stripped}{tail}"
    if not _is_base(before[-1:]):
        return text
    if re.fullmatch(r"[-\u2212]?[123]", stripped) and _UNITS.search(before[-5:]):
        return stripped.translate(_RAISED_DIGITS) + tail
    return f"^{_group(stripped)}{tail}"


def _is_ordinal(text: str, before: str, lead: str) -> bool:
    """Whether raised letters make an ordinal: 1st, 1er, 2ème. A lone letter is an exponent."""
    number = re.search(r"\d{1,8}$", before)
    if lead or not number:
        return False
    value, ending = int(number[0]), text.lower()
    if ending in {"st", "nd", "rd", "th"}:
        usual = {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
        return ending == ("th" if 10 <= value % 100 <= 20 else usual)
    if ending in {"er", "re", "ère", "ers", "res"}:
        return value == 1
    return ending in {"ème", "eme", "º", "ª", "os", "as"} or (ending == "de" and value == 2)


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
    return bool(last.strip()) and last not in f"([{{^_{_UP}{_DOWN}{_OUT}"


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
