"""MiniLM: texts into tokens, batches of similar length, unit vectors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, cast

import numpy as np
from tokenizers import Tokenizer

from inference.errors import ModelFilesError
from inference.minilm.files import (
    DIMENSIONS,
    GRAPH_FILE,
    MAX_TOKENS,
    MODEL_NAME,
    TOKENIZER_FILE,
    is_built,
    locate_model,
)
from inference.minilm.sessions import OnnxRuntimeSession, OpenVinoSession, Session, pad_rows
from inference.protocols import Vectors

# Batches are filled up to this many tokens, enough to keep a core busy. Twice as many are no faster
# and take a third more memory.
BATCH_TOKENS = 1024
BATCH_TEXTS = 32
# Tokens of padding per batch; beyond these, starting another batch is cheaper.
BATCH_PADDING = 32
# Texts tokenised per step, so that a huge call never holds every text's tokens at once.
TOKENISE_TEXTS = 512

TokenIds = list[int]
Backend = Literal["onnxruntime", "openvino"]


class MiniLMEmbedder:
    """``sentence-transformers/all-MiniLM-L6-v2``. Safe to use from several threads at once."""

    def __init__(self, session: Session, *, tokenizer: Tokenizer, workers: int) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._first = cast(int, tokenizer.token_to_id("[CLS]"))
        self._last = cast(int, tokenizer.token_to_id("[SEP]"))
        # One single-threaded run per worker beats one run spread over all cores: nothing waits
        # for the slowest core at the end of every operator.
        self._pool = (
            ThreadPoolExecutor(workers, thread_name_prefix="embed") if workers > 1 else None
        )

    @classmethod
    def load(
        cls, models_dir: Path, *, workers: int, backend: Backend = "onnxruntime"
    ) -> MiniLMEmbedder:
        """Open the model prepared in ``models_dir``; ``encode`` uses up to ``workers`` cores.

        Raises ``ModelFilesError`` when it was not prepared or cannot be opened.
        """
        if workers < 1:
            raise ValueError("workers must be at least 1")
        if not is_built(models_dir):
            raise ModelFilesError(
                f"The embedding model is not prepared in {models_dir}: "
                f"run python -m inference.minilm.build {models_dir}"
            )
        folder = locate_model(models_dir)
        try:
            session = _open_session(folder / GRAPH_FILE, workers=workers, backend=backend)
            tokenizer = open_tokenizer(folder / TOKENIZER_FILE)
        except Exception as error:  # both libraries raise their own bare exceptions
            raise ModelFilesError(f"The embedding model in {folder} cannot be opened.") from error
        return cls(session, tokenizer=tokenizer, workers=workers)

    @property
    def name(self) -> str:
        """The model's public name."""
        return MODEL_NAME

    @property
    def dimensions(self) -> int:
        """384."""
        return DIMENSIONS

    @property
    def max_tokens(self) -> int:
        """256, the two special tokens included."""
        return MAX_TOKENS

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (len(texts), 384), float32, in the order of ``texts``."""
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        tokens = [ids for part in _split(texts) for ids in self._tokenise(part)]
        batches = list(plan_batches([len(ids) for ids in tokens]))

        def run(batch: list[int]) -> None:
            vectors[batch] = self._run([tokens[index] for index in batch])

        if self._pool is None or len(batches) < 2:
            for batch in batches:
                run(batch)
        else:
            list(self._pool.map(run, batches))
        return vectors

    def encode_query(self, text: str) -> Vectors:
        """Return one unit vector of shape (384,), float32, computed on the calling thread."""
        return cast(Vectors, self._run(self._tokenise([text]))[0])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return tokens per text, untruncated and without special tokens."""
        return [len(encoding.ids) for part in _split(texts) for encoding in self._encode(part)]

    def close(self) -> None:
        """Stop the worker threads; ``encode`` must not be called afterwards."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _encode(self, texts: Sequence[str]) -> list:  # type: ignore[type-arg]  # untyped library
        return self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)

    def _tokenise(self, texts: Sequence[str]) -> list[TokenIds]:
        room = MAX_TOKENS - 2
        return [[self._first, *e.ids[:room], self._last] for e in self._encode(texts)]

    def _run(self, rows: list[TokenIds]) -> Vectors:
        step = self._session.width_step
        width = min(-(-max(map(len, rows)) // step) * step, MAX_TOKENS)
        return self._session.run(*pad_rows(rows, width=width))


def _split(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), TOKENISE_TEXTS):
        yield texts[start : start + TOKENISE_TEXTS]


def plan_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts of similar length, the longest first, so that hardly any padding is computed."""
    batch: list[int] = []
    padding = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        width = lengths[batch[0]] if batch else lengths[index]
        padding += width - lengths[index]
        full = len(batch) == BATCH_TEXTS or (len(batch) + 1) * width > BATCH_TOKENS
        if batch and (full or padding > BATCH_PADDING):
            yield batch
            batch, padding = [], 0
        batch.append(index)
    if batch:
        yield batch


def _open_session(path: Path, *, workers: int, backend: Backend) -> Session:
    if backend == "openvino":
        return OpenVinoSession(path, workers=workers)
    return OnnxRuntimeSession(path)


def open_tokenizer(path: Path) -> Tokenizer:
    """The model's tokenizer, which neither pads nor cuts."""
    # Its own threads gain nothing beside the model's work and complain after a fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer.from_file(str(path))
    # The shipped file pads and cuts at 128 tokens; both would change vectors and counts.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
