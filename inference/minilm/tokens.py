"""A vector for each token: MiniLM's last layer before pooling, for late interaction."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from inference.errors import ModelFilesError
from inference.minilm.embedder import open_tokenizer, plan_batches
from inference.minilm.files import (
    DIMENSIONS,
    GRAPH_FILE,
    MAX_TOKENS,
    TOKENIZER_FILE,
    is_built,
    locate_model,
)
from inference.minilm.sessions import pad_rows, session_options
from inference.protocols import Vectors

LAST_LAYER = "encoder.layer.5.out"
"""The name that `graph` gives to what is pooled."""


class MiniLMTokenEncoder:
    """Unit vectors of shape (tokens, 384) for each text, at most 254 tokens of it."""

    def __init__(
        self, session: ort.InferenceSession, *, tokenizer: Tokenizer, workers: int
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._ends = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="tokens")

    @classmethod
    def load(cls, models_dir: Path, *, workers: int) -> MiniLMTokenEncoder:
        """Open the model prepared in ``models_dir`` a second time, with this output.

        Raises ``ModelFilesError`` when it was not prepared or cannot be opened.
        """
        if not is_built(models_dir):
            raise ModelFilesError(f"The embedding model is not prepared in {models_dir}.")
        folder = locate_model(models_dir)
        try:
            graph = onnx.load(str(folder / GRAPH_FILE), load_external_data=False)
            shape: list[str | int] = ["batch", "length", DIMENSIONS]
            del graph.graph.output[:]
            graph.graph.output.append(
                helper.make_tensor_value_info(LAST_LAYER, TensorProto.FLOAT, shape)
            )
            options = session_options()
            options.add_session_config_entry(
                "session.model_external_initializers_file_folder_path", str(folder)
            )
            session = ort.InferenceSession(
                graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = open_tokenizer(folder / TOKENIZER_FILE)
        except Exception as error:  # the libraries raise their own bare exceptions
            raise ModelFilesError(f"The embedding model in {folder} cannot be opened.") from error
        return cls(session, tokenizer=tokenizer, workers=workers)

    def encode_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Return float32 unit vectors of shape (tokens of the text, 384), in the order of texts."""
        first, last = cast("tuple[int, int]", self._ends)
        room = MAX_TOKENS - 2
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        rows = [[first, *item.ids[:room], last] for item in encodings]
        encoded: list[Vectors | None] = [None] * len(rows)

        def run(batch: list[int]) -> None:
            for index, vectors in zip(batch, self._run([rows[i] for i in batch]), strict=True):
                encoded[index] = vectors

        list(self._pool.map(run, plan_batches([len(row) for row in rows])))
        return cast("list[Vectors]", encoded)

    def _run(self, rows: list[list[int]]) -> list[Vectors]:
        ids, mask = pad_rows(rows, width=max(map(len, rows)))
        (hidden,) = self._session.run([LAST_LAYER], {"input_ids": ids, "attention_mask": mask})
        hidden = hidden / np.linalg.norm(hidden, axis=2, keepdims=True)
        return [hidden[index, 1 : len(row) - 1] for index, row in enumerate(rows)]
