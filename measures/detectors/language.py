"""Which language is a text in? By its script, its letters and its commonest words.

Enough to check that an answer keeps to the language that was asked for, over texts of a few
sentences. It knows the 31 languages listed here; of two that share a script and most small words
(Spanish and Portuguese, Hindi and Marathi) it needs a sentence or two to tell which. Questions of
a few words are for ``short_language.py``.
"""

from __future__ import annotations

import re
from collections import Counter

_SCRIPTS = {
    "kn": "\u0c80-\u0cff", "pa": "\u0a00-\u0a7f", "gu": "\u0a80-\u0aff", "te": "\u0c00-\u0c7f",
    "ta": "\u0b80-\u0bff", "ml": "\u0d00-\u0d7f", "bn": "\u0980-\u09ff", "he": "\u0590-\u05ff",
    "th": "\u0e00-\u0e7f", "ko": "\u1100-\u11ff\uac00-\ud7af", "ja": "\u3040-\u30ff",
    "zh": "\u4e00-\u9fff", "devanagari": "\u0900-\u097f", "arabic": "\u0600-\u06ff",
    "cyrillic": "\u0400-\u04ff", "greek": "\u0370-\u03ff",
    "latin": "a-zA-Z\u00c0-\u024f\u1e00-\u1eff",
}  # fmt: skip
_SCRIPT_PATTERNS = {name: re.compile(f"[{chars}]") for name, chars in _SCRIPTS.items()}
# Words common in one language and rare in others of its script; letters that only one has.
_WORDS = {
    "latin": {
        "en": "the of and to in is that it for was with as you are this be on have not they",
        "de": "der die das und ist nicht mit ein eine den von zu sich auf für dem auch es ich wir",
        "fr": "le les des et est une dans pour que qui pas sur avec du au ce il vous nous être",
        "es": "el los las y es una en para que por con no del se lo como más pero muy está",
        "pt": "o os as e é uma em para que por com não do da se no na mais mas você são um",
        "it": "il gli le e è una in per che con non del della di si come più ma sono un anche",
        "nl": "de het een en van is dat niet met op voor zijn er te ook maar ik wij aan",
        "pl": "i w na się nie jest to z do że jak o dla ale przez od są oraz tak który",
        "fi": "ja on ei se että hän oli mutta ovat kuin myös joka tai niin sen minä kun ole",
        "sv": "och att det en som är på för med av till inte den jag har ett om men vi",
        "da": "og at det en som er på for med af til ikke den jeg har et om men vi der",
        "vi": "và của là có không được cho một những trong người với các này đã để khi tôi",
        "sw": "na ya wa kwa ni katika za la kuwa hii cha kama hiyo lakini sana watu yake au",
        "tr": "ve bir bu için ile da de çok olarak daha ama gibi olan ne var değil ben",
        "id": "yang dan di untuk dengan ini dari dalam tidak itu akan pada adalah ke juga saya",
    },
    "devanagari": {
        "hi": "है के में की और का से को हैं पर यह कि था लिए एक नहीं भी आप",
        "mr": "आहे आणि आहेत या मध्ये तो ते ही हे च्या होते नाही एक असे त्या मी",
        "ne": "छ र को मा का लागि हो छन् यो पनि गर्न भएको तपाईं एक हुन्छ लाई",
    },
}
_LETTERS = {
    "cyrillic": {"ru": "ыэё", "uk": "іїєґ", "bg": "ъщ"},
    # Urdu also has Persian's letters, so its own have to weigh more.
    "arabic": {"ur": "ٹڈڑےںھہ" * 4 + "پچگی", "fa": "پچژگیک", "ar": "ةىيكأإ"},
    "latin": {
        "de": "ßäöü", "fr": "çèêœ", "es": "ñ¿¡", "pt": "ãõ", "it": "ìò", "pl": "łśżźąę",
        "vi": "ăơưđạảấầẩậắằếềểễệịọỏốồổộớờởợụủứừửự", "fi": "äö", "tr": "ığş", "sv": "åäö",
        "da": "æøå",
    },
}  # fmt: skip
_WORD_SETS = {
    script: {language: frozenset(words.split()) for language, words in table.items()}
    for script, table in _WORDS.items()
}
_TOKEN = re.compile(r"[^\W\d_]+(?:[\u0900-\u097f]+)*")
_WORD_POINTS, _LETTER_POINTS = 10, 3


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's main language; ``None`` when it cannot be told."""
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPT_PATTERNS.items()}
    script = max(counts, key=lambda name: counts[name])
    if not counts[script]:
        return None
    if script == "zh" and counts["ja"] * 10 >= counts["zh"]:
        return "ja"  # kana among the characters
    if script == "greek":
        return "el"
    if script not in _WORDS and script not in _LETTERS:
        return script
    scores = _score_languages(text.lower(), script)
    if not scores:
        return {"cyrillic": "bg", "arabic": "ar"}.get(script)
    (best, points), *others = scores.most_common(2)
    return best if not others or points > others[0][1] else None


def _score_languages(text: str, script: str) -> Counter[str]:
    scores: Counter[str] = Counter()
    words = text.split() if script == "devanagari" else _TOKEN.findall(text)
    for language, known in _WORD_SETS.get(script, {}).items():
        count = sum(word.strip("।,.?!") in known for word in words)
        scores[language] += _WORD_POINTS * count
    letters = Counter(text)
    for language, marks in _LETTERS.get(script, {}).items():
        scores[language] += _LETTER_POINTS * sum(letters[mark] for mark in marks)
    return +scores
