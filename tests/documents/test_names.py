from __future__ import annotations

import pytest

from apps.documents.names import MAX_NAME, MAX_PART, clean_name


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("leave.md", "leave.md"),
        ("handbook/leave.md", "handbook/leave.md"),
        ("C:\\team\\..\\leave.md", "team/leave.md"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("./a//b/./c.txt", "a/b/c.txt"),
        ("", "untitled"),
        ("../..", "untitled"),
        ("\x00\x01", "untitled"),
        ("a\x00b\r\n.txt", "ab .txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("zero\u200bwidth.md", "zerowidth.md"),
        ("e\u0301te\u0301.txt", "\u00e9t\u00e9.txt"),
        ("  two   spaces .md ", "two spaces .md"),
        ("half\ud800pair.md", "halfpair.md"),
        ("報告書.pdf", "報告書.pdf"),
        ("<img src=x onerror=alert(1)>.md", "<img src=x onerror=alert(1)>.md"),
    ],
)
def test_names_are_made_safe(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean
    assert clean_name(clean) == clean


def test_long_names_are_cut_and_keep_their_extension() -> None:
    name = clean_name("x" * 500 + ".pdf")
    assert len(name) == MAX_PART
    assert name.endswith("x.pdf")
    assert len(clean_name("y" * 500)) == MAX_PART


def test_of_deep_folders_the_innermost_are_kept() -> None:
    name = clean_name("/".join(f"folder{number:03}" for number in range(100)) + "/leave.md")
    assert len(name) <= MAX_NAME
    assert name.endswith("folder099/leave.md")
