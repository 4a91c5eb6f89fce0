"""Names that people and their file managers give to documents, made safe to keep and to show."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 400
MAX_PART = 200
UNTITLED = "untitled"

_DRIVE = re.compile(r"^[A-Za-z]:$")
_SPACES = re.compile(r"\s+")


def clean_name(raw: str) -> str:
    """A relative display name: folders kept, nothing that climbs out of them or hides from view.

    `C:\\team\\..\\leave.md` becomes `team/leave.md`. Control and invisible formatting characters
    (among them those that reverse the reading direction) go, and Unicode is composed (NFC), so
    that the same name from two systems is the same document.
    """
    text = unicodedata.normalize("NFC", raw).replace("\\", "/")
    parts = [_clean_part(part) for part in text.split("/")]
    kept = [part for part in parts if part not in ("", ".", "..") and not _DRIVE.match(part)]
    name = "/".join(kept) or UNTITLED
    while len(name) > MAX_NAME and "/" in name:
        name = name.split("/", 1)[1]
    return name


def _clean_part(part: str) -> str:
    visible = "".join(
        " " if character.isspace() else character
        for character in part
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    text = _SPACES.sub(" ", visible).strip()
    if len(text) <= MAX_PART:
        return text
    stem, dot, extension = text.rpartition(".")
    if not dot or len(extension) > 16:
        return text[:MAX_PART]
    return f"{stem[: MAX_PART - len(extension) - 1]}.{extension}"


TAIL = 10
"""Characters at the end of a name that stay in sight however little room there is."""


def split_name(name: str) -> tuple[str, str]:
    """A name as what may be left out where there is no room, and the end that stays."""
    return (name, "") if len(name) <= 2 * TAIL else (name[:-TAIL], name[-TAIL:])
