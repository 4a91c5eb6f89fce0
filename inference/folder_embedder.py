"""An embedding model from a folder, on onnxruntime: ONNX files, or BERT weights without torch."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.errors import ModelFilesError
from inference.folder_files import TOKENIZER, WEIGHTS, FolderSpec, read_folder
from inference.minilm.sessions import pad_rows, session_options
from inference.protocols import Vectors
from inference.remote_embedder import normalise

BATCH_TOKENS = 2048
BATCH_TEXTS = 32
POOLED_OUTPUTS = ("sentence_embedding", "embedding", "text_embeds")
MISSING_TOOLS = (
    "Reading safetensors needs the packages onnx and safetensors: "
    "pip install --no-deps -r requirements-model.txt"
)


class FolderEmbedder:
    """A sentence encoder in a folder. Safe to use from several threads at once."""

    def __init__(
        self,
        spec: FolderSpec,
        *,
        session: ort.InferenceSession,
        tokenizer: Tokenizer,
        name: str,
        workers: int,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        self._spec, self._session, self._tokenizer, self._name = spec, session, tokenizer, name
        self._query_prefix = query_prefix or spec.query_prompt
        self._passage_prefix = passage_prefix or spec.passage_prompt
        self._inputs = {value.name for value in session.get_inputs()}
        outputs = [value.name for value in session.get_outputs()]
        self._is_pooled = any(output in POOLED_OUTPUTS for output in outputs)
        self._output = next((o for o in outputs if o in POOLED_OUTPUTS), outputs[0])
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="embed-folder")

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        name: str,
        workers: int,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> FolderEmbedder:
        """Open the model in ``folder``; prefixes that are empty come from its own prompts.

        Raises ``ModelFilesError`` when something is missing, damaged or not supported.
        """
        spec = read_folder(folder)
        path = spec.onnx or _build_graph(spec)
        try:
            session = _open_session(path)
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # both libraries raise their own bare exceptions
            raise ModelFilesError(f"The model in “{folder.name}” cannot be opened.") from error
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(
            spec,
            session=session,
            tokenizer=tokenizer,
            name=name,
            workers=workers,
            query_prefix=query_prefix,
            passage_prefix=passage_prefix,
        )

    @property
    def name(self) -> str:
        """What indexes know the model by."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Length of every vector: the width of the encoder."""
        return self._spec.dimensions

    @property
    def max_tokens(self) -> int:
        """Tokens that are read, special ones included."""
        return self._spec.max_tokens

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (len(texts), dimensions), float32, in order."""
        rows = self._tokenise([self._passage_prefix + text for text in texts])
        vectors = np.zeros((len(rows), self.dimensions), np.float32)

        def run(batch: list[int]) -> None:
            vectors[batch] = self._run([rows[index] for index in batch])

        list(self._pool.map(run, _plan_batches([len(row) for row in rows])))
        return vectors

    def encode_query(self, text: str) -> Vectors:
        """Return one unit vector of shape (dimensions,), float32, on the calling thread."""
        return cast(Vectors, self._run(self._tokenise([self._query_prefix + text]))[0])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return tokens per text, untruncated and without special tokens."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def _tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids with special tokens; a long text loses its end, but keeps its last special token."""
        limit = self.max_tokens
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=True)
        rows = [list(encoding.ids) for encoding in encodings]
        return [row if len(row) <= limit else [*row[: limit - 1], row[-1]] for row in rows]

    def _run(self, rows: list[list[int]]) -> Vectors:
        width = max(1, *map(len, rows))
        ids, mask = pad_rows(rows, width=width, pad_id=self._spec.pad_id)
        values: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in self._inputs:
            values["token_type_ids"] = np.zeros_like(ids)
        if "position_ids" in self._inputs:
            values["position_ids"] = np.broadcast_to(np.arange(width, dtype=np.int64), ids.shape)
        inputs = {name: value for name, value in values.items() if name in self._inputs}
        output = cast(NDArray[np.float32], self._session.run([self._output], inputs)[0])
        pooled = output if self._is_pooled else pool(output, mask, how=self._spec.pooling)
        return normalise(pooled.astype(np.float32))


def pool(hidden: NDArray[np.float32], mask: NDArray[np.int64], *, how: str) -> Vectors:
    """One vector per text from one per token: (n, length, d) and (n, length) to (n, d)."""
    if how == "cls":
        return hidden[:, 0]
    if how == "lasttoken":
        return cast(Vectors, hidden[np.arange(len(hidden)), mask.sum(axis=1) - 1])
    shown = mask[:, :, None].astype(np.float32)
    if how == "max":
        return cast(Vectors, np.where(shown > 0, hidden, -np.inf).max(axis=1))
    return cast(Vectors, (hidden * shown).sum(axis=1) / np.maximum(shown.sum(axis=1), 1e-9))


def _plan_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts of similar length, the longest first."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        width = lengths[batch[0]] if batch else lengths[index]
        if batch and (len(batch) == BATCH_TEXTS or (len(batch) + 1) * width > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _open_session(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])


def _build_graph(spec: FolderSpec) -> Path:
    """The ONNX graph of BERT weights, written once beside the model's folder."""
    status = (spec.folder / WEIGHTS).stat()
    stamp = f"{status.st_size:x}-{status.st_mtime_ns:x}"
    target = spec.folder.parent / f".prepared-{spec.folder.name}-{stamp}"
    path = target / "model.onnx"
    if path.is_file():
        return path
    with tempfile.TemporaryDirectory(prefix=".build-", dir=spec.folder.parent) as work:
        draft = Path(work) / "draft"
        draft.mkdir()
        _write_graph(spec, draft)
        try:
            os.rename(draft, target)
        except OSError:
            if not path.is_file():  # otherwise another process was first
                shutil.rmtree(target, ignore_errors=True)
                os.rename(draft, target)
    return path


def _write_graph(spec: FolderSpec, folder: Path) -> None:
    try:
        from inference.minilm.build import load_weights, save_encoder
        from inference.minilm.graph import build_encoder
    except ImportError as error:
        raise ModelFilesError(MISSING_TOOLS) from error
    import json

    config = json.loads((spec.folder / "config.json").read_text(encoding="utf-8"))
    try:
        weights = load_weights(spec.folder / WEIGHTS)
        model = build_encoder(weights, config=config, pooled=False)
    except Exception as error:  # safetensors and onnx raise their own
        raise ModelFilesError(
            f"The weights in “{spec.folder.name}” are not those of a BERT encoder: {error}."
        ) from error
    save_encoder(model, folder=folder)
