"""Which engine computes the vectors, and that both compute the same ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from inference.minilm import sessions
from inference.minilm.embedder import MiniLMEmbedder

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="OpenVINO has no build for this system"
)
TEXTS = ["How do I reset my password?", "Change your login secret here.", "Bananas are yellow."]


def write_cpuinfo(path: Path, flags: str) -> Path:
    path.write_text(f"processor : 0\nflags\t\t: fpu sse2 {flags}\n\nprocessor : 1\n")
    return path


@pytest.mark.parametrize("flag", ["amx_bf16", "avx512_bf16"])
def test_bfloat16_is_read_from_the_flags(tmp_path: Path, flag: str) -> None:
    assert sessions.has_bfloat16(write_cpuinfo(tmp_path / "cpuinfo", f"avx2 {flag} rtm"))


def test_other_processors_have_none(tmp_path: Path) -> None:
    assert not sessions.has_bfloat16(write_cpuinfo(tmp_path / "cpuinfo", "avx2 avx512f"))
    assert not sessions.has_bfloat16(tmp_path / "absent")


@needs_openvino
def test_both_engines_agree(embedder: MiniLMEmbedder, models_dir: Path) -> None:
    other = MiniLMEmbedder.load(models_dir, workers=2, backend="openvino")
    texts = [*TEXTS, " ".join(TEXTS * 20)]
    vectors, exact = other.encode(texts), embedder.encode(texts)
    other.close()
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert float((vectors * exact).sum(axis=1).min()) > 0.999
