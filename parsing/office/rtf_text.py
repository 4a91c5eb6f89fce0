r"""RTF as `striprtf` can read it: what is not shown taken out, what looks otherwise written out.

The formatting of RTF holds from where it stands to the end of its group, so it is followed token by
token: hidden and deleted text, white and tiny text, raised, lowered and struck parts, symbol fonts,
footnotes, and merged cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from striprtf import striprtf

from parsing.inline import mark_lowered, mark_raised, mark_struck
from parsing.office.symbol_fonts import UNKNOWN, is_symbol_font, symbol_text

DOWN, ACROSS, BAR = "\ufdd6\ufdd7\ufdd8"
"""In a cell that goes on from above or from the left, and for a bar inside a text."""

_TOKEN = re.compile(
    r"\\([a-z]{1,32})(-?\d{1,9})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|([\r\n]+)|([^\\{}\r\n]+)",
    re.IGNORECASE | re.DOTALL,
)
_FONT = re.compile(r"\\f(\d+)(?:\\[a-z]+-?\d* ?|\{[^{}]*\})*\s*([^;{}\\]+)")
_COLORS = re.compile(r"\{\\colortbl([^{}]*)\}")
_WHITE = re.compile(r"\\red255\s*\\green255\s*\\blue255(?!\d)")
_TINY = 3
"""Half points."""
_MARKS = {"super": mark_raised, "sub": mark_lowered, "strike": mark_struck}
_FLAGS = {
    "v": "is_hidden", "deleted": "is_hidden", "strike": "is_struck", "striked": "is_struck",
    **dict.fromkeys(("cb", "highlight", "chcbpat", "chshdng", "cbpat", "shading"), "has_ground"),
}  # fmt: skip
_NUMBERS = {"cf": ("color", 0), "fs": ("size", 24), "uc": ("skips", 1)}
"""The fields that words set, and their value where none is given."""
_ROW_GROUNDS = frozenset(("clcbpat", "clshdng", "trcbpat", "trshdng"))
_MERGES = {"clvmrg": DOWN, "clmrg": ACROSS}
_KEPT = frozenset(("fldinst", "listtext", "pntext"))
_find_fonts: Callable[[str], str] = striprtf.font_table_group
_NOTES = {"footnote": "Footnote"}


@dataclass(frozen=True, slots=True)
class _State:
    """What holds at a place. `skips` is the number of characters that follow one given by code."""

    font: str = ""
    color: int = 0
    size: int = 24
    is_hidden: bool = False
    script: str = ""
    is_struck: bool = False
    has_ground: bool = False
    skips: int = 1
    is_verbatim: bool = False
    closing: str = ""

    def plain(self, font: str) -> _State:
        """The same place with plain characters."""
        return _State(font=font, skips=self.skips, is_verbatim=self.is_verbatim)


@dataclass(slots=True)
class RtfRewriter:
    """Goes through a file once; counts what it leaves out."""

    hidden: int = 0
    unseen: int = 0
    unknown: int = 0
    _out: list[str] = field(default_factory=list)
    _state: _State = field(default_factory=_State)
    _stack: list[_State] = field(default_factory=list)
    _symbols: dict[str, str] = field(default_factory=dict)
    _whites: frozenset[int] = frozenset()
    _default_font: str = ""
    _fallback: int = 0
    _merges: list[str] = field(default_factory=list)
    _merge: str = ""
    _cell: int = 0
    _row_has_ground: bool = False

    def rewrite(self, raw: str) -> str:
        """RTF that `striprtf` reads as what is shown."""
        fonts = _FONT.findall(_find_fonts(raw))
        self._symbols = {key: name.strip() for key, name in fonts if is_symbol_font(name)}
        colors = _COLORS.search(raw)
        if colors and "\\background" not in raw:
            entries = colors[1].split(";")
            self._whites = frozenset(at for at, entry in enumerate(entries) if _WHITE.search(entry))
        at = 0
        while match := _TOKEN.match(raw, at):
            at = match.end()
            word, argument, code, symbol, brace, _, text = match.groups()
            if word == "bin" and argument:
                at += max(0, int(argument))
                self._out.append(raw[match.start() : at])
            elif word:
                self._fallback = 0
                self._word(word, argument, match[0])
            elif brace:
                self._fallback = 0
                self._brace(brace)
            elif code:
                self._characters([(match[0], chr(int(code, 16)))])
            elif symbol:
                self._fallback = 0
                self._symbol(symbol, match[0])
            elif text:
                self._text(text)
            else:
                self._out.append(match[0])
        return "".join(self._out)

    def _brace(self, brace: str) -> None:
        if brace == "{":
            self._stack.append(self._state)
            if self._state.closing:
                self._state = replace(self._state, closing="")
            self._out.append(brace)
            return
        self._out.append(self._state.closing + brace)
        if self._stack:
            self._state = self._stack.pop()

    def _symbol(self, symbol: str, raw: str) -> None:
        if symbol == "*":
            self._state = replace(self._state, is_verbatim=True)
            self._out.append(raw)
        elif symbol in "{}\\~-_":
            self._characters([(raw, symbol)])
        else:
            self._out.append(raw)

    def _word(self, word: str, argument: str | None, raw: str) -> None:
        state, number = self._state, int(argument or 0)
        if state.is_verbatim:
            self._out.append(raw)
        elif word in _NOTES:
            self._out.append(f" [{_NOTES[word]}: ")
            self._state = replace(state, closing="]")
        elif word in striprtf.destinations and word not in _KEPT:
            self._out.append(raw)
            self._state = replace(state, is_verbatim=True)
        elif word == "u" and argument:
            code = number % 0x10000
            self._characters([(raw, chr(code))])
            self._fallback = state.skips
        elif word == "cell":
            flag = self._merges[self._cell] if self._cell < len(self._merges) else ""
            self._out.append(_escape(flag) + raw)
            self._cell += 1
        else:
            self._out.append(raw)
            self._format(word, argument, number)

    def _format(self, word: str, argument: str | None, number: int) -> None:
        """Words that change how what follows looks."""
        state, is_on = self._state, argument != "0"
        if word in _FLAGS:
            change: dict[str, Any] = {_FLAGS[word]: is_on}
            self._state = replace(state, **change)
        elif word in _NUMBERS:
            name, default = _NUMBERS[word]
            change = {name: number if argument else default}
            self._state = replace(state, **change)
        elif word in {"super", "sub", "nosupersub"}:
            self._state = replace(state, script=word if is_on and word in _MARKS else "")
        elif word == "plain":
            self._state = state.plain(self._default_font)
        elif word == "pard":
            self._state = replace(state, has_ground=False)
        elif word in {"f", "deff"}:
            self._state = replace(state, font=argument or "")
            self._default_font = self._default_font if word == "f" else argument or ""
        else:
            self._row(word)

    def _row(self, word: str) -> None:
        """Words that say what the cells of a table row are."""
        if word == "trowd":
            self._merges, self._merge, self._row_has_ground = [], "", False
        elif word in _MERGES:
            self._merge = _MERGES[word]
        elif word == "cellx":
            self._merges.append(self._merge)
            self._merge = ""
        elif word in _ROW_GROUNDS:
            self._row_has_ground = True
        elif word == "row":
            self._cell = 0

    def _text(self, text: str) -> None:
        if self._state.is_verbatim:
            self._out.append(text)
            return
        kept = min(self._fallback, len(text))
        if kept:
            self._fallback -= kept
            self._out.append(text[:kept] if not self._is_left_out() else "")
            text = text[kept:]
        if not text:
            return
        if self._is_ordinary():
            self._out.append(text.replace("|", _escape(BAR)) if "|" in text else text)
        else:
            self._characters([(char, char) for char in text])

    def _is_ordinary(self) -> bool:
        """Whether text is shown as it is; most is."""
        state = self._state
        is_marked = state.is_struck or bool(state.script) or self._is_left_out()
        return not is_marked and state.font not in self._symbols

    def _is_left_out(self) -> bool:
        return self._state.is_hidden or self._is_unseen()

    def _is_unseen(self) -> bool:
        state = self._state
        if state.size <= _TINY:
            return True
        has_ground = state.has_ground or self._row_has_ground
        return state.color in self._whites and not has_ground

    def _characters(self, items: list[tuple[str, str]]) -> None:
        """Characters, as they stand in the file and as what they mean in an ordinary font."""
        state = self._state
        if self._fallback and len(items) == 1 and items[0][0].startswith("\\'"):
            self._fallback -= 1
            self._out.append(items[0][0] if not self._is_left_out() else "")
            return
        if state.is_verbatim:
            self._out += [raw for raw, _ in items]
            return
        if self._is_left_out():
            is_text = any(not char.isspace() for _, char in items)
            self.hidden += is_text and state.is_hidden
            self.unseen += is_text and not state.is_hidden
            return
        if state.font in self._symbols:
            font = self._symbols[state.font]
            shown = symbol_text("".join(char for _, char in items), font)
            self.unknown += shown.count(UNKNOWN)
            text = _escape(shown)
        else:
            text = "".join(_escape(BAR) if char == "|" else raw for raw, char in items)
        marks = [state.script] if state.script else []
        for mark in [*marks, *(["strike"] if state.is_struck else [])]:
            opening, closing = _MARKS[mark]("x").split("x")
            text = f"{_escape(opening)}{text}{_escape(closing)}"
        self._out.append(text)


def _escape(text: str) -> str:
    r"""Characters by their code, with as many to be skipped as `\uc` says by default."""
    return "".join(f"{{\\uc1\\u{ord(char)}?}}" for char in text)
