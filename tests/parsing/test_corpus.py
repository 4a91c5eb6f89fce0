"""The mixed corpus of real files, where it is at hand."""

from __future__ import annotations

import pytest

from tests.benchmarks.bench_parsing import Outcome, run
from tests.benchmarks.harness import DATA

CORPUS = DATA / "mixed-docs-pub"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus {CORPUS.name} is absent")


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return run(ocr=False)


def test_readable_files_are_read(outcomes: list[Outcome]) -> None:
    expected = [
        item
        for item in outcomes
        if not item.entry.get("edge_case") and not item.entry.get("needs_ocr")
    ]
    failed = [(item.entry["file"], item.reason) for item in expected if item.code]
    assert failed == []
    wanted = sum(len(item.entry["must_contain"]) for item in expected)
    assert sum(item.found for item in expected) >= 0.97 * wanted


def test_scans_say_that_they_are_scans(outcomes: list[Outcome]) -> None:
    scans = [item for item in outcomes if item.entry.get("needs_ocr")]
    assert {item.code for item in scans} == {"no_text"}


def test_broken_files_fail_with_their_reason(outcomes: list[Outcome]) -> None:
    codes = {item.entry["file"]: item.code for item in outcomes if item.entry.get("edge_case")}
    assert codes == {
        "password.pdf": "encrypted",
        "empty.xlsx": "empty",
        "password_protected.xlsx": "encrypted",
    }


@pytest.mark.parametrize("name", ["ocr_test.pdf", "ocr_test_rotated_90.pdf", "qr_bill_example.jpg"])
def test_scan_is_recognised(name: str) -> None:
    (item,) = run(ocr=True, only=name)
    assert (item.code, item.missing) == ("", ())
