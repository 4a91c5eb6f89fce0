"""The embedder: exact vectors whatever the batch, and counts nobody cut short."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelFilesError
from inference.minilm import embedder as module
from inference.minilm.build import build_model, verify_weights
from inference.minilm.embedder import MiniLMEmbedder
from inference.minilm.files import locate_model
from inference.protocols import Embedder

WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog", "seven", "owls", "watch")


def make_texts(count: int) -> list[str]:
    chooser = random.Random(3)
    return [" ".join(chooser.choices(WORDS, k=chooser.randint(1, 60))) for _ in range(count)]


def test_is_an_embedder(embedder: MiniLMEmbedder) -> None:
    assert isinstance(embedder, Embedder)
    assert (embedder.dimensions, embedder.max_tokens) == (384, 256)


def test_vectors_are_unit_float32(embedder: MiniLMEmbedder) -> None:
    vectors = embedder.encode(make_texts(20))
    assert vectors.shape == (20, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_batching_changes_neither_order_nor_vectors(embedder: MiniLMEmbedder) -> None:
    texts = make_texts(40)
    together = embedder.encode(texts)
    alone = np.stack([embedder.encode_query(text) for text in texts])
    assert float((together * alone).sum(axis=1).min()) > 0.99999
    backwards = embedder.encode(texts[::-1])[::-1]
    assert float((together * backwards).sum(axis=1).min()) > 0.99999


def test_no_texts_and_empty_texts(embedder: MiniLMEmbedder) -> None:
    assert embedder.encode([]).shape == (0, 384)
    vectors = embedder.encode(["", "word", "   "])
    assert np.isfinite(vectors).all()
    assert embedder.encode_query("").shape == (384,)


def test_meaning(embedder: MiniLMEmbedder) -> None:
    question, answer, other = embedder.encode(
        ["How do I reset my password?", "Change your login secret here.", "Bananas are yellow."]
    )
    assert float(question @ answer) > float(question @ other) + 0.2


def test_reads_256_tokens_and_not_128(embedder: MiniLMEmbedder) -> None:
    base = "fox " * 200
    assert float(embedder.encode_query(base) @ embedder.encode_query(base + "owl")) < 0.99999
    long = "fox " * 254
    ignored = embedder.encode_query(long + "owl " * 50)
    np.testing.assert_allclose(ignored, embedder.encode_query(long), atol=1e-6)


def test_counts_are_neither_cut_nor_padded(embedder: MiniLMEmbedder) -> None:
    assert embedder.count_tokens(["fox", "fox " * 1000, "", "jumps over!"]) == [1, 1000, 0, 3]
    assert embedder.count_tokens([]) == []


def test_many_threads_at_once(embedder: MiniLMEmbedder) -> None:
    texts = make_texts(10)
    expected = embedder.encode(texts)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(embedder.encode, [texts] * 3))
        queries = list(pool.map(embedder.encode_query, texts))
    for vectors in (*results, np.stack(queries)):
        assert float((vectors * expected).sum(axis=1).min()) > 0.99999


def test_batches_stay_within_their_budget() -> None:
    lengths = [random.Random(n).randint(3, 256) for n in range(200)]
    batches = list(module.plan_batches(lengths))
    assert sorted(index for batch in batches for index in batch) == list(range(200))
    for batch in batches:
        assert max(lengths[i] for i in batch) * len(batch) <= module.BATCH_TOKENS
        assert len(batch) <= module.BATCH_TEXTS
        longest = max(lengths[i] for i in batch)
        assert sum(longest - lengths[i] for i in batch) <= module.BATCH_PADDING


def test_texts_of_one_length_share_batches() -> None:
    assert [len(batch) for batch in module.plan_batches([64] * 40)] == [16, 16, 8]
    assert list(module.plan_batches([])) == []


def test_building_again_leaves_the_model_alone(models_dir: Path) -> None:
    folder = locate_model(models_dir)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert build_model(models_dir) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_half_a_model_is_built_anew(tmp_path: Path) -> None:
    folder = locate_model(tmp_path)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"half")
    build_model(tmp_path)
    assert MiniLMEmbedder.load(tmp_path, workers=1).count_tokens(["fox"]) == [1]
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelFilesError, match="not the expected ones"):
        build_model(tmp_path / "models", source=tmp_path)
    with pytest.raises(ModelFilesError, match="cannot be read"):
        verify_weights(tmp_path / "absent", expected_sha256="0")
    assert not (tmp_path / "models").exists()


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match=r"inference\.minilm\.build"):
        MiniLMEmbedder.load(tmp_path, workers=1)


def test_damaged_files_are_reported(models_dir: Path, tmp_path: Path) -> None:
    folder = locate_model(tmp_path)
    folder.mkdir(parents=True)
    for path in locate_model(models_dir).iterdir():
        (folder / path.name).write_bytes(b"damaged")
    with pytest.raises(ModelFilesError, match="cannot be opened"):
        MiniLMEmbedder.load(tmp_path, workers=1)
