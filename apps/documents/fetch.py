"""Fetches web pages without giving whoever asks for them a way into our network.

Every address is checked after name resolution, at each redirect too, and the connection is made to
the very address that was checked.
"""

from __future__ import annotations

import contextlib
import http.client
import mimetypes
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from apps.core.security.addresses import Reach, reach_of
from apps.documents.names import clean_name

PORTS = frozenset({80, 443, 8080, 8443})
MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 120.0
CHUNK_BYTES = 64 * 1024
USER_AGENT = "Plumbline/1.0 (document fetcher)"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DISPOSITION = re.compile(r"filename\*?=(?:UTF-8'')?\"?([^\";]+)", re.IGNORECASE)
_EXTENSIONS = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt",
    "text/markdown": ".md", "application/json": ".json", "application/xml": ".xml",
    "text/xml": ".xml",
}  # fmt: skip


class FetchError(Exception):
    """The page cannot be fetched. `code` is one of forbidden, unreachable, refused, timeout."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer whose body is still to be read, once, through `chunks`."""

    url: str
    filename: str
    media_type: str
    chunks: Iterator[bytes]


def check_address(text: str) -> None:
    """Raise FetchError unless this IP address is one of the public internet."""
    if reach_of(text) is not Reach.PUBLIC:
        raise FetchError(
            "forbidden", "This address is on a private network, so it is not fetched from."
        )


@contextmanager
def fetch(
    url: str, *, allowed_hosts: Collection[str] = (), seconds: float = TOTAL_SECONDS
) -> Iterator[Fetched]:
    """Open a web page, following up to five redirects. The body is read inside the block.

    `allowed_hosts` may be on a private network and on any port. Raises FetchError, also while
    the body is read.
    """
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_REDIRECTS + 1):
            parts = _check_url(url, allowed_hosts)
            connection = stack.enter_context(_connect(parts, allowed_hosts, deadline=deadline))
            response = _request(connection, parts)
            location = response.getheader("location")
            if response.status not in REDIRECTS or not location:
                _check_status(response.status)
                yield _describe(url, response)
                return
            connection.close()
            url = urljoin(url, location)
        raise FetchError("refused", "This page redirects in a circle, or too often.")


def _check_url(url: str, allowed_hosts: Collection[str]) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchError("forbidden", "This is not a web address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError("forbidden", "Only http and https addresses can be fetched.")
    if parts.hostname not in allowed_hosts and port is not None and port not in PORTS:
        raise FetchError("forbidden", f"Port {port} is not one that web pages are fetched from.")
    return parts


@contextmanager
def _connect(
    parts: SplitResult, allowed_hosts: Collection[str], *, deadline: float
) -> Iterator[http.client.HTTPConnection]:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    with _explained():
        plain = _open_socket(host, port, is_trusted=host in allowed_hosts)
        connection.sock = plain
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    # Closing the socket under the reader ends any wait, however slowly bytes trickle in.
    watchdog = threading.Timer(max(0.1, deadline - time.monotonic()), _hang_up, [connection.sock])
    watchdog.daemon = True
    watchdog.start()
    try:
        yield connection
    finally:
        watchdog.cancel()
        connection.close()


def _open_socket(host: str, port: int, *, is_trusted: bool) -> socket.socket:
    error: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        if not is_trusted:
            check_address(str(address[0]))
        candidate = socket.socket(family, kind, protocol)
        candidate.settimeout(CONNECT_SECONDS)
        try:
            candidate.connect(address)
        except OSError as failure:
            candidate.close()
            error = failure
        else:
            return candidate
    raise error or OSError("no address")


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _request(
    connection: http.client.HTTPConnection, parts: SplitResult
) -> http.client.HTTPResponse:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity, gzip;q=0.1",
    }  # fmt: skip
    with _explained():
        connection.request("GET", path.encode("ascii", "ignore").decode(), headers=headers)
        return connection.getresponse()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn network errors into sentences."""
    try:
        yield
    except TimeoutError:
        raise FetchError("timeout", "The server took too long to answer.") from None
    except ssl.SSLError:
        raise FetchError("unreachable", "The server's certificate is not valid.") from None
    except (OSError, http.client.HTTPException, UnicodeError):
        raise FetchError("unreachable", "The server cannot be reached.") from None


def _check_status(status: int) -> None:
    if status in (401, 403):
        raise FetchError("refused", "The server wants a sign-in for this page.")
    if status == 404:
        raise FetchError("refused", "The server says that there is no such page (404).")
    if not 200 <= status < 300:
        raise FetchError("refused", f"The server answered with status {status}.")


def _describe(url: str, response: http.client.HTTPResponse) -> Fetched:
    media_type = (response.getheader("content-type") or "").split(";")[0].strip().lower()
    return Fetched(
        url=url,
        filename=_choose_name(url, media_type, response.getheader("content-disposition") or ""),
        media_type=media_type[:120],
        chunks=_read_body(response),
    )


def _choose_name(url: str, media_type: str, disposition: str) -> str:
    parts = urlsplit(url)
    match = _DISPOSITION.search(disposition)
    last = parts.path.rstrip("/").rsplit("/", 1)[-1]
    name = clean_name(unquote(match.group(1) if match else last or parts.hostname or ""))
    name = name.rsplit("/", 1)[-1]
    extension = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""
    known = mimetypes.guess_type(name)[0]
    return name if known == media_type or (known and not extension) else name + extension


def _read_body(response: http.client.HTTPResponse) -> Iterator[bytes]:
    is_packed = (response.getheader("content-encoding") or "").lower() in ("gzip", "x-gzip")
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS) if is_packed else None
    while True:
        with _explained():
            chunk = response.read(CHUNK_BYTES)
        if not chunk:
            break
        if unpacker is None:
            yield chunk
            continue
        while chunk:
            try:
                yield unpacker.decompress(chunk, 16 * CHUNK_BYTES)
            except zlib.error:
                raise FetchError("unreachable", "The server's answer is damaged.") from None
            chunk = unpacker.unconsumed_tail
    if response.length:
        raise FetchError("timeout", "The server's answer broke off before its end.")
