from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.address import Address, AddressError


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def answer(listener: socket.socket, text: bytes) -> bytes:
    connection, _ = listener.accept()
    with connection:
        request = connection.recv(4096)
        connection.sendall(text)
    return request


def test_a_busy_port_is_explained(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(AddressError, match=rf"Port {port} is in use.*PORT={port + 1}"):
        Address("127.0.0.1", port).listen()


def test_a_free_port_is_taken_at_once(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    address = Address("127.0.0.1", port)
    with address.listen():
        with pytest.raises(AddressError, match="is in use"):
            address.listen()
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            assert not address.answers_ready(timeout_s=0.05)  # it waits for the web server


def test_an_address_of_another_machine_is_explained() -> None:
    with pytest.raises(AddressError, match="Cannot listen on"):
        Address("192.0.2.1", 8000).listen()


def test_addresses_as_one_types_them() -> None:
    assert Address("127.0.0.1", 8000).url == "http://127.0.0.1:8000"
    assert Address("::1", 8000).url == "http://[::1]:8000"


@pytest.mark.parametrize(
    ("response", "ready"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n200", False),
        (b"", False),
    ],
)
def test_ready_means_a_200(listener: socket.socket, response: bytes, ready: bool) -> None:
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(answer, listener, response)
        # A wildcard host is asked on the loopback.
        assert Address("0.0.0.0", listener.getsockname()[1]).answers_ready() is ready
        assert request.result().startswith(b"GET /readyz HTTP/1.1\r\n")


def test_nobody_there_is_not_ready(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    assert not Address("127.0.0.1", port).answers_ready()
