"""PowerPoint 97-2003 presentations (PPT): text atoms of MS-PPT, slide by slide."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from parsing.formats.common import emit_pages
from parsing.ole import encrypted, open_ole, read_properties, read_stream
from parsing.source import Source
from parsing.text import PageBuilder, clean_text, squeeze
from parsing.types import Opened, ParsedPage

_DOCUMENT, _SLIDE, _NOTES, _LIST, _PERSIST = 1000, 1006, 1008, 4080, 1011
_TEXT_HEADER, _TEXT_CHARS, _TEXT_BYTES = 3999, 4000, 4008
_SHOW_INFO, _HIDDEN = 1017, 0x4
_TITLES = frozenset((0, 6))
_ENCRYPTED_TOKEN = 0xF3D1C4DF
MAX_RECORDS = 2_000_000

Record = tuple[int, int, int, int]
Text = tuple[int, str]


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """One page for each slide; its notes come after its text."""
    ole = open_ole(source)
    user = read_stream(ole, "Current User")
    if len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == _ENCRYPTED_TOKEN:
        raise encrypted()
    stream = read_stream(ole, "PowerPoint Document")
    outlines: list[list[Text]] = []
    drawings: list[list[Text]] = []
    notes: list[list[Text]] = []
    hidden: list[bool] = []
    for kind, _, start, end in _iter_level(stream, 0, len(stream)):
        if kind == _DOCUMENT:
            outlines = _read_outlines(stream, start, end) or outlines
        elif kind == _SLIDE:
            drawings.append(_read_texts(stream, start, end))
            hidden.append(_is_hidden(stream, start, end))
        elif kind == _NOTES:
            notes.append(_read_texts(stream, start, end))
    metadata = read_properties(ole)
    pages = _build_pages(outlines, drawings, notes, hidden)
    yield from emit_pages(source, pages, title=metadata.get("title", ""), metadata=metadata)


def _iter_level(data: bytes, start: int, end: int) -> Iterator[Record]:
    """(type, instance, start, end) of the records that follow one another from `start`."""
    count = 0
    while start + 8 <= end and count < MAX_RECORDS:
        mark, kind, size = struct.unpack_from("<HHI", data, start)
        body = start + 8
        yield kind, mark >> 4, body, min(body + size, end)
        start = body + size
        count += 1


def _iter_deep(data: bytes, start: int, end: int) -> Iterator[Record]:
    """All records inside a container, in order, with an explicit stack."""
    stack = [_iter_level(data, start, end)]
    while stack:
        record = next(stack[-1], None)
        if record is None:
            stack.pop()
            continue
        yield record
        is_container = struct.unpack_from("<H", data, record[2] - 8)[0] & 0xF == 0xF
        if is_container and len(stack) < 40:
            stack.append(_iter_level(data, record[2], record[3]))


def _is_hidden(data: bytes, start: int, end: int) -> bool:
    """Whether a slide is passed over in the show."""
    for kind, _, body, stop in _iter_level(data, start, end):
        if kind == _SHOW_INFO and stop - body >= 12:
            return bool(struct.unpack_from("<H", data, body + 10)[0] & _HIDDEN)
    return False


def _read_texts(data: bytes, start: int, end: int) -> list[Text]:
    """(text type, text) of all text atoms in a container."""
    texts: list[Text] = []
    text_type = -1
    for kind, _, body, stop in _iter_deep(data, start, end):
        if kind == _TEXT_HEADER and stop - body >= 4:
            text_type = struct.unpack_from("<I", data, body)[0]
        elif kind in (_TEXT_CHARS, _TEXT_BYTES):
            charset = "utf-16-le" if kind == _TEXT_CHARS else "latin-1"
            text = data[body:stop].decode(charset, "replace").replace("\x0b", "\n")
            text = clean_text(text).strip()
            if text and text != "*":
                texts.append((text_type, text))
    return texts


def _read_outlines(data: bytes, start: int, end: int) -> list[list[Text]]:
    """Texts of the slides' placeholders, kept in the document's own list of slides."""
    slides: list[list[Text]] = []
    for kind, instance, body, stop in _iter_level(data, start, end):
        if kind != _LIST or instance != 0:
            continue
        pieces: list[tuple[int, int]] = []
        for inner, _, _, finish in _iter_level(data, body, stop):
            if inner == _PERSIST:
                pieces.append((finish, finish))
            elif pieces:
                pieces[-1] = (pieces[-1][0], finish)
        slides += [_read_texts(data, begin, finish) for begin, finish in pieces]
    return slides


def _build_pages(
    outlines: list[list[Text]],
    drawings: list[list[Text]],
    notes: list[list[Text]],
    hidden: list[bool],
) -> list[ParsedPage]:
    pages: list[ParsedPage] = []
    # Slides that were saved several times cannot be matched with the list of slides for sure.
    is_sure = not outlines or len(outlines) == len(drawings)
    unsure = "This presentation has hidden slides that could not be told apart."
    for at in range(max(len(outlines), len(drawings))):
        builder = PageBuilder()
        label = f"Slide {at + 1}"
        if is_sure and hidden[at]:
            note = "This slide is hidden in the show and was left out."
            pages.append(builder.build(at + 1, label=f"{label} (hidden)", note=note))
            continue
        seen: set[str] = set()
        texts = [*_at(outlines, at), *_at(drawings, at)]
        for text_type, text in texts:
            if text in seen:
                continue
            seen.add(text)
            if text_type in _TITLES:
                builder.add("heading", squeeze(text), level=1)
                label = f"Slide {at + 1}: {squeeze(text)}" if ":" not in label else label
            else:
                builder.add("paragraph", text)
        for _, text in _at(notes, at):
            if text not in seen:
                builder.add("paragraph", f"Notes: {text}")
        note = unsure if any(hidden) and not is_sure else ""
        pages.append(builder.build(at + 1, label=label, note=note))
    return pages


def _at(items: list[list[Text]], index: int) -> list[Text]:
    return items[index] if index < len(items) else []
