"""Jupyter notebooks: cells and text outputs are text, pictures are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.parsing.builders import Parsed, parse_bytes

PICTURE = "iVBORw0KGgo" * 500


def build_notebook(cells: list[dict[str, Any]], **more: Any) -> bytes:
    return json.dumps({"cells": cells, "nbformat": 4, "metadata": {}, **more}).encode()


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source.splitlines(True), "outputs": list(outputs)}


@pytest.fixture
def parsed(tmp_path: Path) -> Parsed:
    table = "<style>td{}</style><table><tr><th>pump</th><th>bar</th></tr>"
    table += "<tr><td>K5</td><td>6</td></tr></table>"
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": [f"![plot](data:image/png;base64,{PICTURE})\n", "# A"]},
        {"cell_type": "markdown", "source": "## Part\nSee [x](https://x.org/1)."},
        code(
            "a = 1\nprint(a)",
            {"output_type": "stream", "text": ["10%\r100%\n", "\x1b[1mok\x1b[0m"]},
        ),
        code(
            "df",
            {
                "output_type": "execute_result",
                "data": {"text/plain": ["  pump bar"], "text/html": table},
            },
        ),
        code(
            "plot()",
            {
                "output_type": "display_data",
                "data": {"image/png": PICTURE, "text/plain": "<Figure size 640x480 with 1 Axes>"},
            },
        ),
        code(
            "1/0", {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t1", "t2"]}
        ),
        {"cell_type": "raw", "source": "as it is"},
    ]
    return parse_bytes(build_notebook(cells), "a.ipynb", folder=tmp_path)


def test_cells_and_outputs_are_text(parsed: Parsed) -> None:
    assert parsed.blocks("heading") == ["A", "Part"]
    assert parsed.blocks("paragraph") == ["plot", "See x (https://x.org/1).", "as it is"]
    assert parsed.blocks("code") == [
        "a = 1\nprint(a)", "100%\nok", "df", "plot()", "1/0", "t1\nt2",
    ]  # fmt: skip
    assert parsed.blocks("table") == ["| pump | bar |\n| --- | --- |\n| K5 | 6 |"]


def test_no_raw_notation_and_no_pictures(parsed: Parsed) -> None:
    for absent in ("iVBOR", "cell_type", "Figure size", "\x1b"):
        assert absent not in parsed.text
    assert parsed.opened.title == "A"
    assert parsed.opened.metadata["note"] == (
        "1 picture in the outputs of this notebook was not read."
    )


def test_the_older_format_is_read(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Old"},
        {"cell_type": "code", "input": "y = 2", "outputs": [{"output_type": "pyout", "text": "2"}]},
    ]
    data = json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3}).encode()
    assert parse_bytes(data, "a.ipynb", folder=tmp_path).text == "Old\n\ny = 2\n\n2"


def test_notebook_by_another_name(tmp_path: Path) -> None:
    data = build_notebook([code("x = 1")])
    assert parse_bytes(data, "a.json", folder=tmp_path).text == "x = 1"


@pytest.mark.parametrize("data", [b"{broken", b"[1, 2]", b'{"cells": 3, "nbformat": 4}'])
def test_what_is_no_notebook_says_so(tmp_path: Path, data: bytes) -> None:
    parsed = parse_bytes(data, "a.ipynb", folder=tmp_path)
    assert "not a valid notebook" in parsed.opened.metadata["note"]


@pytest.mark.parametrize(
    "cell", [3, {}, {"cell_type": "code"}, {"cell_type": "code", "outputs": [{"data": 5}]}]
)
def test_odd_cells_do_no_harm(tmp_path: Path, cell: Any) -> None:
    data = build_notebook([cell, code("x = 1")])
    assert parse_bytes(data, "a.ipynb", folder=tmp_path).text == "x = 1"
