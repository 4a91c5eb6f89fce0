"""Addresses that links on a PDF page lead to, written after the text that they lie over."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from parsing.inline import is_address, with_address
from parsing.pdf.chars import Segment
from parsing.pdf.geometry import Affine, Box, to_frame
from parsing.text import clean_text

MAX_LINKS = 10_000
_MAX_COUNTED = 1_000_000
_BAND = 20.0


@dataclass(frozen=True, slots=True)
class Link:
    """An address and where on the shown page one clicks for it."""

    address: str
    box: Box


@dataclass(slots=True)
class _Run:
    """The part of a segment that a link lies over."""

    segment: Segment
    start: int
    end: int
    address: str


def read_links(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, affine: Affine
) -> tuple[list[Link], int]:
    """The links of a page that lead out of the document, and how many were not looked at."""
    links: list[Link] = []
    position, link, rect = ctypes.c_int(0), pdfium.FPDF_LINK(), pdfium.FS_RECTF()
    left = 0
    while left < _MAX_COUNTED and pdfium.FPDFLink_Enumerate(page, position, link):
        if len(links) >= MAX_LINKS:
            left += 1
            continue
        action = pdfium.FPDFLink_GetAction(link)
        if not action or pdfium.FPDFAction_GetType(action) != pdfium.PDFACTION_URI:
            continue
        size = pdfium.FPDFAction_GetURIPath(document, action, None, 0)
        if not 1 < size < 4_000:
            continue
        buffer = ctypes.create_string_buffer(size)
        pdfium.FPDFAction_GetURIPath(document, action, buffer, size)
        address = clean_text(buffer.value.decode("utf-8", "replace")).strip()
        if is_address(address) and pdfium.FPDFLink_GetAnnotRect(link, rect):
            links.append(Link(address, affine.box(rect.left, rect.bottom, rect.right, rect.top)))
    return links, left


def note_links_left_out(left: int) -> str:
    """Says that addresses of links are missing from a page; empty if none are."""
    return f"The addresses of {left:,} links of this page were left out." if left else ""


def write_links(segments: list[Segment], links: list[Link], *, width: float, height: float) -> None:
    """Put each address behind its text, once, unless the text says it."""
    runs: list[_Run] = []
    framed: dict[int, _Bands] = {}
    for segment in segments:
        if segment.turn not in framed:
            framed[segment.turn] = _Bands([
                Link(link.address, to_frame(link.box, segment.turn, width, height))
                for link in links
            ])  # fmt: skip
        if segment.glyphs:
            runs += _find_runs(segment, framed[segment.turn].near(segment))
    groups: list[list[_Run]] = []
    for run in runs:
        last = groups[-1][-1] if groups else None
        goes_on = last is not None and last.address == run.address
        # A link over several lines: it goes on at the start of the next one.
        if goes_on and last is not None and last.end == len(last.segment.text) and not run.start:
            groups[-1].append(run)
        else:
            groups.append([run])
    for group in reversed(groups):
        last = group[-1]
        text = " ".join(run.segment.text[run.start : run.end] for run in group)
        added = with_address(text, last.address)[len(text.rstrip()) :]
        if added.strip():
            whole = last.segment.text
            last.segment.text = f"{whole[: last.end]}{added.rstrip()}{whole[last.end :]}"


class _Bands:
    """Links by their height on the page."""

    def __init__(self, links: list[Link]) -> None:
        self._links = links
        self._bands: dict[int, list[int]] = {}
        for at, link in enumerate(links):
            for band in _cross(link.box[1], link.box[3]):
                self._bands.setdefault(band, []).append(at)

    def near(self, segment: Segment) -> list[Link]:
        """Links that may lie over the segment, in their order."""
        bands = _cross(segment.y0, segment.y1)
        return [
            self._links[at]
            for at in sorted({at for band in bands for at in self._bands.get(band, ())})
        ]


def _cross(top: float, bottom: float) -> range:
    first, last = (int(max(-1e4, min(edge, 1e4)) // _BAND) for edge in (top, bottom))
    return range(first, last + 1)


def _find_runs(segment: Segment, links: list[Link]) -> list[_Run]:
    """Stretches of the segment's text under one address, in order."""
    near = [
        (link.box, link.address)
        for link in links
        if link.box[0] < segment.x1 and link.box[2] > segment.x0
        and link.box[1] < segment.y1 and link.box[3] > segment.y0
    ]  # fmt: skip
    runs: list[_Run] = []
    for at, (offset, glyph) in enumerate(segment.glyphs) if near else ():
        x, y = (glyph[0] + glyph[2]) / 2, (glyph[1] + glyph[3]) / 2
        address = next(
            (name for box, name in near if box[0] <= x <= box[2] and box[1] <= y <= box[3]), ""
        )
        following = segment.glyphs[at + 1][0] if at + 1 < len(segment.glyphs) else len(segment.text)
        end = offset + len(segment.text[offset:following].rstrip())
        if not address:
            continue
        joins = runs and runs[-1].address == address
        if joins and not segment.text[runs[-1].end : offset].strip():
            runs[-1].end = end
        else:
            runs.append(_Run(segment, offset, end, address))
    return runs
