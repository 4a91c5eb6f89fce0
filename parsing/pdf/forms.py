"""What was filled in on a PDF page: values of form fields, and typed notes, beside their labels."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from parsing.pdf.chars import Segment
from parsing.pdf.geometry import Affine, Box
from parsing.text import clean_text, squeeze

MAX_ANNOTATIONS = 10_000
MAX_SHOWN = 2_000
"""Pages with more fields are loaded without PDFium's own view of them, whose time grows with the
square of their number."""
MAX_IN_FORM = 15_000
"""Of pages with more, only typed values are read: PDFium's form takes time with the square too."""
_HIDDEN_FLAGS = 2 | 32  # Hidden, NoView
_PASSWORD = 1 << 13
_NEAR, _BESIDE = 60.0, 25.0
_BAND = 20.0
_MARKS = {True: "checked", False: "not checked"}


@dataclass(slots=True)
class Field:
    """A form field on the page. `checked` is None for fields that are not ticked."""

    box: Box
    value: str
    checked: bool | None = None
    group: str = ""
    option: str = ""
    label: Segment | None = field(default=None, repr=False)


def load_page(document: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
    """A page; PdfiumError if it is damaged. Its `formenv` is None where it has too many fields."""
    raw = pdfium.FPDF_LoadPage(document, index)
    if not raw:
        raise pypdfium2.PdfiumError("Failed to load page.")
    is_shown = pdfium.FPDFPage_GetAnnotCount(raw) <= MAX_SHOWN
    page = pypdfium2.PdfPage(raw, document, document.formenv if is_shown else None)
    if page.formenv:
        pdfium.FORM_OnAfterLoadPage(page, page.formenv)
    document._add_kid(page)
    return page


def note_fields_left_out(page: pypdfium2.PdfPage) -> str:
    """Says that a page has more form fields and notes than are read; empty if it does not."""
    left = pdfium.FPDFPage_GetAnnotCount(page) - MAX_ANNOTATIONS
    if left <= 0:
        return ""
    note = (
        f"This page has more than {MAX_ANNOTATIONS:,} form fields, notes and links; the values of "
        f"the last {left:,} were left out."
    )
    if left > MAX_IN_FORM - MAX_ANNOTATIONS:
        note += " Of the others, boxes that are ticked and options that are chosen were not read."
    return note


def read_fields(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, affine: Affine
) -> list[Field]:
    """Fields and typed notes of a page, in the order of the file."""
    fields: list[Field] = []
    form = document.formenv.raw if document.formenv else None
    total = pdfium.FPDFPage_GetAnnotCount(page)
    count = min(total, MAX_ANNOTATIONS)
    form = None if total > MAX_IN_FORM else form
    for at in range(count):
        annotation = pdfium.FPDFPage_GetAnnot(page, at)
        if not annotation:
            continue
        try:
            form_field = _read_annotation(form, annotation, affine)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
        if form_field is not None:
            fields.append(form_field)
    return fields


def _read_annotation(form: Any, annotation: Any, affine: Affine) -> Field | None:
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind not in {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT}:
        return None
    if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN_FLAGS:
        return None
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(annotation, rect):
        return None
    box = affine.box(rect.left, rect.bottom, rect.right, rect.top)
    if kind == pdfium.FPDF_ANNOT_FREETEXT:
        text = _read(lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(
            annotation, b"Contents", buffer, size
        ))  # fmt: skip
        return Field(box, text) if text else None
    return _read_widget(form, annotation, box) if form else _read_typed(annotation, box)


def _read_typed(annotation: Any, box: Box) -> Field | None:
    """The value that a widget has itself, without the form that it belongs to."""
    flags = ctypes.c_float()
    pdfium.FPDFAnnot_GetNumberValue(annotation, b"Ff", flags)
    value = _read(lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(
        annotation, b"V", buffer, size
    ))  # fmt: skip
    return Field(box, value) if value and not int(flags.value) & _PASSWORD else None


def _read_widget(form: Any, annotation: Any, box: Box) -> Field | None:
    def text(function: Any) -> str:
        return _read(lambda buffer, size: function(form, annotation, buffer, size))

    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in {pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON}:
        checked = bool(pdfium.FPDFAnnot_IsChecked(form, annotation))
        name = text(pdfium.FPDFAnnot_GetFormFieldName)
        option = text(pdfium.FPDFAnnot_GetFormFieldExportValue)
        is_radio = kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON
        return Field(
            box, _MARKS[checked], checked=checked, group=name if is_radio else "", option=option
        )
    if kind == pdfium.FPDF_FORMFIELD_TEXTFIELD:
        if pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
            return None
        value = text(pdfium.FPDFAnnot_GetFormFieldValue)
    elif kind in {pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX}:
        chosen = list(_chosen_options(form, annotation))
        value = ", ".join(chosen) or text(pdfium.FPDFAnnot_GetFormFieldValue)
    else:
        return None
    return Field(box, value) if value else None


def _chosen_options(form: Any, annotation: Any) -> Iterator[str]:
    def label(buffer: Any, size: int) -> int:
        return int(pdfium.FPDFAnnot_GetOptionLabel(form, annotation, at, buffer, size))

    for at in range(min(pdfium.FPDFAnnot_GetOptionCount(form, annotation), MAX_ANNOTATIONS)):
        if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, at):
            yield _read(label)


def _read(function: Callable[[Any, int], int]) -> str:
    """A text that PDFium writes into a buffer, cleaned, on one line."""
    size = function(None, 0)
    if not 2 < size < 1_000_000:
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return squeeze(clean_text(buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\x00")))


class _Labels:
    """Upright segments by their height on the page, and what is written behind each."""

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments
        self._bands: dict[int, list[tuple[int, Segment]]] = {}
        self._behind: dict[int, list[Segment]] = {}
        self._last: list[Segment] = []
        for at, segment in enumerate(segments):
            if segment.turn == 0 and not segment.vertical:
                for band in _bands(segment.y0, segment.y1):
                    self._bands.setdefault(band, []).append((at, segment))

    def between(self, top: float, bottom: float) -> list[Segment]:
        """Segments that may stand between two heights, in their order."""
        near = {
            at: segment
            for band in _bands(top, bottom)
            for at, segment in self._bands.get(band, ())
        }  # fmt: skip
        return [near[at] for at in sorted(near)]

    def insert(self, segment: Segment, *, behind: Segment | None) -> None:
        """Put a segment right behind a label, or at the end."""
        if behind is None:
            self._last.append(segment)
        else:
            self._behind.setdefault(id(behind), []).append(segment)

    def join(self) -> list[Segment]:
        """All segments in order."""
        out: list[Segment] = []
        for segment in self._segments:
            out.append(segment)
            out += reversed(self._behind.get(id(segment), ()))
        return out + self._last


def _bands(top: float, bottom: float) -> range:
    first, last = (int(max(-1e4, min(edge, 1e4)) // _BAND) for edge in (top, bottom))
    return range(first, last + 1)


def write_fields(segments: list[Segment], fields: list[Field]) -> list[Segment]:
    """The segments with each value beside its label: left of it, right of a box, or above."""
    labels = _Labels(segments)
    for item in fields:
        item.label = _find_left(labels, item.box)
    prompts = _find_prompts(fields)
    for item in fields:
        _write_field(labels, item)
    for prompt, last in prompts:
        labels.insert(prompt, behind=last)
    return labels.join()


def _find_prompts(fields: list[Field]) -> list[tuple[Segment, Segment]]:
    """For groups of buttons with a prompt such as `Sex:`, a line that says what was chosen."""
    prompts = []
    groups: dict[str, list[Field]] = {}
    for item in fields:
        if item.group:
            groups.setdefault(item.group, []).append(item)
    for group in groups.values():
        chosen = next((item for item in group if item.checked), None)
        first, last = group[0].label, group[-1].label
        if chosen is None or first is None or last is None or ":" not in first.text:
            continue
        prompt, _, _ = first.text.partition(":")
        words = (chosen.label.text if chosen.label else "") or chosen.option
        option = words.rpartition(":")[2].strip() or chosen.option
        line = replace(
            last,
            text=f"{prompt}: {option}",
            y0=last.y1 + 1,
            y1=last.y1 + 2,
            glyphs=[],
            is_field=True,
        )
        prompts.append((line, last))
    return prompts


def _write_field(labels: _Labels, item: Field) -> None:
    value = f"[{item.value}]" if item.checked is not None else item.value
    left, right = item.label, _find_right(labels, item.box)
    if left is not None and left.text.endswith(":") and item.checked is not None:
        value = item.value
    if left is not None and (item.checked is None or _is_nearer(left, right, item)):
        if left.text.endswith(":") or item.box[0] - left.x1 < _NEAR:
            left.text = f"{left.text} {value}"
            left.x1 = max(left.x1, item.box[2])
            left.is_field = True
            return
    elif right is not None and item.checked is not None and right.x0 - item.box[2] < _BESIDE:
        right.text = f"{value} {right.text}"
        right.glyphs, right.is_field = [], True
        right.x0 = min(right.x0, item.box[0])
        return
    anchor = left or _find_above(labels, item.box)
    size = anchor.size if anchor else max(6.0, min(12.0, item.box[3] - item.box[1]))
    x0, y0, x1, y1 = item.box
    middle = (y0 + y1) / 2
    tall = min(y1 - y0, 1.2 * size)
    line = anchor.line if anchor is not None else 0
    y0, y1 = middle - tall / 2, middle + tall / 2
    value_segment = Segment(value, x0, y0, x1, y1, size, line=line, is_field=True)
    labels.insert(value_segment, behind=anchor)


def _is_nearer(left: Segment, right: Segment | None, item: Field) -> bool:
    """Whether a box to tick belongs to the text before it rather than to the one behind."""
    if right is None or left.text.endswith(":"):
        return True
    return item.box[0] - left.x1 <= right.x0 - item.box[2]


def _beside(labels: _Labels, box: Box) -> Iterator[Segment]:
    """Segments on the height of a box."""
    for segment in labels.between(box[1], box[3]):
        overlap = min(segment.y1, box[3]) - max(segment.y0, box[1])
        if overlap > 0.5 * min(segment.y1 - segment.y0, box[3] - box[1]):
            yield segment


def _find_left(labels: _Labels, box: Box) -> Segment | None:
    before = [segment for segment in _beside(labels, box) if segment.x1 <= box[0] + 4]
    return max(before, key=lambda segment: segment.x1, default=None)


def _find_right(labels: _Labels, box: Box) -> Segment | None:
    behind = [segment for segment in _beside(labels, box) if segment.x0 >= box[2] - 4]
    return min(behind, key=lambda segment: segment.x0, default=None)


def _find_above(labels: _Labels, box: Box) -> Segment | None:
    above = [
        segment
        for segment in labels.between(box[1] - _NEAR, box[1] + 4)
        if segment.y1 <= box[1] + 4 and segment.x0 < box[2] and segment.x1 > box[0]
        and box[1] - segment.y1 < _NEAR
    ]  # fmt: skip
    return max(above, key=lambda segment: segment.y1, default=None)
