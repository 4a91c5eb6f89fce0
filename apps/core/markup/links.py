"""Where links in answers lead: to hosts that a workspace trusts at once, to others past a notice.

Pure. A model can write any link under any text, so its host is shown beside the text, and an
address that is neither of the web nor a mail address becomes plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.core.signing import BadSignature, Signer

MAX_HOSTS = 100
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")
_ANY_HOST = re.compile(r"[a-z0-9._:-]+")
"""Names and addresses of any form, but nothing that a browser might read in another way."""
_MAIL = re.compile(r"mailto:[^\s?<>\"]+@[^\s?<>\"]+", re.IGNORECASE)


class BadHostError(ValueError):
    """Something is no name of a host; the message says what and what would be right."""


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """`hosts`, and those below them, open at once. `notice_path` is the page before all others.

    `realm` is what signatures hold for: a link that one workspace signed is nothing in another.
    """

    hosts: tuple[str, ...]
    notice_path: str
    realm: str

    def address(self, url: str) -> str:
        """What a link to this address of the web gets as its target."""
        host = host_of(url)
        if any(host == known or host.endswith(f".{known}") for known in self.hosts):
            return url
        signature = _signer(self.realm).signature(url)
        return f"{self.notice_path}?{urlencode({'to': url, 'sign': signature})}"


def host_of(url: str) -> str:
    """The host that an address of the web leads to; empty for anything else."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host if parts.scheme in ("http", "https") and _ANY_HOST.fullmatch(host) else ""


def is_mail(url: str) -> bool:
    """Whether it is a mail address and nothing more: no subject, no text, no copies."""
    return _MAIL.fullmatch(url) is not None


def read_signed(url: str, signature: str, *, realm: str) -> str:
    """The address of a link that this workspace signed; empty if it did not."""
    try:
        return str(_signer(realm).unsign(f"{url}:{signature}")) if host_of(url) else ""
    except BadSignature:
        return ""


def _signer(realm: str) -> Signer:
    return Signer(salt=f"links in answers of {realm}")


def clean_hosts(hosts: Iterable[str]) -> list[str]:
    """Hosts as they are kept: lower case, each once. Raises BadHostError."""
    cleaned: dict[str, None] = {}
    for text in hosts:
        host = text.strip().lower().rstrip(".")
        if not host:
            continue
        if not _HOST.fullmatch(host):
            raise BadHostError(f"“{text.strip()[:80]}” is no host. Write it as docs.example.com.")
        cleaned[host] = None
    if len(cleaned) > MAX_HOSTS:
        raise BadHostError(f"At most {MAX_HOSTS} hosts can be trusted.")
    return list(cleaned)
