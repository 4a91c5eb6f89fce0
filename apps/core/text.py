"""What a database can keep of a text. Pure: it is open to every folder, so it imports nothing."""

from __future__ import annotations

import re
from typing import Any

REPLACEMENT = "\ufffd"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str, *, keep_length: bool = False) -> str:
    """The text as PostgreSQL and UTF-8 can hold it; every text that somebody else wrote needs it.

    NUL is dropped: it has no meaning in a text, nobody sees it, and PostgreSQL refuses it. A lone
    half of a surrogate pair becomes U+FFFD: it stood for a character that was lost before the
    text came to us, and whoever reads it should see that something was. Two halves that belong
    together are joined into their character, because nothing was lost there: JSON of other
    systems comes so.

    With `keep_length` each of these becomes one U+FFFD instead, NUL and joinable halves too: for
    text into which offsets point that were counted before, such as the blocks of a parsed page.
    """
    if is_storable(text):
        return text
    if keep_length:
        return _UNSTORABLE.sub(REPLACEMENT, text)
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "")


def is_storable(text: str) -> bool:
    """Whether `storable` would leave the text as it is: for input that is refused, not repaired."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable_json(value: Any) -> Any:
    """A value for a JSON column with `storable` applied to its texts and keys, however deep.

    Tuples become lists, as they do in JSON.
    """
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable_json(key): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return value
