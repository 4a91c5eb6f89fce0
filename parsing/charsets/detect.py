"""Which charset a text is written in, from its bytes alone, and what does not fit it."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from charset_normalizer import from_bytes

from parsing.charsets.alphabets import ALPHABETS, Alphabet, weigh_alphabet, weigh_half_kana
from parsing.charsets.frequent import HANGUL, KANJI, SIMPLIFIED, TRADITIONAL

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD, _SAMPLE, _LINE = 65_536, 65_536, 4_096
_HIGH = re.compile(rb"[\x80-\xff]")
_PAIR = re.compile(rb"[\x80-\xff]{2}")
_BOUNDARY = re.compile(rb"[\x00-\x2f]")
_ASCII, _FEW = bytes(range(0x80)), 24
_SCRIPT_OF_UTF8 = {1: "latin", 2: "latin", 7: "greek", 8: "cyrillic", 11: "hebrew", 12: "arabic"}
"""By blocks of 128 characters: the usual scripts that UTF-8 writes in two bytes."""
_SHIFT = re.compile(rb"\x1b(?:\$[@B]|\$\([CDO-Q]|\([JI])")

_STRONG, _LIKELY = 0.8, 0.35
_SINGLE_BYTE = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "iso8859_2", "iso8859_5", "iso8859_15", "koi8_r", "koi8_u", "cp866", "cp874", "cp437", "cp850",
    "cp852", "mac_roman", "mac_cyrillic",
]  # fmt: skip
# What senders call a charset and what they mean by it, as the web has it: the larger relative.
_SUPERSETS = {
    "gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "hz": "hz", "big5": "cp950",
    "euc_kr": "cp949", "ks_c_5601_1987": "cp949", "shift_jis": "cp932", "ascii": "cp1252",
    "latin_1": "cp1252", "iso8859_1": "cp1252", "iso8859_9": "cp1254", "tis_620": "cp874",
    "iso8859_11": "cp874",
}  # fmt: skip
_WORDS = {
    "gb18030": "GB18030 (Chinese)", "cp950": "Big5 (Chinese)", "big5hkscs": "Big5 (Chinese)",
    "cp932": "Shift-JIS (Japanese)", "euc_jp": "EUC-JP (Japanese)",
    "euc_jis_2004": "EUC-JP (Japanese)", "iso2022_jp_2": "ISO-2022-JP (Japanese)",
    "cp949": "EUC-KR (Korean)", "iso2022_kr": "ISO-2022-KR (Korean)",
    "cp1252": "Windows-1252 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)", "cp1251": "Windows-1251 (Cyrillic)",
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8",
}  # fmt: skip


_WIDE_SAMPLE = 4_096
_USUAL = frozenset().union(
    SIMPLIFIED, TRADITIONAL, KANJI, HANGUL, map(chr, range(0x3041, 0x30FF)), "、。・，：；（）！？"
)


@dataclass(frozen=True, slots=True)
class _Script:
    """A charset of East Asia: its codecs, smaller first, and how its characters are weighed."""

    codecs: tuple[str, ...]
    plain: str
    frequent: frozenset[str]
    common: tuple[range, ...]
    """Ranges of two-byte codes in `plain` that everyday characters stand in."""


_SCRIPTS = (
    _Script(("gb18030",), "gb2312", SIMPLIFIED | TRADITIONAL, (range(0xB0A1, 0xD800),)),
    _Script(("cp950", "big5hkscs"), "big5", TRADITIONAL, (range(0xA440, 0xC67F),)),
    _Script(("cp932",), "shift_jis", KANJI, (range(0x889F, 0x9873),)),
    _Script(("euc_jp", "euc_jis_2004"), "euc_jp", KANJI, (range(0xB0A1, 0xD000),)),
    _Script(("cp949",), "euc_kr", HANGUL, (range(0xB0A1, 0xC900),)),
)


def detect_charset(data: bytes) -> str:
    """The charset of a text, best found from all of it; an empty string if it is not text."""
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name
    head = data[:_HEAD]
    wide = _detect_wide(head)
    if wide:
        return wide
    if _is_korean_mail(data):
        return "iso2022_kr"
    if _is_binary(head):
        return ""
    if _decodes(data, "utf-8"):
        if b"\x1b" in head and _is_shifted(data):
            return "iso2022_jp_2"
        high = data.translate(None, _ASCII) if len(data) < _HEAD else b""
        return _detect_short(high) if 0 < len(high) <= _FEW else "utf-8"
    sample = b"\n".join(_iter_lines(data))
    return "utf-8" if _is_mostly_utf8(sample) else _detect_legacy(sample)


def is_text(head: bytes) -> bool:
    """Whether a file that begins with these bytes is text."""
    if any(head.startswith(bom) for bom, _ in _BOMS):
        return True
    head = head[:_HEAD]
    return bool(_detect_wide(head)) or _is_korean_mail(head) or not _is_binary(head)


def normalise_charset(label: str) -> str:
    """The codec for what somebody declared; an empty string where Python has none of that name."""
    try:
        name = codecs.lookup(label.strip()).name.replace("-", "_") if label.strip() else ""
    except (LookupError, ValueError):
        return ""
    name = {"iso8859_1_1": "iso8859_1"}.get(name, name)
    return _SUPERSETS.get(name, name.replace("utf_", "utf-"))


def describe_reading(data: bytes, charset: str) -> str:
    """What a reader should know about how the bytes were decoded; empty if nothing."""
    notes = []
    words = _WORDS.get(charset, charset)
    if not charset.startswith("utf"):
        notes.append(f"This file is not in UTF-8; its characters were read as {words}.")
    if charset and not _decodes(data, charset):
        text = data.decode(charset, errors="replace")
        count = text.count("\ufffd") - data.count(b"\xef\xbf\xbd") * charset.startswith("utf-8")
        line = text.count("\n", 0, max(text.find("\ufffd"), 0)) + 1
        places = "1 place" if count == 1 else f"{count:,} places"
        notes.append(
            f"Bytes that are not valid {words} were replaced by \ufffd at {places}, "
            f"first in line {line:,}."
        )
    return " ".join(notes)


def _decodes(data: bytes, charset: str) -> bool:
    try:
        data.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _detect_wide(sample: bytes) -> str:
    """UTF-16 without a mark: every other byte of Latin text is zero."""
    if len(sample) < 4 or (len(sample) % 2 and len(sample) < _HEAD):
        return ""
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return _detect_wide_east_asian(sample[:_WIDE_SAMPLE])


def _detect_wide_east_asian(sample: bytes) -> str:
    """UTF-16 without a mark whose characters nearly all are everyday ones of East Asia."""
    if _decodes(sample, "ascii"):
        return ""
    for charset in ("utf-16-le", "utf-16-be"):
        text = sample.decode(charset, errors="replace")
        chars = [char for char in text if not char.isspace()]
        if any(char < " " for char in chars):
            continue
        usual = sum(1 for char in chars if char in _USUAL)
        plain = sum(1 for char in chars if " " < char < "\x7f")
        if usual >= 3 and usual >= 0.75 * (len(chars) - plain):
            return charset
    return ""


def _is_binary(sample: bytes) -> bool:
    """Control characters that no text holds. A few NULs are forgiven and stripped later."""
    controls = len(sample.translate(None, bytes(range(0x20, 0x100)) + b"\t\n\r\f\x1b\x08\x0b"))
    return controls > max(2, len(sample) // 50)


def _is_shifted(data: bytes) -> bool:
    """Whether escape sequences switch to Japanese, as in old mails; terminals use others."""
    return bool(_SHIFT.search(data)) and _decodes(data, "iso2022_jp_2")


def _is_korean_mail(data: bytes) -> bool:
    """ISO-2022-KR: an announcement, then control characters that switch to Korean and back."""
    return (
        b"\x1b$)C" in data[:_HEAD]
        and b"\x0e" in data
        and bool(data[:_HEAD].decode("iso2022_kr", "ignore"))
        and (_decodes(data, "iso2022_kr") or len(data) == _HEAD)
    )


def _iter_lines(data: bytes) -> Iterator[bytes]:
    """Lines with bytes beyond ASCII, wherever they stand, until they are sample enough."""
    at, size = 0, 0
    while size < _SAMPLE:
        match = _HIGH.search(data, at)
        if match is None:
            return
        start = max(data.rfind(b"\n", at, match.start()) + 1, at, match.start() - 200)
        end = data.find(b"\n", match.start())
        end = len(data) if end < 0 else end
        if end - start > _LINE:
            # Cut where no character can be in the middle of its bytes.
            boundary = _BOUNDARY.search(data, start + _LINE)
            end = min(end, boundary.start() if boundary else start + 2 * _LINE)
        yield data[start:end]
        size += end - start
        at = end


def _detect_short(high: bytes) -> str:
    """The charset where the only bytes beyond ASCII are these few, and UTF-8 would do."""
    scripts = {_SCRIPT_OF_UTF8.get(ord(char) >> 7, "rare") for char in high.decode()}
    if len(scripts) > 1 or "rare" in scripts:
        charset, likelihood = _detect_east_asian(high)
        if likelihood >= _STRONG:
            return charset
    return "utf-8"


def _is_mostly_utf8(sample: bytes) -> bool:
    """A few bad bytes do not make UTF-8 something else; no other charset looks like it for long."""
    text = sample.decode("utf-8", errors="replace")
    bad = text.count("\ufffd") - sample.count(b"\xef\xbf\xbd")
    good = sum(len(char.encode()) for char in text if char > "\x7f" and char != "\ufffd")
    if good < 2 * bad:
        return False
    return good > max(6 * bad, _FEW) or _detect_east_asian(sample)[1] < _STRONG


def _detect_legacy(sample: bytes) -> str:
    charset, likelihood = _detect_east_asian(sample)
    is_lone = not _PAIR.search(sample)
    scores = _weigh_alphabets(sample, latin_only=is_lone)
    alphabet = max(scores, key=scores.__getitem__)
    if weigh_half_kana(sample) > max(likelihood, scores[alphabet]):
        return "cp932"
    if likelihood >= _STRONG:
        # An umlaut between two letters can pass for a character of two bytes, never for several.
        is_western = alphabet.codec == "cp1252" and scores[alphabet] > _STRONG
        return "cp1252" if is_western and is_lone else charset
    if scores[alphabet] > max(0.0, likelihood):
        return alphabet.codec
    if likelihood >= _LIKELY:
        return charset
    if is_lone and _decodes(sample, "cp1252"):
        return "cp1252"
    best = from_bytes(sample, cp_isolation=_SINGLE_BYTE).best()
    if best is None or best.encoding in {"ascii", "utf_8"}:
        return "cp1252"
    return str(best.encoding)


def _weigh_alphabets(sample: bytes, *, latin_only: bool) -> dict[Alphabet, float]:
    """Scores of the alphabets; of those that have all of the bytes, where one of them fits.

    `latin_only`: letters that stand alone amid ASCII are no words of another script.
    """
    alphabets = [alphabet for alphabet in ALPHABETS if alphabet.latin or not latin_only]
    scores = {alphabet: weigh_alphabet(sample, alphabet) for alphabet in alphabets}
    decodable = {codec for codec in {item.codec for item in alphabets} if _decodes(sample, codec)}
    whole = {item: score for item, score in scores.items() if item.codec in decodable}
    return whole if max(whole.values(), default=-1.0) > 0 else scores


def _detect_east_asian(sample: bytes) -> tuple[str, float]:
    """The likeliest charset of East Asia, and how far its characters are everyday ones (to 1)."""
    best, best_score = "", -1.0
    for script in _SCRIPTS:
        for codec in script.codecs:
            score = _score(sample, codec, script)
            if score > best_score + 0.01:
                best, best_score = codec, score
    return best, best_score


def _score(sample: bytes, codec: str, script: _Script) -> float:
    """Mean weight of what is not ASCII, by the bytes it takes: 1 for the most frequent."""
    counts = Counter(sample.decode(codec, errors="replace"))
    total = size = 0.0
    for char, count in counts.items():
        if char <= "\x7f":
            continue
        weight, width = _weigh(char, codec, script)
        total += count * weight * width
        size += count * width
    return total / size if size else 0.0


def _weigh(char: str, codec: str, script: _Script) -> tuple[float, int]:
    """How usual the character is in its script, and its bytes in the charset."""
    if char == "\ufffd":
        return -4.0, 1
    if char in script.frequent:
        return 1.0, 2
    if "\uff61" <= char <= "\uff9f":
        return -0.5, len(char.encode(codec, "replace"))
    if "\u3041" <= char <= "\u30ff":
        return (0.9 if script.frequent is KANJI else -1.0), 2
    if "\u3000" <= char <= "\u301f" or "\uff01" <= char <= "\uff5e":
        return 0.5, 2
    if "\ue000" <= char <= "\uf8ff":
        return -3.0, 2
    is_hangul = "\uac00" <= char <= "\ud7a3"
    try:
        code = char.encode(script.plain)
    except UnicodeEncodeError:
        return -1.5, len(char.encode(codec, "replace"))
    if is_hangul and len(code) > 2:  # EUC-KR writes rare syllables as their letters.
        return 0.1, 2
    number = int.from_bytes(code, "big")
    if any(number in part for part in script.common):
        return (0.4 if is_hangul else 0.35), len(code)
    return (-0.6 if char >= "\u2e80" else -0.2), len(code)
