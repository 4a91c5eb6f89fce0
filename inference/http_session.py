"""HTTP sessions to model servers: pooled per event loop, guarded at the moment of connecting."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import aiohttp

# Called with the numeric address and port about to be connected to; raises to forbid it.
AddressCheck: TypeAlias = Callable[[str, int], None]

KEEP_ALIVE_SECONDS = 30.0
DNS_CACHE_SECONDS = 10


class AddressRefusedError(OSError):
    """The address check forbade a connection."""


_sessions: WeakKeyDictionary[
    asyncio.AbstractEventLoop, dict[AddressCheck | None, aiohttp.ClientSession]
] = WeakKeyDictionary()


def get_session(check_address: AddressCheck | None) -> aiohttp.ClientSession:
    """Return the running loop's session for this check; connections are kept alive and reused.

    Sessions of different checks share no connection, so none is used that its check did not see.
    Pass the same function every time: each distinct one has a session of its own.
    """
    sessions = _sessions.setdefault(asyncio.get_running_loop(), {})
    session = sessions.get(check_address)
    if session is None or session.closed:
        session = sessions[check_address] = open_session(check_address)
    return session


async def close_sessions() -> None:
    """Close the running loop's sessions; call it when the server stops."""
    for session in _sessions.pop(asyncio.get_running_loop(), {}).values():
        await session.close()


def open_session(check_address: AddressCheck | None) -> aiohttp.ClientSession:
    """Open a session that ignores proxies of the environment, keeps no cookies and unpacks nothing.

    A response is never decompressed, so a small one cannot grow in memory.
    """
    connector = aiohttp.TCPConnector(
        limit=0,
        ttl_dns_cache=DNS_CACHE_SECONDS,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        socket_factory=_make_socket_factory(check_address) if check_address else None,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )


def _make_socket_factory(check_address: AddressCheck) -> Callable[[Any], socket.socket]:
    """Wrap the check where sockets are made.

    The address there is the one that is connected to, whatever a name resolved to before.
    """

    def make_socket(address_info: Any) -> socket.socket:
        family, kind, protocol, _, address = address_info
        try:
            check_address(str(address[0]), int(address[1]))
        except Exception as error:
            raise AddressRefusedError("address refused") from error
        return socket.socket(family, kind, protocol)

    return make_socket
