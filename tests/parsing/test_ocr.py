"""Text recognition on pages that the tests draw: places, turns, columns, doubt and refusal."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps

from parsing.ocr import networks, neural, recognition, tesseract
from parsing.ocr.lines import OcrLine, OcrResult
from parsing.types import Limits, ParsedPage, ParseError
from tests.parsing.builders import parse_bytes
from tests.parsing.pictures import as_pdf, as_png, draw_lines, draw_paragraph

LETTER = (
    "The committee met on 14 March to review",
    "the annual budget of the northern district.",
    "It approved 1,250,000 euros for the roads.",
)


@pytest.fixture(autouse=True)
def _first_engine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on machines with and without the program."""
    monkeypatch.setattr(tesseract, "list_languages", lambda: ())


def read_picture(image: Image.Image, folder: Path, *, limits: Limits | None = None) -> ParsedPage:
    return parse_bytes(as_png(image), "scan.png", folder=folder, ocr=True, limits=limits).pages[0]


def middle(page: ParsedPage, phrase: str) -> tuple[float, float]:
    """Where the line stands that holds a phrase."""
    at = page.text.index(phrase)
    (box,) = [box for box in page.boxes if box.start <= at < box.end]
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


def test_scan_is_read_with_places_and_confidence(tmp_path: Path) -> None:
    page = parse_bytes(as_pdf(draw_paragraph(*LETTER)), "a.pdf", folder=tmp_path, ocr=True).pages[0]
    assert page.text == " ".join(LETTER)
    assert (page.width, page.height) == (240, 336)
    assert page.confidence is not None
    assert page.confidence > 95
    assert page.note == (
        f"Read by text recognition, {int(page.confidence)} % sure, and may contain errors."
    )
    for at, line in enumerate(LETTER):
        box = page.boxes[at]
        assert page.text[box.start : box.end] == line
        assert box.x0 == pytest.approx(0.08, abs=0.01)
        # Letters of 32 pixels stand some 20 pixels below the place they are drawn at.
        assert (box.y0 + box.y1) / 2 == pytest.approx((100 + 46 * at + 20) / 1400, abs=0.006)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_page_is_read_and_marked_where_it_stands(tmp_path: Path, turn: int) -> None:
    image = draw_paragraph(*LETTER)
    upright = read_picture(image, tmp_path)
    page = read_picture(image.rotate(-turn, expand=True), tmp_path)
    assert page.text == upright.text
    x, y = middle(upright, "committee")
    expected = {90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}
    assert middle(page, "committee") == pytest.approx(expected[turn], abs=0.01)


def test_lines_that_slope_are_read_in_order(tmp_path: Path) -> None:
    image = draw_paragraph(*LETTER).rotate(-4, fillcolor="white")
    page = read_picture(image, tmp_path)
    assert page.text == " ".join(LETTER)
    first, last = (middle(page, phrase) for phrase in ("committee", "approved"))
    assert 0.05 < last[1] - first[1] < 0.09


def test_word_broken_over_lines_is_joined(tmp_path: Path) -> None:
    page = read_picture(draw_paragraph("These words show an exam-", "ple of a break."), tmp_path)
    assert page.text == "These words show an example of a break."


def test_columns_of_prose_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = [f"Left column with line {number} of it" for number in range(6)]
    right = [f"Right column and line {number} there" for number in range(6)]
    lines = [((300.0, 40.0), "A title across both of the columns")]
    lines += [((40.0, 140.0 + 36 * at), text) for at, text in enumerate(left)]
    lines += [((540.0, 140.0 + 36 * at), text) for at, text in enumerate(right)]
    text = read_picture(draw_lines(lines, size=(1000, 600), height=24), tmp_path).text
    order = [text.index(line) for line in ("A title", left[0], left[5], right[0], right[5])]
    assert order == sorted(order)


def test_rows_of_cells_are_a_table(tmp_path: Path) -> None:
    rows = [("Country", "Capital"), ("Austria", "Vienna"), ("Belgium", "Brussels")]
    cells = [
        ((x, 100.0 + 70 * at), text)
        for at, row in enumerate(rows)
        for x, text in zip((80.0, 560.0), row, strict=True)
    ]
    parsed = parse_bytes(as_png(draw_lines(cells)), "a.png", folder=tmp_path, ocr=True)
    assert parsed.blocks("table") == ["Country\tCapital\nAustria\tVienna\nBelgium\tBrussels"]


@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize("degrees", [0.0, 0.4])
def test_ruled_table_of_a_scan_keeps_its_cells(tmp_path: Path, degrees: float, turn: int) -> None:
    """A header of two lines beside one over two columns, and a blank cell."""
    image = draw_lines(
        [
            ((100.0, 140.0), "Delivery"), ((100.0, 180.0), "station"), ((620.0, 112.0), "Orders"),
            ((470.0, 192.0), "March"), ((770.0, 192.0), "April"),
            ((100.0, 272.0), "Linz"), ((470.0, 272.0), "1,204"), ((770.0, 272.0), "1,377"),
            ((100.0, 352.0), "Graz"), ((770.0, 352.0), "918"),
        ],
        size=(1100, 600),
    )  # fmt: skip
    pen = ImageDraw.Draw(image)
    for y, x in ((100, 80), (170, 420), (250, 80), (330, 80), (410, 80)):
        pen.line(((x, y), (1020, y)), fill="black", width=2)
    for x, y in ((80, 100), (420, 100), (720, 170), (1020, 100)):
        pen.line(((x, y), (x, 410)), fill="black", width=2)
    image = image.rotate(degrees, fillcolor="white", resample=Image.Resampling.BILINEAR)
    image = image.rotate(turn, expand=True)
    parsed = parse_bytes(as_png(image), "a.png", folder=tmp_path, ocr=True)
    assert parsed.blocks("table") == [
        "| Delivery station | Orders / March | Orders / April |\n| --- | --- | --- |\n"
        "| Linz | 1,204 | 1,377 |\n| Graz |  | 918 |"
    ]


def test_small_print_on_a_large_page_is_read(tmp_path: Path) -> None:
    placed = [((100.0, 120.0 + 40 * at), "The tenant pays the water.") for at in range(12)]
    page = read_picture(draw_lines(placed, size=(2000, 2800), height=11), tmp_path)
    assert page.text.count("The tenant pays the water.") == 12


def test_page_that_is_hardly_legible_is_not_believed(tmp_path: Path) -> None:
    clear = draw_paragraph(*LETTER)
    pages = as_pdf(clear, ImageOps.mirror(clear))
    good, bad = parse_bytes(pages, "a.pdf", folder=tmp_path, ocr=True).pages
    assert good.confidence is not None
    assert good.confidence > 95
    assert bad.confidence is not None
    assert bad.confidence < 80
    assert f"{int(bad.confidence)} % sure" in bad.note


def test_page_of_noise_says_that_nothing_was_read(tmp_path: Path) -> None:
    noise = Image.frombytes("L", (600, 600), random.Random(7).randbytes(360_000)).resize(
        (1200, 1200)
    )
    pages = as_pdf(draw_paragraph(*LETTER), noise.convert("RGB"))
    page = parse_bytes(pages, "a.pdf", folder=tmp_path, ocr=True).pages[1]
    assert (page.text, page.confidence) == ("", None)
    assert page.note.startswith("This page is a scan and has no text layer, and no text was")


def test_ink_without_characters_counts_as_not_read() -> None:
    """Bars in the rhythm of letters, which are none."""
    line = Image.new("RGB", (900, 48), "white")
    for at in range(0, 900, 60):
        line.paste("black", (at, 8, at + 40, 40))
    (reading,) = networks.read_lines([line])
    assert reading.confidence < neural.LEAST_CONFIDENCE


def test_empty_sheet_is_no_page_to_worry_about(tmp_path: Path) -> None:
    sheets = as_pdf(draw_paragraph(*LETTER), Image.new("RGB", (1000, 1400), (250, 248, 240)))
    blank = parse_bytes(sheets, "a.pdf", folder=tmp_path, ocr=True).pages[1]
    assert (blank.text, blank.note, blank.confidence) == ("", "", None)


def test_picture_without_text_says_so(tmp_path: Path) -> None:
    image = Image.radial_gradient("L").resize((800, 800)).convert("RGB")
    with pytest.raises(ParseError) as caught:
        read_picture(image, tmp_path)
    assert caught.value.code == "no_text"
    assert caught.value.reason == "This file is a picture, and no text was recognised on it."


@pytest.mark.parametrize("size", [(20_000, 40), (4_000, 5_000), (1, 1)])
def test_picture_of_any_shape_is_read_or_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    """Grains all over: as many candidates for lines as there can be."""
    image = Image.effect_noise((min(size[0], 1000), min(size[1], 1000)), 120).resize(size)
    limits = Limits(page_seconds=60)
    try:
        page = read_picture(image, tmp_path, limits=limits)
    except ParseError as error:
        outcome = error.code
    else:
        outcome = "read" if page.text else ""
    assert outcome in {"no_text", "read"}


def test_lines_beyond_the_time_limit_count_as_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "_AT_ONCE", 1)
    times = iter([0.0, 5.0, 11.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times, 11.0))
    result = neural.recognise(draw_paragraph(*LETTER), deadline=10.0)
    assert (len(result.lines), result.unread) == (2, 1)
    assert 60 < result.confidence < 70


def test_no_time_at_all_is_an_error() -> None:
    with pytest.raises(ParseError) as caught:
        neural.recognise(draw_paragraph(*LETTER), deadline=time.monotonic() - 1)
    assert caught.value.code == "timeout"


def result_of(text: str, confidence: float, *, unread: int = 0) -> OcrResult:
    return OcrResult([OcrLine(text, (0, 0, 1, 1), (1, 1))], confidence, unread=unread)


@pytest.mark.parametrize(
    ("first", "second", "languages", "chosen"),
    [
        # Sure enough: the second is not asked.
        (("Good", 95.0), ("Better read", 99.0), ("eng", "kor"), "Good"),
        # It knows a script more, is surer and read more.
        (("Half", 60.0), ("All of it", 92.0), ("eng", "kor"), "All of it"),
        # It is surer of less.
        (("A whole sentence", 60.0), ("Word", 90.0), ("eng", "kor"), "A whole sentence"),
        # It would see Latin letters in whatever it does not know.
        (("Half", 60.0), ("All of it", 92.0), ("eng", "deu", "osd"), "Half"),
        # Where nothing was read, anything is welcome.
        (("", 0.0), ("Something", 70.0), ("eng", "osd"), "Something"),
        (("", 0.0), ("Something", 70.0), (), ""),
    ],
)
def test_second_engine_is_asked_where_it_knows_more(
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[str, float],
    second: tuple[str, float],
    languages: tuple[str, ...],
    chosen: str,
) -> None:
    nothing = OcrResult([], 0.0)
    monkeypatch.setattr(tesseract, "list_languages", lambda: languages)
    monkeypatch.setattr(
        neural, "recognise", lambda *_, **__: result_of(*first) if first[0] else nothing
    )
    monkeypatch.setattr(tesseract, "recognise", lambda *_, **__: result_of(*second))
    result = recognition.recognise(Image.new("RGB", (9, 9)), dpi=300, deadline=0.0)
    assert "".join(line.text for line in result.lines) == chosen
