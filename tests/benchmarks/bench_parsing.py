"""Parse the mixed corpus through the sandbox and print what was found, file by file.

    python -m tests.benchmarks.bench_parsing [--no-ocr] [--only NAME] [--folder FOLDER] [--rest]

With --rest the files are uploaded to an installation of their own, with a key, and read back.
A file counts as read if it ends without an error; a phrase counts as found if it occurs in the
text of the file's pages after NFKC, lower case and collapsing of whitespace.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parsing.service import ParserService
from parsing.types import ParsedPage, ParseError
from tests.benchmarks.harness import DATA, Stack, await_documents, running_stack


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    entry: dict[str, Any]
    code: str
    reason: str
    pages: int
    chars: int
    missing: tuple[str, ...]
    seconds: float

    @property
    def found(self) -> int:
        """Expected phrases that were found."""
        return len(self.entry["must_contain"]) - len(self.missing)


def normalise(text: str) -> str:
    """Text as phrases are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def parse_entry(
    service: ParserService, folder: Path, entry: dict[str, Any], *, ocr: bool
) -> Outcome:
    """Parse one file of the manifest and look for its phrases."""
    started = time.perf_counter()
    pages: list[ParsedPage] = []
    code = reason = ""
    try:
        items = service.parse(folder / entry["file"], filename=entry["file"], ocr=ocr)
        pages.extend(item for item in items if isinstance(item, ParsedPage))
    except ParseError as error:
        code, reason = error.code, error.reason
    seconds = time.perf_counter() - started
    text = normalise("\n\n".join(page.text for page in pages))
    missing = tuple(phrase for phrase in entry["must_contain"] if normalise(phrase) not in text)
    return Outcome(entry, code, reason, len(pages), len(text), missing, seconds)


def run(*, ocr: bool, only: str = "", folder: Path | None = None) -> list[Outcome]:
    """Outcomes of all files of a corpus, in the order of its manifest."""
    corpus = folder or DATA / "mixed-docs-pub"
    entries = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    service = ParserService()
    try:
        return [
            parse_entry(service, corpus / "files", entry, ocr=ocr)
            for entry in entries
            if only in entry["file"]
        ]
    finally:
        service.close()


def run_over_rest(*, only: str, corpus: Path) -> list[Outcome]:
    """The same, uploaded with a key to an installation of its own and read back from it."""
    entries = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    chosen = [entry for entry in entries if only in entry["file"]]
    with running_stack() as stack:
        collection = stack.create_collection("Files")
        started = time.perf_counter()
        ids = []
        for entry in chosen:
            content = (corpus / "files" / entry["file"]).read_bytes()
            ids.append(stack.upload(collection, name=entry["file"], content=content)["id"])
        await_documents(stack, ids, timeout_s=600)
        print(f"{len(ids)} files uploaded and ended in {time.perf_counter() - started:.0f} s")
        return [_read_back(stack, entry, pk) for entry, pk in zip(chosen, ids, strict=True)]


def _read_back(stack: Stack, entry: dict[str, Any], document: str) -> Outcome:
    _, state = stack.call("GET", f"documents/{document}/")
    _, read = stack.call("GET", f"documents/{document}/text/")
    text = normalise(read.get("text", ""))
    missing = tuple(phrase for phrase in entry["must_contain"] if normalise(phrase) not in text)
    code = "" if state["state"] == "ready" else state["state"]
    return Outcome(
        entry, code, state["reason"], state["pages_done"], len(text), missing, seconds=0.0
    )


def report(outcomes: list[Outcome]) -> None:
    """Print one line for each file, then the totals."""
    for item in outcomes:
        state = f"FAILED {item.code}: {item.reason}" if item.code else "ok"
        phrases = f"{item.found}/{len(item.entry['must_contain'])}"
        print(
            f"{item.entry['file'][:44]:44} {item.pages:4} pages {item.chars:8} chars "
            f"{phrases:>4} {item.seconds:7.3f} s  {state}"
        )
        for phrase in item.missing if not item.code else ():
            print(f"{'':48}missing: {phrase}")
    readable = [item for item in outcomes if not item.entry.get("edge_case")]
    read = sum(1 for item in readable if not item.code)
    wanted = sum(len(item.entry["must_contain"]) for item in readable)
    found = sum(item.found for item in readable)
    print(f"\nreadable files read: {read}/{len(readable)} = {read / max(len(readable), 1):.1%}")
    print(f"phrases found: {found}/{wanted} = {found / max(wanted, 1):.1%}")
    for item in outcomes:
        if item.entry.get("edge_case"):
            print(f"edge case {item.entry['file']}: {item.code or 'accepted'}")
    print(f"seconds in all: {sum(item.seconds for item in outcomes):.1f}")


def report_memory() -> None:
    """Print the most memory that one child had; the fork server has ended and tells of all."""
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of one child: {peak_mb:,.0f} MB")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-ocr", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rest", action="store_true", help="through a running installation")
    options = parser.parse_args()
    corpus = options.folder or DATA / "mixed-docs-pub"
    if not corpus.is_dir():
        print(f"skipped: the corpus {corpus.name} is not there")
        return 0
    if options.rest:
        report(run_over_rest(only=options.only, corpus=corpus))
        return 0
    report(run(ocr=not options.no_ocr, only=options.only, folder=options.folder))
    report_memory()
    return 0


if __name__ == "__main__":
    sys.exit(main())
