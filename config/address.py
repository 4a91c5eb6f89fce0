"""The address of the web server, and whether it answers there."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

BACKLOG = 4096
WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class AddressError(RuntimeError):
    """The web server cannot listen there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """HOST and PORT."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address to type into a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def listen(self) -> socket.socket:
        """The socket that the web server takes its connections from; raises AddressError.

        It listens at once: of two programs that start in the same second, one gets the port and
        the other an error. Connections wait in it until the web server is ready for them.
        """
        try:
            family, kind, protocol, _, target = socket.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.socket(family, kind, protocol)
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(target)
                listener.listen(BACKLOG)
            except OSError:
                listener.close()
                raise
            return listener
        except socket.gaierror as error:
            raise AddressError(f"Cannot listen on {self.url}: no such address here.") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressError(
                    f"Port {self.port} is in use. Stop what uses it, or choose another one: "
                    f"make run PORT={self.port + 1}"
                ) from error
            raise AddressError(f"Cannot listen on {self.url}: {error.strerror}.") from error

    def answers_ready(self, *, timeout_s: float = 2.0) -> bool:
        """Whether GET /readyz answers 200 within `timeout_s` seconds.

        Written by hand, because an HTTP client library would more than double the memory of
        the supervisor.
        """
        target = (WILDCARDS.get(self.host, self.host), self.port)
        try:
            with socket.create_connection(target, timeout=timeout_s) as connection:
                connection.sendall(
                    b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                return connection.recv(64).split(b" ", 2)[1:2] == [b"200"]
        except OSError:
            return False
