"""Chroma, LanceDB, LlamaIndex with PGVector, and faiss: given the same passages and questions.

The product and the fast ones of its peers take turns, TURN questions each, so that a slow minute of
the machine is slow for all of them. The others are asked when it has answered everything.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np

from tests.benchmarks.harness import ROOT
from tests.benchmarks.peers.tags import TOP, has_tag
from tests.benchmarks.search_corpus import Corpus, Questions
from tests.benchmarks.search_load import read_file
from tests.benchmarks.search_report import Cell, Report

PEERS = ("faiss", "chroma", "lancedb", "llamaindex")
IN_TURNS = ("faiss", "lancedb")
"""Chroma and LlamaIndex read millions of rows for an answer, and one of them in the product's own
PostgreSQL: what the product has in memory would be gone when its turn comes."""

PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("peers") / "search_peers.py"
TURN = 20
CELL_SECONDS = 5.0
"""A peer that takes longer over a cell is asked fewer questions there, though never none."""

WARM_SECONDS, WARM_UP_SECONDS = 5.0, 40.0
"""So long other questions are asked before each cell and before all cells of a size, at most."""

PASSAGES_AT_ONCE = 20_000

Answer = tuple[float, list[int]]
"""Milliseconds, and the numbers of the passages found."""

Ask = Callable[[Sequence[int], float], list[Answer]]
"""Asks questions by number for so many seconds at most; those that are left have no answer."""


@dataclass(frozen=True, slots=True)
class Player:
    """One system in one cell, and the way in which it is asked."""

    system: str
    way: str
    ask: Ask


def warm_up(players: Sequence[Player], others: Sequence[int]) -> None:
    """So that what is measured afterwards is a server in use, and not its start."""
    for player in players:
        player.ask(others, WARM_UP_SECONDS)


def play(
    players: Sequence[Player], *, count: int, others: Sequence[int]
) -> dict[tuple[str, str], list[Answer]]:
    """Ask all players the first `count` questions in turns, after the others.

    Answers are by system and way, in order.
    """
    answers: dict[tuple[str, str], list[Answer]] = {}
    left = {}
    for player in players:
        player.ask(others, WARM_SECONDS)
        answers[player.system, player.way] = []
        left[player] = CELL_SECONDS
    for first in range(0, count, TURN):
        for player in players:
            if left[player] > 0:
                given = player.ask(range(first, min(first + TURN, count)), left[player])
                left[player] -= sum(ms for ms, _ in given) / 1000
                answers[player.system, player.way] += given
    return answers


@dataclass
class Peers:
    """The peers at one size, as far as they could be started, and what is true for them."""

    size: int
    folder: Path
    asked: Any
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    modes: dict[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """By name, the modes of each way."""

    def players(self, mode: str, tag: str) -> list[Player]:
        """Those that know the mode; faiss only as its manual shows it."""
        return [
            Player(name, way, self._asker(name, way=way, mode=mode, tag=tag))
            for name, ways in self.modes.items()
            for way, modes in ways.items()
            if mode in modes
        ]

    def _asker(self, name: str, **cell: str) -> Ask:
        def ask(numbers: Sequence[int], seconds: float) -> list[Answer]:
            request = {**cell, "numbers": list(numbers), "seconds": seconds}
            answers: list[Answer] = _converse(self.processes[name], request)
            return answers

        return ask

    def recall(self, answers: Sequence[Answer], tag: str) -> float:
        """The share of the ten nearest that is found, over the questions that were answered."""
        shares = []
        for (_, found), truth in zip(answers, self._nearest[tag], strict=False):
            nearest = {pk for pk in truth.tolist() if pk >= 0}
            shares.append(len(nearest & set(found)) / len(nearest) if nearest else 1.0)
        return float(np.mean(shares))

    @cached_property
    def _nearest(self) -> _Nearest:
        return _Nearest(
            np.load(self.folder / "vectors.npy", mmap_mode="r")[: self.size], self.asked
        )


class _Nearest(dict[str, Any]):
    """By tag, the TOP nearest passages of each question (questions, TOP); computed when asked."""

    def __init__(self, vectors: Any, asked: Any) -> None:
        super().__init__()
        self._vectors, self._asked = vectors, asked

    def __missing__(self, tag: str) -> Any:
        count = len(self._asked)
        scores = np.full((count, TOP), -2.0, np.float32)
        numbers = np.full((count, TOP), -1)
        for first in range(0, len(self._vectors), PASSAGES_AT_ONCE):
            block = np.asarray(self._vectors[first : first + PASSAGES_AT_ONCE], np.float32)
            some = np.arange(first, first + len(block))
            theirs = np.where(has_tag(some, tag), self._asked @ block.T, np.float32(-2))
            best = np.argpartition(-theirs, min(TOP, len(some)) - 1, axis=1)[:, :TOP]
            here = np.take_along_axis(theirs, best, 1)
            scores = np.concatenate([scores, here], axis=1)
            numbers = np.concatenate([numbers, np.where(here > -2, some[best], -1)], axis=1)
            order = np.argsort(-scores, axis=1)[:, :TOP]
            scores = np.take_along_axis(scores, order, 1)
            numbers = np.take_along_axis(numbers, order, 1)
        self[tag] = numbers
        return numbers


@contextmanager
def open_peers(
    report: Report, names: Sequence[str], size: int, folder: Path, url: str, *,
    questions: Questions, minutes: float,
) -> Iterator[Peers]:  # fmt: skip
    """Start each in its own environment; one that fails, or takes too long to build, is named."""
    peers = Peers(size, folder, questions.vectors)
    try:
        for name in names:
            _read_once(folder / name)
            process = subprocess.Popen(
                [PYTHON, SCRIPT, name, folder, str(size), url],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            peers.processes[name] = process
            told = _first_word(process, minutes=minutes)
            if told is None:
                report.note(f"{name} at {size:,} was left out: see above")
                continue
            report.note(f"{name} at {size:,} took {told['seconds']:,.0f} s to build")
            peers.modes[name] = told["modes"]
        yield peers
    finally:
        for process in peers.processes.values():
            process.kill()
            process.wait()


def _read_once(folder: Path) -> None:
    """So that the files are in memory, as those of a server in use are."""
    for path in folder.rglob("*"):
        if path.is_file():
            read_file(path)


def _first_word(process: subprocess.Popen[str], *, minutes: float) -> Any:
    """What it says when it is built; None if it ended without a word, or had to be stopped."""
    timer = Timer(60 * minutes, process.kill)
    timer.start()
    try:
        return _read(process)
    finally:
        timer.cancel()


def _converse(process: subprocess.Popen[str], request: Mapping[str, Any]) -> Any:
    assert process.stdin is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer = _read(process)
    if answer is None:
        raise RuntimeError("A peer ended without an answer.")
    return answer


def _read(process: subprocess.Popen[str]) -> Any:
    """The next line; what is no JSON is some library's chatter."""
    assert process.stdout is not None
    for line in process.stdout:
        try:
            return json.loads(line)
        except ValueError:
            continue
    return None


def write_for_peers(corpus: Corpus, size: int, questions: Questions, folder: Path) -> None:
    """The files that the script reads, unless an earlier run has left those of the passages."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "questions.json").write_text(json.dumps(questions.texts))
    np.save(folder / "question_vectors.npy", questions.vectors)
    if (folder / "texts.json").exists():
        return
    texts: list[str] = []
    vectors = np.lib.format.open_memmap(
        folder / "vectors.npy", mode="w+", dtype=np.float16, shape=(size, 384)
    )
    for block in corpus.blocks(size):
        vectors[block.first : block.first + len(block.texts)] = block.vectors
        texts += block.texts
    vectors.flush()
    (folder / "texts.json").write_text(json.dumps(texts))


def to_cells(
    answers: Mapping[tuple[str, str], Sequence[Answer]], peers: Peers, *, mode: str, tag: str
) -> list[Cell]:
    """The peers' cells; recall is that of vectors."""
    cells = []
    for (system, way), given in answers.items():
        recall = peers.recall(given, tag) if mode == "vector" else None
        cells.append(Cell(system, peers.size, mode, tag, [ms for ms, _ in given], recall, way))
    return cells
