"""The fetcher as an attacker sees it: a way into our network, or a way to tie us up."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.documents import fetch as module
from apps.documents.fetch import FetchError, check_address, fetch

Serve = Callable[..., str]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(FetchError) as caught:
        check_address(address)
    assert caught.value.code == "forbidden"


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_pass(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.com/a", "gopher://example.com/", "javascript:alert(1)",
        "http://", "http://[::1", "http://example.com:22/", "http://example.com:6379/",
        "http://example.com:99999/",
    ],
)  # fmt: skip
def test_other_schemes_and_ports_are_refused(url: str) -> None:
    with pytest.raises(FetchError) as caught, fetch(url):
        raise AssertionError("opened")
    assert caught.value.code == "forbidden"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:8080/", "http://2130706433/", "http://0x7f.1/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0/",
    ],
)  # fmt: skip
def test_no_spelling_of_this_machine_is_connected_to(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(FetchError) as caught, fetch(url):
        raise AssertionError("opened")
    assert caught.value.code == "forbidden"


def test_a_public_name_that_resolves_to_us_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(FetchError) as caught, fetch("http://rebind.example/"):
        raise AssertionError("opened")
    assert caught.value.code == "forbidden"


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that answers otherwise the second time gains nothing: it is asked once."""
    answers = ["93.184.215.14", "10.0.0.5"]
    targets = []

    def resolve(host: str, port: int, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    def connect(self: socket.socket, address: Any) -> None:
        targets.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(FetchError) as caught, fetch("http://rebind.example/"):
        raise AssertionError("opened")

    assert caught.value.code == "unreachable"
    assert targets == [("93.184.215.14", 80)]
    assert answers == ["10.0.0.5"]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves given bytes, one answer a connection, on a local address that may be fetched."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    stop = threading.Event()

    def start(*answers: bytes, hang: bool = False) -> str:
        def run() -> None:
            for answer in answers:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)
                    if hang:
                        stop.wait(20)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{port}/folder/page"

    yield start
    stop.set()
    listener.close()


def answer(body: bytes = b"text", status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read(url: str, **options: Any) -> tuple[str, str, bytes]:
    with fetch(url, allowed_hosts=["127.0.0.1"], **options) as page:
        return page.filename, page.media_type, b"".join(page.chunks)


def test_a_page_is_fetched_with_its_kind(serve: Serve) -> None:
    url = serve(answer(b"<p>Hello", Content_Type="text/html; charset=utf-8"))
    assert read(url) == ("page.html", "text/html", b"<p>Hello")


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Content_Type": "application/pdf"}, "page.pdf"),
        ({"Content_Type": "text/markdown"}, "page.md"),
        ({"Content_Disposition": 'attachment; filename="report.docx"'}, "report.docx"),
        ({"Content_Disposition": 'attachment; filename="../../x.txt"'}, "x.txt"),
        (
            {"Content_Disposition": "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.txt"},
            "résumé.txt",
        ),
        ({}, "page"),
    ],
)
def test_the_name_follows_what_the_server_says(
    serve: Serve, headers: dict[str, str], name: str
) -> None:
    assert read(serve(answer(b"text", "200 OK", **headers)))[0] == name


def test_redirects_are_followed_and_each_is_checked(serve: Serve) -> None:
    moved = answer(b"", "302 Found", Location="/elsewhere.txt")
    assert read(serve(moved, answer(b"there")))[2] == b"there"


def test_a_redirect_into_the_network_is_refused(serve: Serve) -> None:
    for target in ("http://10.0.0.1/", "http://169.254.169.254/latest/", "file:///etc/passwd"):
        url = serve(answer(b"", "302 Found", Location=target))
        with pytest.raises(FetchError) as caught:
            read(url)
        assert caught.value.code == "forbidden"


def test_redirects_in_a_circle_end(serve: Serve) -> None:
    url = serve(*[answer(b"", "302 Found", Location="/again")] * 10)
    with pytest.raises(FetchError) as caught:
        read(url)
    assert caught.value.code == "refused"


@pytest.mark.parametrize(
    ("status", "words"), [("401 No", "sign-in"), ("404 No", "404"), ("500 No", "500")]
)
def test_refusals_are_told(serve: Serve, status: str, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        read(serve(answer(b"", status)))


def test_packed_answers_are_unpacked_piece_by_piece(serve: Serve) -> None:
    url = serve(answer(gzip.compress(b"x" * 5_000_000), Content_Encoding="gzip"))
    with fetch(url, allowed_hosts=["127.0.0.1"]) as page:
        sizes = [len(chunk) for chunk in page.chunks]
    assert sum(sizes) == 5_000_000
    assert max(sizes) <= 16 * module.CHUNK_BYTES


def test_an_answer_that_breaks_off_is_no_page(serve: Serve) -> None:
    cut = answer(b"x" * 100)[:-50]
    with pytest.raises(FetchError):
        read(serve(cut))


def test_a_server_that_says_nothing_is_given_up(serve: Serve) -> None:
    with pytest.raises(FetchError):
        read(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin", hang=True), seconds=0.5)


def test_a_server_that_is_not_there(unused_tcp_port: int) -> None:
    with pytest.raises(FetchError) as caught:
        read(f"http://127.0.0.1:{unused_tcp_port}/")
    assert caught.value.code == "unreachable"
