"""Reads the folder of an embedding model as sentence-transformers lays it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inference.errors import ModelFilesError

Pooling = Literal["mean", "cls", "max", "lasttoken"]
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "max", "lasttoken")
ONNX_FILES = ("model.onnx", "onnx/model.onnx")
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
QUERY_PROMPTS = ("query",)
PASSAGE_PROMPTS = ("passage", "document")
DEFAULT_MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class FolderSpec:
    """How a model's files are to be used. `onnx` is None where the graph has to be built."""

    folder: Path
    onnx: Path | None
    pooling: Pooling
    dimensions: int
    max_tokens: int
    pad_id: int
    query_prompt: str
    passage_prompt: str


def is_model_folder(path: Path) -> bool:
    """Whether a folder looks like an embedding model: a configuration, a tokenizer, weights."""
    if path.name.startswith(".") or not path.is_dir():
        return False
    has_weights = any((path / name).is_file() for name in (*ONNX_FILES, WEIGHTS))
    return has_weights and (path / TOKENIZER).is_file() and (path / "config.json").is_file()


def read_folder(folder: Path) -> FolderSpec:
    """Read the descriptions in a folder.

    Sources: sentence-transformers' `modules.json`, `1_Pooling/config.json`,
    `sentence_bert_config.json` and `config_sentence_transformers.json`; transformers'
    `config.json`. Raises ModelFilesError for what cannot be used.
    """
    if not is_model_folder(folder):
        raise ModelFilesError(
            f"The folder “{folder.name}” is no embedding model: it needs config.json, "
            "tokenizer.json and either model.onnx or model.safetensors."
        )
    config = _read(folder / "config.json")
    modules = _read_modules(folder)
    onnx = next((folder / name for name in ONNX_FILES if (folder / name).is_file()), None)
    if onnx is None and config.get("model_type") != "bert":
        raise ModelFilesError(
            f"The weights in “{folder.name}” are of the kind “{config.get('model_type')}”; only "
            "BERT can be read from safetensors. Export the model to ONNX."
        )
    pooling = _read(folder / modules.get("Pooling", "1_Pooling") / "config.json")
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts") or {}
    dimensions = config.get("hidden_size")
    if not isinstance(dimensions, int):
        raise ModelFilesError(f"The config.json of “{folder.name}” has no hidden_size.")
    return FolderSpec(
        folder=folder,
        onnx=onnx,
        pooling=_pooling(pooling),
        dimensions=dimensions,
        max_tokens=_max_tokens(folder, config),
        pad_id=int(config.get("pad_token_id") or 0),
        query_prompt=_first(prompts, QUERY_PROMPTS),
        passage_prompt=_first(prompts, PASSAGE_PROMPTS),
    )


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no such file."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFilesError(f"The file {path.name} in the model's folder is damaged.") from error
    return value if isinstance(value, dict) else {}


def _read_modules(folder: Path) -> dict[str, str]:
    """The folders of the modules by the last part of their type."""
    path = folder / "modules.json"
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        modules = {str(row["type"]).rpartition(".")[2]: str(row["path"]) for row in rows}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelFilesError("The file modules.json in the model's folder is damaged.") from error
    unknown = set(modules) - {"Transformer", "Pooling", "Normalize"}
    if unknown:
        raise ModelFilesError(
            f"The model has a layer that cannot be used here: {', '.join(sorted(unknown))}."
        )
    return modules


def _pooling(config: Mapping[str, Any]) -> Pooling:
    if "pooling_mode" in config:  # as newer releases write it
        chosen = [str(config["pooling_mode"])]
    else:
        names = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens",
                 "lasttoken": "lasttoken"}  # fmt: skip
        chosen = [name for name, key in names.items() if config.get(f"pooling_mode_{key}")]
    if not chosen:
        return "mean"
    if len(chosen) > 1 or chosen[0] not in POOLINGS:
        raise ModelFilesError(f"The model's pooling cannot be used here: {', '.join(chosen)}.")
    return chosen[0]


def _max_tokens(folder: Path, config: Mapping[str, Any]) -> int:
    configured = _read(folder / "sentence_bert_config.json").get("max_seq_length")
    limit = config.get("max_position_embeddings")
    sizes = [size for size in (configured, limit) if isinstance(size, int) and size > 2]
    return min(sizes, default=DEFAULT_MAX_TOKENS)


def _first(prompts: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(prompts[name]) for name in names if prompts.get(name)), "")
