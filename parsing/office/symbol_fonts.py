"""Characters of the fonts Symbol and Wingdings, whose codes mean other characters elsewhere."""

from __future__ import annotations

from parsing.inline import count_noun

UNKNOWN = "\ufffd"

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"
    "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)
"""Adobe's Symbol encoding from 0x20 to 0x7E."""

_SYMBOL_UPPER = (
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…│─↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪"
    "\ufffd⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)
"""The same from 0xA0 to 0xFE."""

_WINGDINGS = {
    0x20: " ", 0x21: "✏", 0x22: "✂", 0x28: "☎", 0x2A: "✉", 0x3F: "✍", 0x45: "☜", 0x46: "☞",
    0x47: "☝", 0x48: "☟", 0x4A: "☺", 0x4C: "☹", 0x4E: "☠", 0x6C: "●", 0x6D: "❍", 0x6E: "■",
    0x6F: "☐", 0x71: "❑", 0x72: "❒", 0x73: "⬧", 0x74: "⧫", 0x75: "◆", 0x76: "❖", 0x77: "⬥",
    0x78: "☒", 0x9F: "•", 0xA1: "○", 0xA7: "▪", 0xA8: "☐", 0xAB: "★", 0xD8: "➢", 0xDF: "←",
    0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE7: "←", 0xE8: "➔", 0xE9: "↑", 0xEA: "↓", 0xEF: "⇦",
    0xF0: "⇨", 0xF1: "⇧", 0xF2: "⇩", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
    **{0x80 + at: char for at, char in enumerate("⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿")},
}  # fmt: skip
_WINGDINGS_2 = {
    0x20: " ", 0x2A: "☐", 0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒",
    0xA3: "☐",
}  # fmt: skip
_WEBDINGS = {0x20: " ", 0x61: "✓", 0x63: "☐", 0x67: "■", 0x72: "✗"}

_FONTS: dict[str, dict[int, str]] = {
    "symbol": {
        **{0x20 + at: char for at, char in enumerate(_SYMBOL)},
        **{0xA0 + at: char for at, char in enumerate(_SYMBOL_UPPER)},
    },
    "wingdings": _WINGDINGS,
    "wingdings 2": _WINGDINGS_2,
    "wingdings 3": {0x20: " "},
    "webdings": _WEBDINGS,
}


def is_symbol_font(font: str) -> bool:
    """Whether the codes of this font stand for other characters than elsewhere."""
    return font.strip().lower() in _FONTS


def symbol_text(text: str, font: str) -> str:
    """What `text` shows in `font`; U+FFFD for each character that cannot be told.

    Symbol fonts keep their characters at 0x20 to 0xFF, or the same moved to 0xF020. In other
    fonts only the latter, which have no meaning of their own, are unknown.
    """
    table = _FONTS.get(font.strip().lower())
    return "".join(_character(char, table) for char in text)


def unknown_note(count: int) -> str:
    """What is said of characters that could not be told; empty if there are none."""
    if not count:
        return ""
    verb = "is" if count == 1 else "are"
    return (
        f"{count_noun(count, 'character')} of a symbol font could not be told and {verb} shown "
        f"as {UNKNOWN}."
    )


def _character(char: str, table: dict[int, str] | None) -> str:
    code = ord(char)
    if 0xE000 <= code <= 0xF8FF:
        inside = table is not None and 0xF020 <= code <= 0xF0FF
        return table.get(code - 0xF000, UNKNOWN) if table and inside else UNKNOWN
    if table is None or code < 0x20 or code > 0xFF:
        return char
    return table.get(code, UNKNOWN)
