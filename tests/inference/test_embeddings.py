"""Vectors from servers and folders: order, length, retries, what does not fit."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import ModelError, ModelFilesError
from inference.folder_embedder import FolderEmbedder, pool
from inference.folder_files import is_model_folder, read_folder
from inference.minilm.build import locate_source
from inference.minilm.embedder import MiniLMEmbedder
from inference.openai import client as openai_client
from inference.openai.embeddings import EmbeddingsClient, parse_vectors
from inference.remote_embedder import RemoteEmbedder
from tests.embedding_server import EmbeddingServer, serve_embeddings

TEXTS = ["How long is the notice period?", "Trains are preferred.", "Books, music and maps"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    monkeypatch.setattr(openai_client, "RETRY_BASE_SECONDS", 0.001)
    with serve_embeddings() as running:
        yield running


def open_remote(server: EmbeddingServer, **values: Any) -> RemoteEmbedder:
    client = EmbeddingsClient(server.base_url, model="m", api_key=server.key)
    return RemoteEmbedder(client, name="model:1", dimensions=16, **values)


# Servers


def test_vectors_are_unit_vectors_in_the_order_of_the_texts(server: EmbeddingServer) -> None:
    vectors = open_remote(server).encode(TEXTS)
    assert vectors.shape == (3, 16)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        expected = np.array(server.vector(text))
        assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_many_texts_go_in_batches(server: EmbeddingServer) -> None:
    assert open_remote(server).encode([f"text {n}" for n in range(70)]).shape == (70, 16)
    assert sorted(len(texts) for texts in server.inputs) == [6, 32, 32]
    assert open_remote(server).encode([]).shape == (0, 16)


def test_questions_and_passages_have_their_own_prefix(server: EmbeddingServer) -> None:
    embedder = open_remote(server, query_prefix="query: ", passage_prefix="passage: ")
    embedder.encode(["a"])
    embedder.encode_query("b")
    assert server.inputs == [["passage: a"], ["query: b"]]


def test_a_busy_server_is_asked_again(server: EmbeddingServer) -> None:
    server.failures = [503, 429]
    assert open_remote(server).encode_query("hello").shape == (16,)
    assert len(server.inputs) == 3


def test_a_wrong_key_is_told_and_not_repeated(server: EmbeddingServer) -> None:
    server.key = "secret-key-1"
    client = EmbeddingsClient(server.base_url, model="m", api_key="wrong-key-22")
    with pytest.raises(ModelError, match="refused the API key") as caught:
        RemoteEmbedder(client, name="x", dimensions=16).encode_query("hello")
    assert not caught.value.retryable
    assert "wrong-key" not in str(caught.value)
    assert len(server.inputs) == 1


def test_a_text_that_is_too_long_is_shortened_and_the_others_are_not(
    server: EmbeddingServer,
) -> None:
    server.max_chars = 50
    long = "word " * 40
    vectors = open_remote(server).encode(["short text", long])
    assert vectors[0] == pytest.approx(open_remote(server).encode(["short text"])[0])
    assert vectors[1] @ open_remote(server).encode(["word"])[0] > 0.98  # but for a cut word


def test_vectors_of_another_length_are_refused(server: EmbeddingServer) -> None:
    server.dimensions = 8
    with pytest.raises(ModelError, match="8 numbers instead of 16"):
        open_remote(server).encode_query("hello")


def test_base64_is_read_as_well() -> None:
    numbers = np.array([0.5, -1.0], "<f4")
    row = {"index": 0, "embedding": base64.b64encode(numbers.tobytes()).decode()}
    assert parse_vectors(json.dumps({"data": [row]}).encode(), count=1).tolist() == [[0.5, -1.0]]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"data": []}',
        b'{"data": [{"embedding": ["a"]}]}',
        b'{"data": [{"embedding": [1]}, {"embedding": [1, 2]}]}',
        b'{"data": [{"embedding": [1e999]}]}',
        b'{"data": [{"embedding": [1]}, {"embedding": [2]}]}',
        b'{"data": [7]}',
    ],
)
def test_what_is_no_answer_is_called_so(body: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        parse_vectors(body, count=1)
    assert caught.value.kind == "invalid_response"


def test_an_address_may_end_with_the_route() -> None:
    client = EmbeddingsClient("http://x/v1/embeddings/", model="m")
    assert client._base_url == "http://x/v1"


# Folders


@pytest.fixture(scope="module")
def minilm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model's weights, as a sentence-transformers folder like any other."""
    folder = tmp_path_factory.mktemp("models") / "mini"
    try:
        source = locate_source()
    except ModelFilesError:
        pytest.skip("the weights are not installed")
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(source / name, folder / name)
    (folder / "model.safetensors").symlink_to(source / "model.safetensors")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    return folder


def test_bert_weights_give_the_vectors_of_the_built_in_model(
    minilm_folder: Path, embedder: MiniLMEmbedder
) -> None:
    opened = FolderEmbedder.load(minilm_folder, name="model:2", workers=2)
    assert (opened.dimensions, opened.max_tokens) == (384, 256)
    texts = [*TEXTS, "long " * 400]
    cosines = (opened.encode(texts) * embedder.encode(texts)).sum(axis=1)
    assert cosines.min() > 0.999
    assert opened.count_tokens(TEXTS) == embedder.count_tokens(TEXTS)
    prepared = list(minilm_folder.parent.glob(".prepared-mini-*/model.onnx"))
    assert len(prepared) == 1  # written once, beside the folder
    assert not is_model_folder(prepared[0].parent)


def test_pooling_by_hand() -> None:
    hidden = np.array([[[1.0, 2.0], [3.0, 6.0], [9.0, 9.0]]], np.float32)
    mask = np.array([[1, 1, 0]])  # the third token is padding
    assert pool(hidden, mask, how="mean").tolist() == [[2.0, 4.0]]
    assert pool(hidden, mask, how="cls").tolist() == [[1.0, 2.0]]
    assert pool(hidden, mask, how="max").tolist() == [[3.0, 6.0]]
    assert pool(hidden, mask, how="lasttoken").tolist() == [[3.0, 6.0]]


def write_folder(folder: Path, **files: str) -> Path:
    folder.mkdir()
    given = {"config.json": '{"hidden_size": 8, "model_type": "xlm-roberta"}', **files}
    for name, text in given.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_a_folder_is_read_as_sentence_transformers_writes_it(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "e5",
        **{
            "onnx/model.onnx": "",
            "modules.json": '[{"type": "sentence_transformers.models.Pooling", "path": "pool"}]',
            "pool/config.json": '{"pooling_mode_cls_token": true}',
            "sentence_bert_config.json": '{"max_seq_length": 512}',
            "config_sentence_transformers.json": '{"prompts": {"query": "query: "}}',
        },
    )
    spec = read_folder(folder)
    assert spec.onnx == folder / "onnx" / "model.onnx"
    assert (spec.pooling, spec.dimensions, spec.max_tokens) == ("cls", 8, 512)
    assert (spec.query_prompt, spec.passage_prompt) == ("query: ", "")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "is no embedding model"),
        ({"model.safetensors": ""}, "only BERT can be read"),
        ({"model.onnx": "", "config.json": "{"}, "config.json in the model's folder is damaged"),
        ({"model.onnx": "", "config.json": "{}"}, "has no hidden_size"),
        (
            {"model.onnx": "", "modules.json": '[{"type": "a.Dense", "path": "2_Dense"}]'},
            "a layer that cannot be used here: Dense",
        ),
        (
            {"model.onnx": "", "1_Pooling/config.json": '{"pooling_mode": "weightedmean"}'},
            "pooling cannot be used",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    tmp_path: Path, files: dict[str, str], says: str
) -> None:
    with pytest.raises(ModelFilesError, match=says):
        read_folder(write_folder(tmp_path / "m", **files))


def test_a_broken_onnx_file_is_called_so(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "broken", **{"model.onnx": "no model"})
    with pytest.raises(ModelFilesError, match="cannot be opened"):
        FolderEmbedder.load(folder, name="x", workers=1)
