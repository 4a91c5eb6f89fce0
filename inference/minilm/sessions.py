"""Runs the encoder graph: onnxruntime everywhere, OpenVINO where the processor has bfloat16.

Both read the same file. onnxruntime computes in float32, to the last digit the same as the
original model. OpenVINO computes products in bfloat16, three times as fast on processors with
such instructions; vectors differ by less than 1e-4 in cosine, so both kinds may meet in one index.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from inference.protocols import Vectors

TokenMatrix = NDArray[np.int64]
BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})

# OpenVINO compiles code for each width of a batch and keeps it: fewer widths, fewer programs.
WIDTH_STEP = 16
KEPT_PROGRAMS = 64


class Session(Protocol):
    """A loaded encoder. Safe to call from several threads; each call computes on one core."""

    width_step: int
    """Widths of batches are rounded up to a multiple of this."""

    def run(self, ids: TokenMatrix, mask: TokenMatrix) -> Vectors:
        """Unit vectors of shape (rows, dimensions) for token ids and mask of (rows, width)."""


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16 matrices in hardware; False where unknown."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not BFLOAT16_FLAGS.isdisjoint(flags.split())


def prefers_openvino() -> bool:
    """Whether bulk work is faster with OpenVINO: it is installed, and the processor suits it."""
    return importlib.util.find_spec("openvino") is not None and has_bfloat16()


def session_options() -> Any:
    """onnxruntime's `SessionOptions`: one thread a run, and none that spins."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # It remembers a memory plan for every shape of batch seen, and shapes here rarely repeat.
    options.enable_mem_pattern = False
    # Idle threads must not burn the cores that the web server and the database need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def pad_rows(
    rows: Sequence[Sequence[int]], *, width: int, pad_id: int = 0
) -> tuple[TokenMatrix, TokenMatrix]:
    """Token ids padded to ``width``, and the mask that is 1 on tokens: both (rows, width)."""
    ids = np.full((len(rows), width), pad_id, np.int64)
    mask = np.zeros((len(rows), width), np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask


class OnnxRuntimeSession:
    """float32 on onnxruntime."""

    width_step = 1

    def __init__(self, path: Path) -> None:
        import onnxruntime as ort

        self._session = ort.InferenceSession(
            str(path), session_options(), providers=["CPUExecutionProvider"]
        )

    def run(self, ids: TokenMatrix, mask: TokenMatrix) -> Vectors:
        inputs = {"input_ids": ids, "attention_mask": mask}
        return cast(Vectors, self._session.run(["embedding"], inputs)[0])


class OpenVinoSession:
    """bfloat16 on OpenVINO; one stream a worker, so that no batch waits for another's core."""

    width_step = WIDTH_STEP

    def __init__(self, path: Path, *, workers: int) -> None:
        import openvino

        self._model = openvino.Core().compile_model(
            str(path),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16",
                "INFERENCE_NUM_THREADS": workers,
                "NUM_STREAMS": workers,
                "ENABLE_CPU_PINNING": False,
                "CPU_RUNTIME_CACHE_CAPACITY": KEPT_PROGRAMS,
            },
        )
        self._local = threading.local()
        # Its Python binding sets itself up in the first call, and two first calls at once lock
        # each other out for good: one holds the interpreter, the other what it waits for.
        first = np.ones((1, WIDTH_STEP), np.int64)
        self.run(first, first)

    def run(self, ids: TokenMatrix, mask: TokenMatrix) -> Vectors:
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._model.create_infer_request()
        # The next call overwrites what this one returns.
        return cast(Vectors, request.infer([ids, mask])[0].copy())
