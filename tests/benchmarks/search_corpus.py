"""Passages for the search benchmark: real text and real vectors, repeated with variation.

REAL_PASSAGES paragraphs of the public sets are embedded once, by the product's own embedder, and
kept in data/bench. The first passages of a corpus are these. Every further one is the first half
of one paragraph and the second half of another, chosen at random; its vector is the sum of the
two paragraphs' vectors, in random shares, plus noise of length NOISE, brought to length 1. So
the words keep the frequencies of real text, and the vectors keep to the directions of real ones.
Everything follows from the seed: a corpus of 1,000,000 begins with that of 100,000.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from inference.minilm.build import build_model
from inference.minilm.embedder import MiniLMEmbedder
from inference.minilm.files import is_built
from tests.benchmarks.harness import DATA, ROOT

MODELS = ROOT / "data" / "models"
CACHE = ROOT / "data" / "bench"
REAL_PASSAGES = 16_000
MIN_WORDS, MAX_WORDS = 30, 220
PIECE_WORDS = 130
NOISE = 0.3
BLOCK = 10_000
SEED = 20_261_121
CORPORA = (
    "beir-scifact-pub/corpus.jsonl",
    "hotpotqa500-pub/corpus.jsonl",
    "cranfield-pub/corpus.jsonl",
    "squad2-pub/corpus.jsonl",
    "multihoprag500-evidence-pub/corpus.jsonl",
    "awsdocs-pub/corpus.jsonl",
)
QUESTIONS = ("beir-scifact-pub", "hotpotqa500-pub", "squad2-pub", "cranfield-pub")


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _pieces(text: str) -> Iterator[str]:
    """Whole if it is about a paragraph, in pieces of PIECE_WORDS if it is a document."""
    words = text.split()
    if len(words) <= MAX_WORDS:
        yield " ".join(words)
        return
    for start in range(0, len(words), PIECE_WORDS):
        yield " ".join(words[start : start + PIECE_WORDS])


def read_paragraphs() -> list[str]:
    """REAL_PASSAGES different paragraphs of the public sets, mixed."""
    found: dict[str, None] = {}
    for name in CORPORA:
        for row in _read_lines(DATA / name):
            for piece in _pieces(f"{row.get('title') or ''}. {row['text']}"):
                if len(piece.split()) >= MIN_WORDS:
                    found[piece.replace("\x00", " ")] = None
    texts = list(found)
    random.Random(SEED).shuffle(texts)
    return texts[:REAL_PASSAGES]


def read_questions(count: int) -> list[str]:
    """Real questions, about as many of each set, mixed."""
    texts: list[str] = []
    for name in QUESTIONS:
        rows = [row["text"] for row in _read_lines(DATA / name / "queries.jsonl")]
        texts += random.Random(SEED).sample(rows, count // len(QUESTIONS))
    random.Random(SEED).shuffle(texts)
    return texts


def load_embedder() -> MiniLMEmbedder:
    """The product's embedding model, built at its first use."""
    if not is_built(MODELS):
        build_model(MODELS)
    return MiniLMEmbedder.load(MODELS, workers=os.cpu_count() or 1)


def _embed_once(texts: Sequence[str]) -> Any:
    """Vectors of shape (texts, 384), float32; what a broken run has computed is kept."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"search-{len(texts)}.npy"
    if path.exists():
        return np.load(path).astype(np.float32)
    print(f"embedding {len(texts):,} paragraphs, once ...", flush=True)
    embedder = load_embedder()
    vectors = np.concatenate(
        [embedder.encode(texts[first : first + 512]) for first in range(0, len(texts), 512)]
    )
    np.save(path, vectors.astype(np.float16))
    return vectors.astype(np.float16).astype(np.float32)


@dataclass(slots=True)
class Questions:
    """Texts and their vectors, of shape (questions, 384)."""

    texts: list[str]
    vectors: Any


@dataclass(frozen=True, slots=True)
class Block:
    """BLOCK passages in a row; vectors of shape (len(texts), 384), float32, of length 1."""

    first: int
    texts: list[str]
    terms: list[Counter[str]]
    vectors: Any


class Corpus:
    """The paragraphs, their vectors and their words, and any number of passages made of them."""

    def __init__(self) -> None:
        self.paragraphs = read_paragraphs()
        self.vectors = _embed_once(self.paragraphs)

    @cached_property
    def halves(self) -> list[tuple[tuple[str, Counter[str]], tuple[str, Counter[str]]]]:
        """Both halves of each paragraph, with their terms."""
        from apps.retrieval.postings.terms import count_terms

        halves = []
        for text in self.paragraphs:
            words = text.split()
            parts = (" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :]))
            halves.append(tuple((part, count_terms(part)) for part in parts))
        return halves  # type: ignore[return-value]

    def blocks(self, size: int) -> Iterator[Block]:
        """The first `size` passages, in blocks."""
        for first in range(0, size, BLOCK):
            yield self._block(first, min(BLOCK, size - first))

    def vector_blocks(self, size: int) -> Iterator[Any]:
        """The vectors alone, for systems that search nothing else."""
        for first in range(0, size, BLOCK):
            yield self._vectors(*self._choose(first), first=first)[: min(BLOCK, size - first)]

    def _choose(self, first: int) -> tuple[Any, Any]:
        """For each passage of a block the paragraphs of its first and its second half."""
        rng = np.random.default_rng([SEED, first])
        heads = rng.integers(0, len(self.paragraphs), BLOCK)
        tails = rng.integers(0, len(self.paragraphs), BLOCK)
        numbers = np.arange(first, first + BLOCK)
        real = numbers < len(self.paragraphs)
        heads[real] = tails[real] = numbers[real]
        return heads, tails

    def _vectors(self, heads: Any, tails: Any, *, first: int) -> Any:
        rng = np.random.default_rng([SEED, first, 1])
        share = rng.uniform(0.2, 0.8, (BLOCK, 1)).astype(np.float32)
        noise = rng.standard_normal((BLOCK, 384), dtype=np.float32)
        noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
        noise[heads == tails] = 0
        vectors = share * self.vectors[heads] + (1 - share) * self.vectors[tails] + noise
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _block(self, first: int, size: int) -> Block:
        heads, tails = self._choose(first)
        texts, terms = [], []
        for head, tail in zip(heads[:size], tails[:size], strict=True):
            (one, one_terms), (two, two_terms) = self.halves[head][0], self.halves[tail][1]
            texts.append(f"{one} {two}")
            terms.append(one_terms + two_terms)
        return Block(first, texts, terms, self._vectors(heads, tails, first=first)[:size])
