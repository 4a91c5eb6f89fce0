"""Public questions with and without an answer in their passages, for the built-in reader.

Every item holds the passages a simple word search would bring up. Kinds:

``squad``   SQuAD 2.0: half of the questions were written to look answerable and are not
``clapnq``  CLAP NQ: real questions people typed; half not answered by their passage
``multihop``  MultiHop-RAG: long questions over news, some about nothing in the collection
``absent``  questions of the above whose source is left out: the documents do not hold the answer

The held-out half is never used for fitting: SQuAD is split by article, the others by id.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.reader import Passage
from inference.reader_text import read_words

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SQUAD, CLAPNQ, MULTIHOP = "squad2-pub", "clapnq-dev-pub", "multihoprag500-evidence-pub"
PASSAGES = 6


@dataclass(frozen=True, slots=True)
class Item:
    """A question, its passages, and what is known about the answer.

    ``golds`` are strings one of which a right answer contains, or, for ``clapnq``, sentences of
    which a right answer holds at least one.
    """

    kind: str
    held_out: bool
    question: str
    passages: tuple[Passage, ...]
    answerable: bool
    golds: tuple[str, ...]


def normalise(text: str) -> str:
    """Lower case, single spaces."""
    return " ".join(text.lower().split())


def holds_gold(text: str, item: Item) -> bool:
    """Tell whether the text holds what a right answer must."""
    text = normalise(text)
    if item.kind == "clapnq":
        return any(gold in text or (len(text) > 20 and text in gold) for gold in item.golds)
    return any(gold in text for gold in item.golds)


class WordSearch:
    """BM25 over a small collection."""

    def __init__(self, passages: list[Passage]) -> None:
        self.passages = passages
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: list[int] = []
        for index, passage in enumerate(passages):
            counts = Counter(read_words(f"{passage.title} {passage.text}").stems)
            self._lengths.append(sum(counts.values()))
            for stem, count in counts.items():
                self._places[stem].append((index, count))
        self._mean = sum(self._lengths) / max(1, len(passages))

    def find(self, question: str, *, limit: int) -> list[int]:
        """Return the indices of the best passages, best first."""
        scores: dict[int, float] = defaultdict(float)
        total = len(self.passages)
        for stem in sorted(read_words(question).unique):
            places = self._places.get(stem, [])
            weight = math.log(1 + (total - len(places) + 0.5) / (len(places) + 0.5))
            for index, count in places:
                length = 0.25 + 0.75 * self._lengths[index] / self._mean
                scores[index] += weight * count * 2.2 / (count + 1.2 * length)
        return sorted(scores, key=lambda index: -scores[index])[:limit]

    def find_with(self, question: str, gold: int) -> tuple[Passage, ...]:
        """Return the best passages, the gold one among them."""
        found = self.find(question, limit=PASSAGES)
        if gold not in found:
            found = [*found[: PASSAGES - 1], gold]
        return tuple(self.passages[index] for index in found)


def _read(folder: str, name: str) -> list[dict[str, Any]]:
    with (DATA / folder / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load_squad(*, extra: int) -> list[Item]:
    """The 400 sampled questions, and ``extra`` more of the articles that are not held out."""
    passages = [Passage(d["_id"], d["text"], d["_id"]) for d in _read(SQUAD, "corpus.jsonl")]
    titles = {d["_id"]: d["title"].replace("_", " ") for d in _read(SQUAD, "corpus.jsonl")}
    passages = [Passage(p.id, p.text, titles[p.id]) for p in passages]
    search = WordSearch(passages)
    places = {passage.id: index for index, passage in enumerate(passages)}
    held_out = set(sorted({passage.id.split("#")[0] for passage in passages})[::2])
    chooser = random.Random(7)
    more = [q for q in _read(SQUAD, "qa.jsonl") if q["title"] not in held_out]
    chooser.shuffle(more)
    items = []
    for entry in _read(SQUAD, "qa_sample400.jsonl") + more[:extra]:
        article = entry["context_id"].split("#")[0]
        golds = tuple(normalise(answer) for answer in entry["answers"])
        question, is_held = entry["question"], article in held_out
        found = search.find_with(question, places[entry["context_id"]])
        items.append(Item("squad", is_held, question, found, entry["answerable"], golds))
        if entry["answerable"] and chooser.random() < 0.5:
            others = [
                passages[index]
                for index in search.find(question, limit=80)
                if passages[index].id.split("#")[0] != article
            ]
            items.append(Item("absent", is_held, question, tuple(others[:PASSAGES]), False, ()))
    return items


def load_clapnq() -> list[Item]:
    """All questions, each among the passages of others."""
    entries = _read(CLAPNQ, "items.jsonl")
    search = WordSearch([Passage(e["id"], e["context"], e["title"]) for e in entries])
    chooser = random.Random(7)
    items = []
    for index, entry in enumerate(entries):
        is_held = int(entry["id"]) % 2 == 0
        golds = tuple(normalise(s) for s in entry.get("selected_sentences") or ())
        question = entry["question"]
        found = search.find_with(question, index)
        items.append(Item("clapnq", is_held, question, found, entry["answerable"], golds))
        if chooser.random() < 0.3:
            others = [i for i in search.find(question, limit=PASSAGES + 1) if i != index]
            rest = tuple(search.passages[i] for i in others[:PASSAGES])
            items.append(Item("absent", is_held, question, rest, False, ()))
    return items


def load_multihop() -> list[Item]:
    """Questions with one answer, and those about nothing in the collection."""
    documents = _read(MULTIHOP, "corpus.jsonl")
    search = WordSearch([Passage(d["_id"], d["text"], d["title"]) for d in documents])
    items = []
    for number, entry in enumerate(_read(MULTIHOP, "qa.jsonl")):
        if entry["question_type"] not in ("inference_query", "null_query"):
            continue
        answerable = entry["question_type"] == "inference_query"
        golds = tuple(normalise(a) for a in entry["answers"]) if answerable else ()
        found = [search.passages[i] for i in search.find(entry["question"], limit=PASSAGES)]
        is_held = number % 2 == 0
        items.append(Item("multihop", is_held, entry["question"], tuple(found), answerable, golds))
    return items


def load_items(*, extra: int = 0) -> list[Item]:
    """Everything; leaves the program with a clear message where the data is absent."""
    missing = [name for name in (SQUAD, CLAPNQ, MULTIHOP) if not (DATA / name).is_dir()]
    if missing:
        sys.exit(f"skipped: the evaluation data {', '.join(missing)} is not beside the repository")
    return load_squad(extra=extra) + load_clapnq() + load_multihop()
