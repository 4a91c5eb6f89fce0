"""E-mail (EML): headers, text, and what is attached, each by the reader of its format."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

from parsing.formats.common import emit_pages
from parsing.mail.attachments import MAX_DEPTH, AttachmentReader
from parsing.mail.body import choose_body, join_flowed, text_pieces
from parsing.mail.tnef import is_tnef, read_tnef
from parsing.source import Source
from parsing.text import Piece, clean_text, decode_text, paginate, squeeze
from parsing.types import Opened, ParsedPage

_HEADERS = ("From", "To", "Cc", "Date")
_REPORTS = frozenset({"message/delivery-status", "message/disposition-notification"})
_TEXTS = frozenset({"text/plain", "text/html"})
_OTHER_VIEWS = frozenset({"text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext"})
MAX_PARTS = 500


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """The message first, then each attachment and forwarded message."""
    data = source.read()
    if source.charset.startswith("utf-16"):
        data = decode_text(data, charset=source.charset).encode("utf-8")
    message = email.message_from_bytes(data.lstrip(), policy=email.policy.default)
    reader = AttachmentReader(source)
    pages = read_message(message, reader=reader, depth=source.depth)
    if reader.note:
        source.add_note(reader.note)
    subject = _header(message, "Subject")
    metadata = {name.lower(): _header(message, name) for name in _HEADERS}
    yield from emit_pages(source, pages, title=subject, metadata=metadata)


def read_message(
    message: EmailMessage, *, reader: AttachmentReader, first: int = 1, depth: int = 0
) -> list[ParsedPage]:
    """Pages of a message and of what is attached to it."""
    parts = _Parts()
    _sort_parts(message, parts, level=0)
    pieces = list(header_pieces({name: _header(message, name) for name in ("Subject", *_HEADERS)}))
    pieces += parts.body
    names = [_part_name(part) for part in parts.attachments]
    if any(names):
        pieces.append(
            Piece("paragraph", "Attachments: " + ", ".join(name for name in names if name))
        )
    pages = paginate(pieces, first=first, label=_header(message, "Subject"))
    for part, name in zip(parts.attachments, names, strict=True):
        place = first + len(pages)
        pages += _attachment_pages(part, name, reader=reader, first=place, depth=depth)
    if parts.left_out:
        reader.refuse("more parts", f"a mail is read with {MAX_PARTS} parts at most")
    return pages


def header_pieces(headers: dict[str, str]) -> Iterator[Piece]:
    """The subject as a heading and the other headers as one paragraph."""
    subject = headers.get("Subject", "")
    if subject:
        yield Piece("heading", subject, level=1)
    lines = [f"{name}: {value}" for name, value in headers.items() if value and name != "Subject"]
    if lines:
        yield Piece("paragraph", "\n".join(lines))


@dataclass(slots=True)
class _Parts:
    """Blocks of the text, and parts that are attached. Forwarded messages are attachments."""

    body: list[Piece] = field(default_factory=list)
    attachments: list[EmailMessage] = field(default_factory=list)
    count: int = 0
    left_out: bool = False


def _sort_parts(part: EmailMessage, parts: _Parts, *, level: int) -> None:
    parts.count += 1
    if parts.count > MAX_PARTS or level > 50:
        parts.left_out = True
        return
    kind = part.get_content_type()
    if kind == "message/rfc822":
        parts.attachments.append(part)
    elif kind in _REPORTS:
        report = "\n".join(str(inner) for inner in _children(part)) or _payload(part).decode(
            "utf-8", "replace"
        )
        parts.body += text_pieces(report, is_html=False)
    elif part.is_multipart():
        if kind == "multipart/alternative":
            _choose_alternative(part, parts, level=level)
            return
        for child in _children(part):
            _sort_parts(child, parts, level=level + 1)
    elif kind in _TEXTS and not _is_attached(part):
        parts.body += _body_pieces(part)
    else:
        parts.attachments.append(part)


def _choose_alternative(part: EmailMessage, parts: _Parts, *, level: int) -> None:
    """The fullest of the parts that hold the same content in different forms."""
    plain: list[Piece] = []
    page: list[Piece] = []
    for child in _children(part):
        if child.get_content_type() in _OTHER_VIEWS:
            continue
        inner = _Parts(count=parts.count)
        _sort_parts(child, inner, level=level + 1)
        parts.count, parts.left_out = inner.count, parts.left_out or inner.left_out
        parts.attachments += inner.attachments
        if child.get_content_type() == "text/plain":
            plain += inner.body
        else:
            page += inner.body
    parts.body += choose_body(plain, page)


def _children(part: EmailMessage) -> list[EmailMessage]:
    payload = part.get_payload()
    inner = payload if isinstance(payload, list) else []
    return [item for item in inner if isinstance(item, EmailMessage)]


def _is_attached(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_part_name(part))


def _body_pieces(part: EmailMessage) -> list[Piece]:
    payload, charset = _payload(part), _charset(part)
    if part.get_content_type() == "text/html":
        return text_pieces(payload, is_html=True, charset=charset)
    text = decode_text(payload, charset=charset)
    if _parameter(part, "format").lower() == "flowed":
        text = join_flowed(text, delsp=_parameter(part, "delsp").lower() == "yes")
    return text_pieces(text, is_html=False)


def _attachment_pages(
    part: EmailMessage, name: str, *, reader: AttachmentReader, first: int, depth: int
) -> list[ParsedPage]:
    kind = part.get_content_type()
    if kind == "message/rfc822":
        forwarded = next(iter(_children(part)), None)
        if forwarded is None or depth >= MAX_DEPTH:
            why = "it is empty" if forwarded is None else "mails are nested too deeply"
            reader.refuse(name or "a forwarded message", why)
            return []
        return read_message(forwarded, reader=reader, first=first, depth=depth + 1)
    data = _payload(part)
    if is_tnef(data):
        return _tnef_pages(data, reader=reader, first=first, depth=depth)
    if kind.startswith("text/") and _charset(part):
        data = decode_text(data, charset=_charset(part)).encode("utf-8", "replace")
    return reader.read(data, name=name, media_type=kind, first=first, depth=depth)


def _tnef_pages(
    data: bytes, *, reader: AttachmentReader, first: int, depth: int
) -> list[ParsedPage]:
    """What Outlook put into a winmail.dat: its text, if the mail has none, and its attachments."""
    content = read_tnef(data)
    if content.damage:
        reader.refuse("winmail.dat", content.damage)
    plain = text_pieces(content.text, is_html=False)
    page = text_pieces(content.html, is_html=True) if content.html else []
    pieces = choose_body(plain, page)
    names = [name for name, _ in content.attachments]
    if names:
        pieces.append(Piece("paragraph", "Attachments: " + ", ".join(filter(None, names))))
    pages = paginate(pieces, first=first, label="Attachment winmail.dat")
    for name, body in content.attachments:
        place = first + len(pages)
        if is_tnef(body) and depth < MAX_DEPTH:
            pages += _tnef_pages(body, reader=reader, first=place, depth=depth + 1)
        else:
            pages += reader.read(body, name=name, media_type="", first=place, depth=depth)
    return pages


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _charset(part: EmailMessage) -> str:
    declared = str(part.get_content_charset() or "")
    return "" if declared in {"us-ascii", "utf-8", "unknown-8bit"} else declared


def _parameter(part: EmailMessage, name: str) -> str:
    """A parameter of the content type, or an empty string."""
    try:
        return str(part.get_param(name, ""))
    except (ValueError, LookupError, TypeError):
        return ""


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
