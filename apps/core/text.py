"""Making text storable. Pure: every folder may import it, so it imports nothing itself."""

from __future__ import annotations

import re
from typing import Any

REPLACEMENT = "\ufffd"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str, *, keep_length: bool = False) -> str:
    """The text without what PostgreSQL or UTF-8 cannot hold. For any text from outside.

    NUL is dropped: PostgreSQL refuses it, and it means nothing to a reader. A lone surrogate
    becomes U+FFFD: it is half of a character whose other half was lost before the text reached
    us, and readers should see that something is missing. A high and a low surrogate in a row are
    joined into their character, because nothing was lost: some systems escape characters that way
    in JSON.

    With `keep_length` every NUL and every surrogate becomes one U+FFFD instead. That is for text
    whose offsets were counted before, such as those of the blocks of a parsed page.
    """
    if is_storable(text):
        return text
    if keep_length:
        return _UNSTORABLE.sub(REPLACEMENT, text)
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "")


def is_storable(text: str) -> bool:
    """Whether `storable` would not change the text. For input that is rejected, not repaired."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable_json(value: Any) -> Any:
    """A value for a JSON column, with `storable` applied to every text and key at any depth.

    Tuples become lists, as they do in JSON.
    """
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable_json(key): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return value


def use_plain_line_ends(text: str) -> str:
    r"""The text with `\n` where a browser, whose forms end lines with `\r\n`, sent something else.

    Otherwise the same words from a page and from REST are different texts.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n")
