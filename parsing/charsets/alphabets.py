"""How far a text in a one-byte charset is what one language writes, for telling charsets apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKS = frozenset("\xa0¡¢£¤¥§©ª«\xad®°±²³´µ·º»¼½¾¿×÷€‚„…†‰‹‘’“”•–—™›№״׳،؛؟")
_PUNCTUATION = frozenset("\xa0„“”‘’…–—«»°€ºª²³§")
_TIGHT = re.compile(r"(?<=[^\W\d_])[¡-©«-¶¸¹»-¿×÷€-™†-‰‚„“”‹›](?=[^\W\d_])")
_NEVER_AFTER_OE = frozenset("bcfghjklmnpqrwxyzæœ")
_CENTRAL = frozenset({"cp1250", "iso8859_2"})  # Polish has words such as "część".
_HALF_KANA = "".join(map(chr, range(0xFF61, 0xFFA0)))
_VOICED, _HALF_VOICED = frozenset("ｳｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎ"), frozenset("ﾊﾋﾌﾍﾎ")
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў"
_WESTERN = (
    "äüößéèáàâêëïçñ",  # German, with the names of its neighbours
    "éèàêçôâîûùëïœüæÿ",  # French
    "óíáéñúü",  # Spanish
    "ãçáéíóõêâúôàü",  # Portuguese
    "àèùòìéíîóú",  # Italian
    "àóéíèòçúüï",  # Catalan
    "åäöøæéüá",  # Danish, Finnish, Norwegian, Swedish
    "ëéïèöüóêáíúû",  # Dutch
)


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The letters beyond ASCII of a language, most frequent first, in one charset.

    `handicap` is taken off its score: how much rarer files in it are than in Windows-1252.
    """

    codec: str
    letters: str
    handicap: float = 0.0
    latin: bool = False


ALPHABETS = (
    *(Alphabet("cp1252", letters, latin=True) for letters in _WESTERN),
    Alphabet("cp1252", "áíðéóöþúýæ", 0.05, latin=True),  # Icelandic
    Alphabet("cp1250", "ąęłóśżćńź", 0.2, latin=True),
    Alphabet("cp1250", "íáéěřčýžšůúťďňóľôäĺŕ", 0.2, latin=True),
    Alphabet("cp1250", "áéőöóüíúű", 0.2, latin=True),
    Alphabet("cp1250", "čšžćđ", 0.22, latin=True),
    Alphabet("cp1250", "ăîţâş", 0.22, latin=True),
    Alphabet("cp1254", "ıüşçğöİâ", 0.08, latin=True),
    Alphabet("cp1257", "ėšųąžįūęčāīēļņģķõäöü", 0.22, latin=True),
    Alphabet("iso8859_2", "ąęłóśżćńź", 0.2, latin=True),
    Alphabet("iso8859_2", "íáéěřčýžšůúťďňó", 0.2, latin=True),
    *(Alphabet("cp850", letters, 0.4, latin=True) for letters in _WESTERN),
    *(Alphabet("mac_roman", letters, 0.4, latin=True) for letters in _WESTERN),
    Alphabet("cp1251", _CYRILLIC, 0.1),
    Alphabet("koi8_r", _CYRILLIC, 0.15),
    Alphabet("cp866", _CYRILLIC, 0.15),
    Alphabet("iso8859_5", _CYRILLIC, 0.2),
    Alphabet("mac_cyrillic", _CYRILLIC, 0.25),
    Alphabet("cp1253", "ατοιενσρκπυλμηςδωόάίέγήθχφβύώξζψϊϋΐΰ", 0.1),
    Alphabet("cp1255", "ויהלארמתבשנםחדקעפצגכטסזןךףץ", 0.1),
    Alphabet("cp1256", "ايلمونرتبةعدسفهكقحجشطصخأإىذئثزءضغآظؤ", 0.1),
    Alphabet("cp874", "านรกอเงมทยลวดตสค่้ัีบปหิแจพะำ์ชขใโไุูผึืถซธศฟษณ็คภญฉๆฤ๐", 0.1),
)


def weigh_alphabet(sample: bytes, alphabet: Alphabet) -> float:
    """Mean weight of the characters beyond ASCII: near 1 for the language, below 0 for others."""
    text = sample.decode(alphabet.codec, errors="replace")
    high = len(sample.translate(None, bytes(range(0x80))))
    tight = sum(1 for _ in _TIGHT.finditer(text))
    if tight and (alphabet.latin or 20 * tight > high):
        return -1.0
    weights = {
        char: 1.0 - 0.2 * at / len(alphabet.letters) for at, char in enumerate(alphabet.letters)
    }
    longest = 3 if alphabet.codec in _CENTRAL else 2
    total, count, run = 0.0, 0, 0
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char <= "\x7f":
            run = 0
            continue
        run += char.isalpha()
        count += 1
        beside_ascii = _is_ascii_letter(before) or _is_ascii_letter(after)
        is_odd = char.isalpha() and (run > longest if alphabet.latin else beside_ascii)
        is_odd = is_odd or (char == "œ" and after in _NEVER_AFTER_OE)
        total += -1.5 if is_odd else _weigh(char, before, after, weights)
    return total / count - alphabet.handicap if count else 0.0


def weigh_half_kana(sample: bytes) -> float:
    """As `weigh_alphabet`, for Shift-JIS without other Japanese than half-width katakana.

    Its marks for voiced sounds are frequent, and stand behind a few letters only.
    """
    text = sample.decode("cp932", errors="replace")
    total, marks, count = 0.0, 0, 0
    for before, char in zip(" " + text, text, strict=False):
        if char <= "\x7f":
            continue
        count += 1
        if char not in _HALF_KANA:
            return -1.0
        fits = before in (_VOICED if char == "ﾞ" else _HALF_VOICED)
        is_mark = char in "ﾞﾟ"
        marks += is_mark and fits
        total += -3.0 if is_mark and not fits else 1.0
    return min(0.8, total / count) if count and marks >= max(1, 0.15 * count) else -1.0


def _weigh(char: str, before: str, after: str, weights: dict[str, float]) -> float:
    if char in _PUNCTUATION:
        return 0.9
    if char in _MARKS:
        return 0.4
    if char in weights:
        return weights[char]
    if before.islower() and char != char.lower():
        return -1.5
    starts_word = not before.isalnum() and after.islower()
    return (0.95 if starts_word else 0.8) * weights.get(char.lower(), -1.9)


def _is_ascii_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()
