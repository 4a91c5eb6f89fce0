"""HTML and Markdown."""

from __future__ import annotations

from pathlib import Path

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
