"""A disk without room: files are refused in words, nothing breaks, and all goes on afterwards."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from apps.core.disk import space
from apps.core.models import JobKind
from apps.documents import services
from apps.documents.models import Collection, Document
from apps.documents.storage import receive_blob
from apps.workspaces.models import User, Workspace
from tests.documents.make import make_collection
from tests.small_disk import small_disk
from workers.claims import claim_due, claim_swarm
from workers.failures import is_temporary

__all__ = ["small_disk"]
pytestmark = pytest.mark.django_db

MB = 1_000_000


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class Disk:
    """What the system says about the disk of DATA_DIR."""

    free = 10_000 * MB

    def usage(self, _path: object) -> Usage:
        return Usage(20_000 * MB, 0, self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(shutil, "disk_usage", disk.usage)
    return disk


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


@pytest.fixture
def browser(client_for: Callable[[User], Client], editor: User) -> Client:
    return client_for(editor)


def upload(browser: Client, collection: Collection, **headers: str) -> Any:
    return browser.post(
        f"/w/acme/collections/{collection.pk}/upload/",
        {"file": SimpleUploadedFile("leave.md", b"Leave is 25 days.")},
        headers=headers,
    )


def test_the_page_says_507_and_takes_the_file_once_there_is_room(
    browser: Client, collection: Collection, disk: Disk
) -> None:
    disk.free = 100 * MB
    page = upload(browser, collection)
    assert page.status_code == 507
    assert "The server&#x27;s disk is full" in page.content.decode()
    script = upload(browser, collection, accept="application/json")
    assert (script.status_code, script.json()["detail"]) == (507, space.NO_ROOM)
    assert not Document.objects.exists()
    disk.free = 1000 * MB
    assert upload(browser, collection, accept="application/json").status_code == 201
    assert Document.objects.count() == 1


def test_rest_says_507_in_words(api: Any, collection: Collection, disk: Disk) -> None:
    disk.free = 100 * MB
    response = api.post(
        f"/api/v1/collections/{collection.pk}/documents/",
        {"file": SimpleUploadedFile("leave.md", b"Leave is 25 days.")},
    )
    assert response.status_code == 507
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "no_room"
    assert response.json()["detail"] == space.NO_ROOM


def test_the_reserve_is_a_setting(
    browser: Client, collection: Collection, disk: Disk, settings: Any
) -> None:
    disk.free = 100 * MB
    settings.MIN_FREE_BYTES = 50 * MB
    assert upload(browser, collection, accept="application/json").status_code == 201


def test_people_see_why(browser: Client, collection: Collection, disk: Disk) -> None:
    address = f"/w/acme/collections/{collection.pk}/"
    assert "No files are taken" not in browser.get(address).content.decode()
    disk.free = 100 * MB
    for page in (address, "/w/acme/documents/"):
        text = browser.get(page).content.decode()
        assert "disk has 100 MB left, less than the 500 MB that are kept free" in text
    checks = {check["name"]: check for check in browser.get("/readyz").json()["checks"]}
    assert not checks["disk"]["ok"]
    assert "100 MB left" in checks["disk"]["detail"]
    assert "100 MB left" in browser.get("/status").content.decode()


def test_a_short_disk_does_not_take_the_server_out_of_service(client: Client, disk: Disk) -> None:
    before = client.get("/readyz").status_code
    disk.free = 0
    after = client.get("/readyz")
    assert after.status_code == before == 200
    assert after.json()["ready"] is True


def test_jobs_wait_unless_they_make_room(
    browser: Client, collection: Collection, disk: Disk
) -> None:
    upload(browser, collection)
    document = Document.objects.get()
    disk.free = 100 * MB
    assert claim_due(JobKind.PARSE_VERSION) == []
    assert claim_swarm(JobKind.PARSE_VERSION, limit=8) == []
    browser.post(f"/w/acme/documents/{document.pk}/delete/")
    assert len(claim_due(JobKind.PURGE_DOCUMENT)) == 1
    disk.free = 1000 * MB
    assert len(claim_due(JobKind.PARSE_VERSION)) <= 1


def test_waiting_jobs_go_on_by_themselves(
    browser: Client, collection: Collection, disk: Disk
) -> None:
    upload(browser, collection)
    disk.free = 100 * MB
    assert claim_due(JobKind.PARSE_VERSION) == []
    disk.free = 1000 * MB
    assert len(claim_due(JobKind.PARSE_VERSION)) == 1


def test_a_full_disk_is_nobodys_fault_and_tried_again() -> None:
    full = OperationalError("could not extend file")
    full.__cause__ = psycopg.errors.DiskFull("could not extend file")
    assert is_temporary(OSError(errno.ENOSPC, "No space left on device"))
    assert is_temporary(space.NoRoomError())
    assert space.is_full(full)
    assert not space.is_full(OperationalError("gone"))
    assert not is_temporary(OSError(errno.EACCES, "Permission denied"))


@pytest.mark.parametrize("path", ["/w/acme/collections/", "/api/v1/collections/"])
def test_whatever_meets_a_full_disk_says_so(
    browser: Client, api: Any, monkeypatch: pytest.MonkeyPatch, collection: Collection, path: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(services, "receive_blob", fail)
    is_api = path.startswith("/api")
    client = api if is_api else browser
    client.raise_request_exception = False
    end = "documents/" if is_api else "upload/"
    response = client.post(
        f"{path}{collection.pk}/{end}", {"file": SimpleUploadedFile("leave.md", b"Leave.")}
    )
    assert response.status_code == 507
    assert (
        "disk is full" in response.content.decode()
        or "The disk is full" in response.content.decode()
    )


@pytest.fixture
def tiny(small_disk: Path, settings: Any) -> Path:
    settings.DATA_DIR = small_disk
    settings.MIN_FREE_BYTES = 0
    return small_disk


def test_a_real_disk_that_fills_up_keeps_nothing_of_the_file(
    tiny: Path, workspace: Workspace
) -> None:
    filler = tiny / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    with pytest.raises(space.NoRoomError):
        receive_blob(workspace.pk, [b"x" * 65536], limit=MB)
    assert [path for path in tiny.rglob("*") if path.is_file()] == [filler]
    filler.unlink()
    assert receive_blob(workspace.pk, [b"x" * 65536], limit=MB).size == 65536
