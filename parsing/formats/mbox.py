"""Mailboxes (MBOX): mails in one file, each read as a mail of its own."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator

from parsing.formats.common import emit_pages
from parsing.formats.mail import read_message
from parsing.mail.attachments import AttachmentReader
from parsing.source import Source
from parsing.text import decode_text
from parsing.types import Opened, ParsedPage, ParseError

MAX_MESSAGES = 20_000
_START = re.compile(rb"(?:\A\s*|\r?\n\r?\n)From [^\r\n]*\r?\n(?=[!-9;-~]+:)")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """The mails one after the other, each with its attachments; ParseError if there is none."""
    data = source.read()
    if source.charset.startswith("utf-16"):
        data = decode_text(data, charset=source.charset).encode("utf-8")
    starts = list(_START.finditer(data))
    if not starts:
        raise ParseError("corrupt", "This file is called a mailbox, but no mail was found in it.")
    ends = [match.start() for match in starts[1:]] + [len(data)]
    reader = AttachmentReader(source)
    pages: list[ParsedPage] = []
    chars = count = 0
    for start, end in zip(starts[:MAX_MESSAGES], ends, strict=False):
        if reader.is_late or len(pages) >= source.limits.pages:
            break
        body = _QUOTED.sub(rb"\1", data[start.end() : end])
        message = email.message_from_bytes(body, policy=email.policy.default)
        mail = read_message(message, reader=reader, first=len(pages) + 1, depth=source.depth)
        chars += sum(len(page.text) for page in mail)
        if chars > source.limits.output_chars or len(pages) + len(mail) > source.limits.pages:
            break
        pages += mail
        count += 1
    if count < len(starts):
        source.add_note(f"Only the first {count:,} of {len(starts):,} mails were read.")
    if reader.note:
        source.add_note(reader.note)
    yield from emit_pages(source, pages, metadata={"mails": f"{count:,}"})
