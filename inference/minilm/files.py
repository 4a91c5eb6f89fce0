"""Where the prepared model lies, and which files it consists of."""

from __future__ import annotations

from pathlib import Path

MODEL_NAME = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 384
MAX_TOKENS = 256

GRAPH_FILE = "model.onnx"
WEIGHTS_FILE = "model.weights"
TOKENIZER_FILE = "tokenizer.json"
# Rises whenever the graph changes, so that folders built by an earlier version are rebuilt.
BUILD_VERSION = 1


def locate_model(models_dir: Path) -> Path:
    """Return the folder inside ``models_dir`` that holds, or will hold, the prepared model."""
    return models_dir / f"all-MiniLM-L6-v2-{WEIGHTS_SHA256[:8]}-v{BUILD_VERSION}"


def is_built(models_dir: Path) -> bool:
    """Tell whether the prepared model is there. The folder appears only once it is complete."""
    folder = locate_model(models_dir)
    return all((folder / name).is_file() for name in (GRAPH_FILE, WEIGHTS_FILE, TOKENIZER_FILE))
