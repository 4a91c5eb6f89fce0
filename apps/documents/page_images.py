"""Pictures of pages, drawn in the parser's sandbox when first asked for and then kept.

They lie in `DATA_DIR/blobs/<workspace>/pages/<version>/` and go with their version.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
from functools import cache
from pathlib import Path
from uuid import UUID

from django.http import Http404

from apps.core.disk.space import is_full
from apps.documents.models import DocumentVersion
from apps.documents.storage import blob_root, locate_blob
from parsing.service import ParserService
from parsing.types import ParseError

WIDTH_PX = 1400
PICTURED = ("application/pdf", "image/")
MAX_AT_ONCE = 2


@cache
def _parser() -> ParserService:
    service = ParserService(max_children=MAX_AT_ONCE)
    atexit.register(service.close)
    return service


def has_page_images(version: DocumentVersion) -> bool:
    """Whether this version's pages can be shown as images: those of PDFs and pictures can."""
    return bool(version.blob) and version.media_type.startswith(PICTURED)


def read_page_image(version: DocumentVersion, *, number: int) -> bytes:
    """The page as PNG. Http404 if there is no such page or it cannot be drawn."""
    if not has_page_images(version) or not version.pages.filter(number=number).exists():
        raise Http404
    kept = _folder(version.workspace_id, version.pk) / f"{number}.png"
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        image = _draw(version, number=number)
    if DocumentVersion.objects.filter(pk=version.pk, document__deleted_at=None).exists():
        _keep(kept, image)
    return image


def remove_page_images(workspace_id: UUID, version_id: UUID) -> None:
    """Remove what was drawn of a version; no error if nothing was."""
    shutil.rmtree(_folder(workspace_id, version_id), ignore_errors=True)


def _folder(workspace_id: UUID, version_id: UUID) -> Path:
    return blob_root() / str(workspace_id) / "pages" / str(version_id)


def _draw(version: DocumentVersion, *, number: int) -> bytes:
    try:
        return _parser().render_page(locate_blob(version.blob), page=number, width_px=WIDTH_PX)
    except (ParseError, FileNotFoundError) as error:
        raise Http404 from error


def _keep(path: Path, image: bytes) -> None:
    """Keep a picture for the next time; on a full disk it is drawn again instead."""
    finished = path.with_name(f"{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        finished.write_bytes(image)
        os.replace(finished, path)
    except OSError as error:
        if not is_full(error):
            raise
        finished.unlink(missing_ok=True)
