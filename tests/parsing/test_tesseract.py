"""The second engine: what it is asked and how its answer is understood.

With a program that the test writes; and with the program itself where it is installed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from parsing.boxed import BoxedBuilder
from parsing.ocr import tesseract
from parsing.ocr.lines import write_lines
from parsing.types import ParseError
from tests.parsing.pictures import draw_paragraph

HEADER = "level page block par line word left top width height conf text"
WORDS = """5 1 1 1 1 1 10 20 30 10 96.5 Hello
5 1 1 1 1 2 50 20 40 10 91.5 exam-
5 1 1 1 2 1 10 40 30 10 90.0 ple
5 1 2 1 1 1 10 80 30 10 12.0 ~
5 1 2 1 1 2 10 80 30 10 82.0 End"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    def clear() -> None:
        tesseract.find_tesseract.cache_clear()
        tesseract.list_languages.cache_clear()

    clear()
    yield
    clear()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `tesseract` that knows English and Korean and reads the same words in every picture."""
    path = tmp_path / "tesseract"
    answer = tmp_path / "answer.tsv"
    table = "\n".join(line.replace(" ", "\t") for line in [HEADER, *WORDS.splitlines()])
    answer.write_text(table + "\n")
    path.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --list-langs ]; then printf "List of languages:\\neng\\nkor\\n"; exit 0; fi\n'
        f'echo "$@" > {tmp_path}/arguments\ncat > /dev/null\ncat {answer}\n'
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return path


def recognise(
    image: Image.Image, *, seconds: float = 30
) -> list[tuple[str, tuple[int, int] | None]]:
    result = tesseract.recognise(image, dpi=300, deadline=time.monotonic() + seconds)
    return [(line.text, line.paragraph) for line in result.lines]


def test_words_become_lines_with_places(program: Path) -> None:
    image = Image.new("RGB", (100, 100), "white")
    result = tesseract.recognise(image, dpi=300, deadline=time.monotonic() + 30)
    assert [line.text for line in result.lines] == ["Hello exam-", "ple", "End"]
    assert result.lines[0].box == (0.1, 0.2, 0.9, 0.3)
    assert result.confidence == pytest.approx((96.5 + 91.5 + 90 + 82) / 4)
    builder = BoxedBuilder()
    write_lines(builder, result, width=100, height=100)
    page = builder.build(1, label="", width=100, height=100)
    assert page.text == "Hello example\n\nEnd"
    asked = (program.parent / "arguments").read_text().split()
    assert asked == ["stdin", "stdout", "-l", "eng+kor", "--psm", "3", "--dpi", "300", "tsv"]


def test_it_knows_more_only_with_another_writing(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tesseract.list_languages() == ("eng", "kor")
    assert tesseract.is_available()
    assert tesseract.knows_more()
    with monkeypatch.context() as patch:
        patch.setattr(tesseract, "list_languages", lambda: ("eng", "fra", "osd"))
        assert not tesseract.knows_more()


def test_it_is_missing_where_no_program_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tesseract.list_languages() == ()
    assert not tesseract.is_available()


def test_program_that_hangs_is_stopped(program: Path) -> None:
    program.write_text(
        '#!/bin/sh\nif [ "$1" = --list-langs ]; then printf "List:\\neng\\n"; exit 0; fi\n'
        "exec sleep 60\n"
    )
    with pytest.raises(ParseError) as caught:
        recognise(Image.new("RGB", (100, 100), "white"), seconds=0.1)
    assert caught.value.code == "timeout"


def test_program_that_fails_reads_nothing(program: Path) -> None:
    program.write_text(
        '#!/bin/sh\nif [ "$1" = --list-langs ]; then printf "List:\\neng\\n"; exit 0; fi\nexit 1\n'
    )
    assert recognise(Image.new("RGB", (100, 100), "white")) == []


@pytest.mark.skipif(not tesseract.is_available(), reason="the program itself is not installed")
def test_the_program_itself() -> None:
    lines = recognise(draw_paragraph("The committee met on 14 March.", "It approved the budget."))
    assert " ".join(text for text, _ in lines) == (
        "The committee met on 14 March. It approved the budget."
    )
