"""Templates under a strict content security policy: no inline code, no foreign assets.

This is also the template lint of `make check`: every template must compile.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import engines
from django.template.exceptions import TemplateSyntaxError

from tests.architecture.source import ROOT, python_files, relative

# Where text may be marked as safe HTML, and why that is so.
SAFE_ALLOWED: dict[str, str] = {}

MAX_LINE = 120

# What every app may use; any other folder is named like the app whose views render it.
SHARED = ("components", "layouts")
TEMPLATE_NAME = re.compile(r"[\"']((?:\w+/)+\w+\.html)[\"']")

# Only the attributes of a tag are looked at, so that prose may say "style=" or "http://".
TAG = re.compile(r"<[a-zA-Z][^<>]*?(?:\"[^\"]*\"[^<>]*?|'[^']*'[^<>]*?)*>", re.DOTALL)
TEMPLATE_CODE = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}|{% comment .*?{% endcomment %}", re.DOTALL)
RULES: dict[str, re.Pattern[str]] = {
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an event handler": re.compile(r"\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE),
    "evaluated code": re.compile(r"=\s*[\"']\s*(?:js|javascript):", re.IGNORECASE),
    "a foreign asset": re.compile(
        r"<(?:script|link|img|iframe|source|video|audio|object|embed|use|form)\b"
        r"[^>]*\s(?:src|href|srcset|data|action)\s*=\s*[\"']\s*(?:https?:)?//",
        re.IGNORECASE,
    ),
}
INLINE_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.IGNORECASE | re.DOTALL)
INLINE_STYLE = re.compile(r"<style\b", re.IGNORECASE)
SAFE = re.compile(r"\|\s*safe(?:seq)?\b|{%\s*autoescape\s+off")
DATA_SCRIPT = re.compile(r"type\s*=\s*[\"'](?:application/json|text/plain)[\"']", re.IGNORECASE)


def template_files() -> list[Path]:
    """All our templates, those inside apps too."""
    return sorted([*(ROOT / "templates").rglob("*.*"), *(ROOT / "apps").rglob("templates/**/*.*")])


def faults(text: str) -> list[str]:
    """What the policy would block or what could let markup in, with line numbers."""
    found = []

    def add(position: int, what: str) -> None:
        found.append(f"line {text.count(chr(10), 0, position) + 1}: {what}")

    for match in SAFE.finditer(text):
        add(match.start(), "safe")
    # Blanked, not removed, so that line numbers stay.
    plain = TEMPLATE_CODE.sub(lambda m: re.sub(r"[^\n]", "_", m.group()), text)
    for match in INLINE_SCRIPT.finditer(plain):
        if match.group(2).strip() and not DATA_SCRIPT.search(match.group(1)):
            add(match.start(), "inline script")
    for match in INLINE_STYLE.finditer(plain):
        add(match.start(), "inline style")
    for tag in TAG.finditer(plain):
        for what, pattern in RULES.items():
            if pattern.search(tag.group()):
                add(tag.start(), what)
    return found


def test_there_are_templates() -> None:
    assert len(template_files()) > 20


@pytest.mark.parametrize("path", template_files(), ids=relative)
def test_a_template_compiles(path: Path) -> None:
    if path.parts[len(ROOT.parts)] == "templates":
        name = path.relative_to(ROOT / "templates").as_posix()
    else:
        name = path.as_posix().split("/templates/", 1)[1]
    engines["django"].get_template(name)


@pytest.mark.parametrize("path", template_files(), ids=relative)
def test_a_template_is_safe(path: Path) -> None:
    allowed = relative(path) in SAFE_ALLOWED
    found = [
        fault
        for fault in faults(path.read_text(encoding="utf-8"))
        if not (allowed and fault.endswith("safe"))
    ]
    assert not found


@pytest.mark.parametrize("path", template_files(), ids=relative)
def test_no_line_is_too_long(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    assert [number for number, line in lines if len(line) > MAX_LINE] == []


def test_a_folder_is_named_like_its_app() -> None:
    apps = {path.parent.name for path in (ROOT / "apps").glob("*/apps.py")}
    parts = {path.relative_to(ROOT / "templates").parts for path in template_files()}
    assert {names[0] for names in parts} <= {*apps, *SHARED}


def test_an_app_renders_its_own_templates() -> None:
    foreign = [
        f"{relative(path)}: {name}"
        for path in python_files("apps")
        for name in TEMPLATE_NAME.findall(path.read_text(encoding="utf-8"))
        if name.split("/")[0] not in {path.relative_to(ROOT / "apps").parts[0], *SHARED}
    ]
    assert not foreign


def test_every_template_that_is_named_exists() -> None:
    missing = [
        f"{relative(path)}: {name}"
        for path in [*python_files("apps"), *template_files()]
        for name in TEMPLATE_NAME.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / "templates" / name).is_file()
    ]
    assert not missing


def test_no_exception_is_stale() -> None:
    for name in SAFE_ALLOWED:
        assert SAFE.search((ROOT / name).read_text(encoding="utf-8")), name


def test_our_scripts_evaluate_nothing() -> None:
    banned = re.compile(r"\beval\(|new Function\(|\.innerHTML\s*=|document\.write|https?://")
    found = [
        f"{relative(path)}:{number}"
        for path in sorted((ROOT / "static").rglob("*.js"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if banned.search(line) and "www.w3.org" not in line
    ]
    assert not found


def test_our_styles_fetch_nothing() -> None:
    found = [
        f"{relative(path)}:{number}"
        for path in sorted((ROOT / "static").rglob("*.css"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", line)
    ]
    assert not found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<p style="color: red">', "a style attribute"),
        ('<p\n  class="a"\n  STYLE = "x">', "a style attribute"),
        ('<button onclick="go()">', "an event handler"),
        ('<div hx-on:click="go()">', "an event handler"),
        ('<div hx-on--after-request="go()">', "an event handler"),
        ("<div hx-vals='js:{a: b}'>", "evaluated code"),
        ('<a href="javascript:go()">', "evaluated code"),
        ('<script src="https://cdn.example/x.js"></script>', "a foreign asset"),
        ('<img alt="" src="//cdn.example/x.png">', "a foreign asset"),
        ('<link rel="stylesheet" href="http://cdn.example/x.css">', "a foreign asset"),
        ("<script>go()</script>", "inline script"),
        ('<script type="module">{{ x }}</script>', "inline script"),
        ("<style>p {}</style>", "inline style"),
        ("{{ text|safe }}", "safe"),
        ("{% autoescape off %}", "safe"),
    ],
)
def test_a_planted_fault_is_found(text: str, fault: str) -> None:
    assert faults(f"<main>\n{text}\n</main>")[:1] == [f"line 2: {fault}"] or fault in {
        found.split(": ")[1] for found in faults(text)
    }


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://example.com">a link is no asset</a>',
        '<script src="{% static "js/app.js" %}" defer></script>',
        '<script type="application/json" id="data">{"a": 1}</script>',
        "<p>prose may say style= and onclick= and http://x</p>",
        '<button type="submit" name="once" data-once="x">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "{{ text|safe_markdown }}",
    ],
)
def test_what_is_fine_passes(text: str) -> None:
    assert faults(text) == []


def test_a_broken_template_does_not_compile() -> None:
    with pytest.raises(TemplateSyntaxError):
        engines["django"].from_string("{% if x %}")
