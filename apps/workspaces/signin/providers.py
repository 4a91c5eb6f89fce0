"""The providers of OIDC_PROVIDERS, and the connections that sign-in makes to them."""

from __future__ import annotations

import socket
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from apps.core.security.addresses import Reach, reach_of
from apps.workspaces.signin.oidc import Provider

TIMEOUT_S = 10.0


def list_providers() -> list[Provider]:
    """The providers that people may sign in through, in the administrator's order."""
    return list(settings.OIDC_PROVIDERS)


def find_provider(provider_id: str) -> Provider | None:
    return next((row for row in settings.OIDC_PROVIDERS if row.id == provider_id), None)


def may_connect(host: str, port: int, address: str) -> bool:
    """Whether sign-in may connect to this IP address, to which the host's name resolved.

    On a private network only the very issuers that the administrator named are connected to; what
    they name in turn, such as the address for tokens, is public or on the same host and port.
    """
    reach = reach_of(address)
    if reach is Reach.PRIVATE:
        return any(row.origin == (host.lower(), port) for row in settings.OIDC_PROVIDERS)
    return reach is Reach.PUBLIC


def open_session() -> requests.Session:
    """A session that follows no redirect, knows no proxy of the environment, checks addresses."""
    session = _Session()
    session.trust_env = False
    session.mount("http://", _GuardedAdapter())
    session.mount("https://", _GuardedAdapter())
    return session


class _Session(requests.Session):
    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", TIMEOUT_S)
        kwargs["allow_redirects"] = False
        return super().request(*args, **kwargs)


def _connect(connection: HTTPConnection) -> socket.socket:
    """Connect to the first address that answers, and to none that was not checked."""
    host, port = connection.host, int(connection.port)
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, target in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        if not may_connect(host, port, str(target[0])):
            raise NewConnectionError(connection, "This address may not be contacted.")
        candidate = socket.socket(family, kind, protocol)
        candidate.settimeout(TIMEOUT_S)
        try:
            candidate.connect(target)
        except OSError as error:
            candidate.close()
            failure = error
        else:
            return candidate
    raise NewConnectionError(connection, "It cannot be reached.") from failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
