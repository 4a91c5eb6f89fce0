"""Where the networks lie: in the `rapidocr` wheel, which is data to us and never imported."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

DETECTION, READING = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"


@functools.cache
def find_models() -> Path | None:
    """Folder of the networks; None where the wheel is not installed."""
    spec = importlib.util.find_spec("rapidocr")
    for place in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(place) / "models"
        if (folder / DETECTION).is_file() and (folder / READING).is_file():
            return folder
    return None
