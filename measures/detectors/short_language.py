"""The language of a short text such as a question, from its letters and function words.

``language.py`` does this for answers of a few sentences, in 31 languages. It ignores words that
two languages share, and so recognises only 42 of the 71 questions in its test; this module
recognises 64. The two stay apart because the other one's verdicts were validated against IFEval.
This one knows 20 languages and takes others for a neighbour (Bulgarian for Russian). A trained
detector such as langid does better on two words, but costs each process a hundred megabytes.
"""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
_SMALL_WORDS = {
    "en": "the of and to in is are was were what who which how when where why do does did can "
    "could should would will for with from that this not have has at by an it its be or if there "
    "you your we they much many long must may",
    "de": "der die das den dem des und ist sind war wie was wer wann wo warum welche welcher "
    "welches viele ein eine einen einem einer nicht mit für von auf bei zum zur im ich wir sie "
    "kann muss werden wird haben hat darf nach über",
    "fr": "le la les des du de et est sont était que qui quel quelle quels quelles comment quand "
    "où pourquoi combien un une dans pour avec sur par pas ne au aux ce cette il elle nous vous "
    "peut doit être avoir a l' d'",
    "es": "el la los las de del y es son era que qué quién cuál cuáles cómo cuándo dónde cuánto "
    "cuántos cuántas por para con un una en no se al lo su puede debe hay está ser",
    "it": "il lo la i gli le di del della dei delle e è sono era che chi quale quali come quando "
    "dove perché quanto quanti quante un una in per con non si al alla può deve nel nella",
    "pt": "o a os as de do da dos das e é são era que quem qual quais como quando onde quanto "
    "quantos quantas por para com um uma em no na não se ao pode deve há está ser",
    "nl": "de het een en is zijn was wat wie welke hoe wanneer waar waarom hoeveel van in op met "
    "voor niet dat dit te bij naar aan kan moet mag worden heeft hebben krijgen",
    "pl": "i w na z do jest są był co kto jaki jaka jakie jak kiedy gdzie dlaczego ile nie się "
    "to że dla od po czy może przez",
    "sv": "och är en ett den det som vad vem vilken hur när var varför många för med på av inte "
    "till att kan ska får från har",
    "tr": "ve bir bu ne kim hangi nasıl nerede neden kaç için ile mi mı mu mü değil var da de "
    "olan kadar gün",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _code, _words in _SMALL_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_code)
_LETTERS = {
    "de": "äöß", "fr": "çœêèàùî", "es": "ñ¿¡", "pt": "ãõ", "pl": "łąęśżźćń", "sv": "å",
    "tr": "ğşı", "it": "ìò",
}  # fmt: skip
MAX_CHARS = 2_000


def guess_language(text: str) -> str:
    """The ISO 639-1 code, or "" if it cannot be told, as for "VPN?"."""
    text = text[:MAX_CHARS]
    letters = sum(char.isalpha() for char in text)
    for code, pattern in _SCRIPTS:
        # Kana mark Japanese among ideographs, and a few Cyrillic letters mark Ukrainian.
        count = len(pattern.findall(text))
        share = 0.02 if code in ("ja", "uk") else 0.3
        if count and count >= share * letters:
            return code
    scores = _score_words(text.lower())
    if not scores:
        return ""
    (best, score), *rest = scores.most_common(2)
    return best if not rest or score > rest[0][1] else ""


def _score_words(text: str) -> Counter[str]:
    """Points for each function word, divided among its languages, and for typical letters."""
    scores: Counter[str] = Counter()
    words = [word.replace("\u2019", "'") for word in _WORD.findall(text)]
    for word in words:
        languages = _LANGUAGES_OF.get(word) or _LANGUAGES_OF.get(word.split("'")[0] + "'", [])
        for code in languages:
            scores[code] += 6 // min(len(languages), 6)
    for code, letters in _LETTERS.items():
        if any(letter in text for letter in letters):
            scores[code] += 5
    return scores
