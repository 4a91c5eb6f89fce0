"""A pasted address becomes a document."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from apps.documents.models import Collection, Document, DocumentVersion, VersionState
from apps.documents.services import add_url, retry_document
from apps.workspaces.services import Actor
from tests.workers.helpers import newest, run_all
from tests.workers.test_ingest import check_whole

pytestmark = pytest.mark.django_db(transaction=True)


class _Site(http.server.BaseHTTPRequestHandler):
    body = b"<html><head><title>Leave</title></head><body><p>25 days of leave.</p></body></html>"
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def site(settings: Any) -> Iterator[tuple[type[_Site], str]]:
    handler = type("Site", (_Site,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.FETCH_ALLOWED_HOSTS = ["127.0.0.1"]
    yield handler, f"http://127.0.0.1:{server.server_port}/leave"
    server.shutdown()
    server.server_close()


def test_a_page_is_fetched_and_read(collection: Collection, site: Any) -> None:
    outcome = add_url(collection, url=site[1], actor=Actor())
    assert (outcome.outcome, outcome.document.name) == ("created", "127.0.0.1/leave")
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.filename) == (VersionState.READY, "leave.html")
    check_whole(version)
    assert "25 days" in version.pages.get().text


def test_the_same_page_again_is_recognised_and_a_changed_one_is_a_version(
    collection: Collection, site: Any
) -> None:
    outcome = add_url(collection, url=site[1], actor=Actor())
    assert add_url(collection, url=site[1], actor=Actor()).outcome == "duplicate"
    run_all()
    add_url(collection, url=site[1], actor=Actor())
    run_all()
    assert DocumentVersion.objects.count() == 1
    site[0].body = b"<html><body><p>30 days of leave.</p></body></html>"
    add_url(collection, url=site[1], actor=Actor())
    run_all()
    document = Document.objects.get()
    assert document.pk == outcome.document.pk
    assert document.current == newest(document)
    assert "30 days" in newest(document).pages.get().text


def test_a_page_that_fails_can_be_retried(collection: Collection, site: Any) -> None:
    site[0].status = 404
    outcome = add_url(collection, url=site[1], actor=Actor())
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.reason_code) == (VersionState.FAILED, "refused")
    assert "404" in version.reason
    site[0].status = 200
    retry_document(outcome.document, actor=Actor())
    run_all()
    assert newest(outcome.document).state == VersionState.READY


def test_a_page_that_is_too_large_is_not_kept(
    collection: Collection, site: Any, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 20
    outcome = add_url(collection, url=site[1], actor=Actor())
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.reason_code, version.blob) == ("failed", "too_large", "")


def test_our_own_network_is_not_fetched_from(
    collection: Collection, site: Any, settings: Any
) -> None:
    settings.FETCH_ALLOWED_HOSTS = []
    url = site[1].replace(site[1].split(":")[2].split("/")[0], "8080")
    outcome = add_url(collection, url=url, actor=Actor())
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.reason_code) == (VersionState.FAILED, "forbidden")
