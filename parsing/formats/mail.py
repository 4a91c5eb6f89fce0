"""E-mail (EML): headers, text, names of attachments, and text attachments."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import PurePath

from parsing.formats.common import emit_pages
from parsing.formats.html import decode_html, extract_html
from parsing.formats.plain import split_text
from parsing.source import Source
from parsing.text import Piece, clean_text, decode_text, paginate, squeeze
from parsing.types import Opened, ParsedPage

_HEADERS = ("From", "To", "Cc", "Date")
_TEXT_SUFFIXES = frozenset((".txt", ".md", ".csv", ".log", ".json", ".xml", ".ics", ".html"))
MAX_PARTS = 500
MAX_DEPTH = 8


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """The message first, then each text attachment and forwarded message."""
    data = source.read()
    if source.charset.startswith("utf-16"):
        data = decode_text(data, charset=source.charset).encode("utf-8")
    message = email.message_from_bytes(data.lstrip(), policy=email.policy.default)
    pages = read_message(message)
    subject = _header(message, "Subject")
    metadata = {name.lower(): _header(message, name) for name in _HEADERS}
    yield from emit_pages(source, pages, title=subject, metadata=metadata)


def read_message(message: EmailMessage, *, first: int = 1, depth: int = 0) -> list[ParsedPage]:
    """Pages of a message and of what is attached to it."""
    bodies, attachments = _split_parts(message)
    pieces = list(header_pieces({name: _header(message, name) for name in ("Subject", *_HEADERS)}))
    pieces += _body_pieces(bodies)
    names = [_part_name(part) for part in attachments]
    if any(names):
        pieces.append(
            Piece("paragraph", "Attachments: " + ", ".join(name for name in names if name))
        )
    pages = paginate(pieces, first=first, label=_header(message, "Subject"))
    for part, name in zip(attachments, names, strict=True):
        pages += _attachment_pages(part, name, first=first + len(pages), depth=depth)
    return pages


def header_pieces(headers: dict[str, str]) -> Iterator[Piece]:
    """The subject as a heading and the other headers as one paragraph."""
    subject = headers.get("Subject", "")
    if subject:
        yield Piece("heading", subject, level=1)
    lines = [f"{name}: {value}" for name, value in headers.items() if value and name != "Subject"]
    if lines:
        yield Piece("paragraph", "\n".join(lines))


def text_pieces(data: bytes | str, *, is_html: bool, charset: str = "") -> list[Piece]:
    """Blocks of a body or a text attachment."""
    if is_html:
        text = data if isinstance(data, str) else decode_html(data, charset=charset)
        return extract_html(clean_text(text))[1]
    text = data if isinstance(data, str) else decode_text(data, charset=charset)
    return list(split_text(clean_text(text)))


def _split_parts(message: EmailMessage) -> tuple[list[EmailMessage], list[EmailMessage]]:
    """Parts that make up the text, and attachments. Forwarded messages are attachments."""
    bodies: list[EmailMessage] = []
    attachments: list[EmailMessage] = []
    stack: list[EmailMessage] = [message]
    seen = 0
    while stack and seen < MAX_PARTS:
        part = stack.pop()
        seen += 1
        kind = part.get_content_type()
        if kind == "message/rfc822":
            attachments.append(part)
        elif part.is_multipart():
            inner = [item for item in part.iter_parts() if isinstance(item, EmailMessage)]
            stack.extend(reversed(inner))
        elif kind in {"text/plain", "text/html"} and not _is_attached(part):
            bodies.append(part)
        else:
            attachments.append(part)
    return bodies, attachments


def _is_attached(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_part_name(part))


def _body_pieces(bodies: list[EmailMessage]) -> list[Piece]:
    """Plain text where there is any, for it is what the sender's HTML says too."""
    plain = [part for part in bodies if part.get_content_type() == "text/plain"]
    pieces: list[Piece] = []
    for part in plain:
        pieces += text_pieces(_payload(part), is_html=False, charset=_charset(part))
    if sum(len(piece.text) for piece in pieces) >= 20 or len(plain) == len(bodies):
        return pieces
    for part in bodies:
        if part.get_content_type() == "text/html":
            pieces += text_pieces(_payload(part), is_html=True, charset=_charset(part))
    return pieces


def _attachment_pages(part: EmailMessage, name: str, *, first: int, depth: int) -> list[ParsedPage]:
    if part.get_content_type() == "message/rfc822" and depth < MAX_DEPTH:
        inner = part.get_payload()
        forwarded = inner[0] if isinstance(inner, list) and inner else None
        if isinstance(forwarded, EmailMessage):
            return read_message(forwarded, first=first, depth=depth + 1)
    kind = part.get_content_type()
    is_text = kind.startswith("text/") or PurePath(name.lower()).suffix in _TEXT_SUFFIXES
    if not is_text:
        return []
    is_html = kind == "text/html" or name.lower().endswith((".html", ".htm"))
    pieces = text_pieces(_payload(part), is_html=is_html, charset=_charset(part))
    return paginate(pieces, first=first, label=f"Attachment {name}")


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _charset(part: EmailMessage) -> str:
    declared = str(part.get_content_charset() or "")
    return "" if declared in {"us-ascii", "utf-8", "unknown-8bit"} else declared


def _part_name(part: EmailMessage) -> str:
    try:
        return squeeze(clean_text(part.get_filename() or ""))[:200]
    except (ValueError, LookupError, TypeError):
        return ""


def _header(message: EmailMessage, name: str) -> str:
    """A header's text; headers too broken to be parsed count as missing."""
    try:
        return squeeze(clean_text(str(message.get(name, ""))))[:1000]
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return ""
