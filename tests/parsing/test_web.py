"""HTML and Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parsing.builders import parse_bytes

PAGE = """<!doctype html><html><head><title>My page</title><style>p{}</style></head><body>
<nav><a href=1>Home</a><a href=2>About</a></nav>
<h1>Top</h1><p>First <b>bold</b> words<br>second line.</p><script>alert('evil')</script>
<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul>
<ol><li>uno</li><li>dos</li></ol>
<pre>  x = 1
  y = 2</pre>
<table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td>31</td></tr></table>
<div hidden>unseen</div><p style="display: none">unseen</p>
<img src=x alt="A chart of sales"></body></html>"""


def test_html_blocks(tmp_path: Path) -> None:
    parsed = parse_bytes(PAGE.encode(), "a.html", folder=tmp_path)
    assert parsed.opened.title == "My page"
    assert parsed.blocks("heading") == ["Top"]
    assert parsed.blocks("paragraph") == ["First bold words\nsecond line.", "A chart of sales"]
    assert parsed.blocks("list") == ["- one\n  - inner\n- two\n1. uno\n2. dos"]
    assert parsed.blocks("code") == ["  x = 1\n  y = 2"]
    assert parsed.blocks("table") == ["| Name | Age |\n| --- | --- |\n| Ann | 31 |"]
    for absent in ("evil", "unseen", "Home", "About"):
        assert absent not in parsed.text


def test_navigation_with_titles_is_content(tmp_path: Path) -> None:
    page = "<html><nav><a>How to build a model that lasts</a></nav><p>Body</p></html>"
    assert "How to build" in parse_bytes(page.encode(), "a.html", folder=tmp_path).text


def test_declared_charset_is_used(tmp_path: Path) -> None:
    page = '<html><meta charset="windows-1251"><p>Привет, мир</p></html>'.encode("cp1251")
    assert "Привет, мир" in parse_bytes(page, "a.html", folder=tmp_path).text


def test_layout_tables_are_not_data(tmp_path: Path) -> None:
    page = "<html><table><tr><td>" + "<p>Text</p>" * 13 + "</td><td>Side</td></tr></table></html>"
    assert parse_bytes(page.encode(), "a.html", folder=tmp_path).blocks("table") == []


MARKDOWN = """---
title: "Guide"
---
# Setup *now*

See the [manual](https://example.com/a_(b).html "t") and `code_*x*` and 2 * 3 * 4.
![Diagram](d.png) <a name="x"></a>snake_case_name \\- done &amp; dusted

Under
-----

1. first
   more of first
2. second
   - nested **item**

```python
def f(x):
    return "# no heading"
```

| A | B |
|---|:-:|
| 1 | [x](y) |

> quoted
"""


def test_markdown_blocks(tmp_path: Path) -> None:
    parsed = parse_bytes(MARKDOWN.encode(), "a.md", folder=tmp_path)
    assert parsed.opened.title == "Guide"
    page = parsed.pages[0]
    headings = [(b.level, page.text[b.start : b.end]) for b in page.blocks if b.kind == "heading"]
    assert headings == [(1, "Setup now"), (2, "Under")]
    assert parsed.blocks("paragraph") == [
        "See the manual (https://example.com/a_(b).html) and code_*x* and 2 * 3 * 4.\n"
        "Diagram snake_case_name - done & dusted",
        "quoted",
    ]
    assert parsed.blocks("list") == ["1. first\n  more of first\n2. second\n   - nested item"]
    assert parsed.blocks("code") == ['def f(x):\n    return "# no heading"']
    assert parsed.blocks("table") == ["| A | B |\n| --- | --- |\n| 1 | x |"]


def test_unclosed_fence_runs_to_the_end(tmp_path: Path) -> None:
    parsed = parse_bytes(b"```\nline\n# still code\n", "a.md", folder=tmp_path)
    assert parsed.blocks("code") == ["line\n# still code"]


def read_body(body: str, folder: Path, head: str = "") -> str:
    page = f"<html><head>{head}</head><body>{body}</body></html>"
    return parse_bytes(page.encode(), "a.html", folder=folder).text


def test_cells_that_span_repeat_their_label(tmp_path: Path) -> None:
    table = (
        "<table><tr><th>Month</th><th>Rent</th><th>Fee</th></tr>"
        "<tr><td>January</td><td>100</td><td rowspan=2>55</td></tr>"
        "<tr><td>February</td><td>80</td></tr>"
        "<tr><td rowspan=0>March</td><td>70</td><td>40</td></tr><tr><td>71</td><td>41</td></tr>"
        "</table>"
    )
    assert read_body(table, tmp_path) == (
        "| Month | Rent | Fee |\n| --- | --- | --- |\n| January | 100 | 55 |\n"
        "| February | 80 | 55 |\n| March | 70 | 40 |\n| March | 71 | 41 |"
    )


def test_header_rows_become_one_and_a_title_row_stands_above(tmp_path: Path) -> None:
    table = (
        "<table><tr><th colspan=3>Sales</th></tr><tr><th colspan=2>Europe</th><th>Asia</th></tr>"
        "<tr><th>North</th><th>South</th><th>East</th></tr>"
        "<tr><td>1</td><td>2</td><td>3</td></tr></table>"
    )
    assert read_body(table, tmp_path) == (
        "Sales\n\n| Europe / North | Europe / South | Asia / East |\n| --- | --- | --- |\n"
        "| 1 | 2 | 3 |"
    )


def test_raised_text_and_equations(tmp_path: Path) -> None:
    body = (
        "<p>H<sub>2</sub>O, 10<sup>6</sup>, 12 m<sup>2</sup>, 1<sup>st</sup>, seen"
        "<sup>[4]</sup></p>"
        "<p><math><mi>Q</mi><mo>=</mo><mfrac><mi>V</mi><mrow><mi>t</mi><mo>+</mo><mn>1</mn></mrow>"
        "</mfrac></math></p><table><tr><td>a</td><td>10<sup>6</sup></td></tr></table>"
    )
    assert read_body(body, tmp_path) == (
        "H₂O, 10^6, 12 m², 1st, seen[4]\n\nQ = V/(t+1)\n\n| a | 10^6 |"
    )


def test_links_keep_their_address(tmp_path: Path) -> None:
    body = (
        '<p>See <a href="https://example.org/form-77">the form</a> or '
        '<a href="mailto:help@example.org">write to us</a>, <a href="#top">top</a>.</p>'
        '<ul><li><a href="/guide">The guide</a></li></ul>'
        '<table><tr><td>a</td><td><a href="https://example.org/x">x-page</a></td></tr></table>'
        '<p><a href="https://example.org/long/path/to">https://example.org/long/...</a></p>'
    )
    head = '<base href="https://example.org/">'
    assert read_body(body, tmp_path, head) == (
        "See the form (https://example.org/form-77) or write to us (help@example.org), top.\n\n"
        "- The guide (https://example.org/guide)\n\n"
        "| a | x-page (https://example.org/x) |\n\nhttps://example.org/long/path/to"
    )


def test_hidden_parts_are_left_out_and_noted(tmp_path: Path) -> None:
    body = (
        '<p style="visibility:hidden">SECRET</p><p class="gone">SECRET</p><p id="off">SECRET</p>'
        '<p>Shown <span style="display:none">SECRET</span></p>'
        "<table><tr><td>a</td><td>b <i hidden>SECRET</i></td></tr></table>"
    )
    head = "<style>.gone, #off {display: none} @media print {p {display:none}}</style>"
    page = f"<html><head>{head}</head><body>{body}</body></html>"
    parsed = parse_bytes(page.encode(), "a.html", folder=tmp_path)
    assert parsed.text == "Shown\n\n| a | b |"
    assert parsed.opened.metadata["note"] == (
        "Parts of this page that it does not show were left out."
    )


def test_lists_begin_where_they_say(tmp_path: Path) -> None:
    body = '<ol start="4" type="a"><li>four</li><li value="7">seven</li><li>eight</li></ol>'
    assert read_body(body, tmp_path) == "d. four\ng. seven\nh. eight"


def test_a_label_over_very_many_rows(tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>c{n}<td>{n}</tr>" for n in range(1, 1_500))
    page = (
        "<table><tr><th>Region<th>City<th>N</tr>"
        f"<tr><td rowspan=3000>North<td>c0<td>0</tr>{rows}</table>"
    )
    text = "\n".join(
        parse_bytes(f"<html>{page}</html>".encode(), "a.html", folder=tmp_path).blocks("table")
    )
    lines = [line for line in text.splitlines() if "| c" in line]
    assert lines == [f"| North | c{n} | {n} |" for n in range(1_500)]


def test_labels_beyond_the_budget_keep_their_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parsing.grid.MAX_GRID_CELLS", 8)
    page = (
        "<table><tr><th>A<th>B<th>C</tr><tr><td rowspan=3>x<td rowspan=3>y<td>1</tr>"
        "<tr><td>2</tr><tr><td>3</tr></table>"
    )
    parsed = parse_bytes(f"<html>{page}</html>".encode(), "a.html", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| A | B | C |\n| --- | --- | --- |\n| x | y | 1 |\n| x |  | 2 |\n| x |  | 3 |"
    ]
    assert "very large table" in parsed.opened.metadata["note"]


@pytest.mark.parametrize(
    ("attributes", "lines"),
    [
        ("reversed", ["3. x", "2. y", "1. z"]),
        ("reversed start=9", ["9. x", "8. y", "7. z"]),
        ('style="list-style-type: upper-alpha"', ["A. x", "B. y", "C. z"]),
        ('class="low"', ["a. x", "b. y", "c. z"]),
        ('style="list-style: upper-roman inside"', ["I. x", "II. y", "III. z"]),
        ('style="list-style: none"', ["x", "y", "z"]),
        ("start=4", ["4. x", "5. y", "6. z"]),
    ],
)
def test_numbers_of_lists(tmp_path: Path, attributes: str, lines: list[str]) -> None:
    page = (
        "<html><style>.low { list-style-type: lower-alpha }</style>"
        f"<ol {attributes}><li>x<li>y<li>z</ol></html>"
    )
    assert parse_bytes(page.encode(), "a.html", folder=tmp_path).text.splitlines() == lines


def test_states_of_forms(tmp_path: Path) -> None:
    page = (
        "<html><p><input type=checkbox checked>Insured <input type=radio>Abroad</p>"
        "<p>Plan: <select><option>Basic<option selected>Gold</select></p>"
        "<table><tr><th>Right<th>Held</tr><tr><td>Read<td><input type=checkbox checked></tr>"
        "</table></html>"
    )
    text = parse_bytes(page.encode(), "a.html", folder=tmp_path).text
    assert "[x] Insured [ ] Abroad" in text
    assert "Plan: Gold (of Basic, Gold)" in text
    assert "| Read | [x] |" in text


def test_table_nested_in_a_table_of_data_follows_it(tmp_path: Path) -> None:
    inner = "<table><tr><th>Month</th><th>Units</th></tr><tr><td>May</td><td>41</td></tr></table>"
    page = (
        "<table><tr><th>Depot</th><th>Stock</th><th>By month</th></tr>"
        f"<tr><td>Riga</td><td>18</td><td>see {inner}</td></tr>"
        "<tr><td>Oslo</td><td>7</td><td>none</td></tr></table><p>End</p>"
    )
    parsed = parse_bytes(page.encode(), "a.html", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Depot | Stock | By month |\n| --- | --- | --- |\n"
        "| Riga | 18 | see |\n| Oslo | 7 | none |",
        "| Month | Units |\n| --- | --- |\n| May | 41 |",
    ]
    assert parsed.blocks("paragraph") == ["Riga:", "End"]


def test_tables_nested_deeply_are_read_to_the_end(tmp_path: Path) -> None:
    page = "<p>x</p>"
    for at in range(60):
        page = f"<table><tr><th>name {at}q</th><td>v{at}q</td><td>{page}</td></tr></table>"
    text = parse_bytes(page.encode(), "a.html", folder=tmp_path).text
    assert all(f"name {at}q" in text and f"v{at}q" in text for at in range(60))


def test_list_without_markers_has_none(tmp_path: Path) -> None:
    page = (
        "<style>ul.plain{list-style:none}</style><ul class=plain><li>5 °C at night</li></ul>"
        "<ul style='list-style-type: none'><li>9 °C by day</li></ul><ul><li>dotted</li></ul>"
    )
    text = parse_bytes(page.encode(), "a.html", folder=tmp_path).text
    assert text == "5 °C at night\n9 °C by day\n- dotted"
