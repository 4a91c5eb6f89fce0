"""Collections and documents through REST, as a script uses them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.documents.models import Collection, Document, DocumentVersion, Page
from apps.documents.storage import blob_root
from apps.workspaces.models import AuditEvent
from tests.factories import make_api
from tests.workers.helpers import MARKDOWN, many_pages, run_all

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/api/v1"


def new_collection(api: Any, name: str = "Handbook") -> str:
    answer = api.post_json(f"{ROOT}/collections/", {"name": name})
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def post_file(
    api: Any, collection: str, content: bytes = MARKDOWN, file_name: str = "leave.md", **fields: str
) -> Any:
    return api.post(
        f"{ROOT}/collections/{collection}/documents/",
        {"file": SimpleUploadedFile(file_name, content), **fields},
    )


def get_document(api: Any, pk: str) -> dict[str, Any]:
    answer = api.get(f"{ROOT}/documents/{pk}/")
    assert answer.status_code == 200
    return dict(answer.json())


def test_collections_are_made_listed_changed_and_deleted(api: Any) -> None:
    pk = new_collection(api)
    post_file(api, pk)
    (listed,) = api.get(f"{ROOT}/collections/").json()["results"]
    assert (listed["id"], listed["name"], listed["num_documents"]) == (pk, "Handbook", 1)
    changed = api.patch_json(f"{ROOT}/collections/{pk}/", {"name": "Rules"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Rules")
    assert api.get(f"{ROOT}/collections/{pk}/").json()["num_ready"] == 0
    assert api.delete(f"{ROOT}/collections/{pk}/").status_code == 204
    assert api.get(f"{ROOT}/collections/{pk}/").status_code == 404
    assert api.get(f"{ROOT}/collections/").json()["count"] == 0


def test_a_collections_name_is_taken_once_and_free_after_its_deletion(api: Any) -> None:
    pk = new_collection(api)
    answer = api.post_json(f"{ROOT}/collections/", {"name": "Handbook"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    other = new_collection(api, "Other")
    answer = api.patch_json(f"{ROOT}/collections/{other}/", {"name": "Handbook"})
    assert answer.status_code == 409
    post_file(api, pk)
    api.delete(f"{ROOT}/collections/{pk}/")
    assert new_collection(api) != pk


def test_an_upload_is_followed_to_its_end(api: Any) -> None:
    answer = post_file(api, new_collection(api), many_pages(3), "three.pdf")
    assert answer.status_code == 201
    sent = answer.json()
    assert (sent["state"], sent["outcome"], sent["version"]) == ("queued", "created", 1)
    run_all()
    document = get_document(api, sent["id"])
    assert (document["state"], document["reason"]) == ("ready", "")
    assert (document["pages_done"], document["pages_total"]) == (3, 3)
    assert document["num_chunks"] >= 1
    assert document["is_searchable"]


def test_the_text_is_given_with_the_offsets_of_its_pages(api: Any) -> None:
    pk = post_file(api, new_collection(api), many_pages(3), "three.pdf").json()["id"]
    run_all()
    body = api.get(f"{ROOT}/documents/{pk}/text/").json()
    pages = [body["text"][page["start"] : page["end"]] for page in body["pages"]]
    assert pages == [f"Page {number} speaks of subject {number}." for number in (1, 2, 3)]
    assert body["text"] == "\n\n".join(pages)


def test_pages_that_need_a_person_are_told_and_filtered_by(api: Any) -> None:
    collection = new_collection(api)
    path = f"{ROOT}/collections/{collection}/documents/"
    post_file(api, collection, b"Fine text", "fine.txt")
    pk = post_file(api, collection, many_pages(2), "two.pdf").json()["id"]
    run_all()
    Page.objects.filter(version__document=pk, number=2).update(confidence=61.5)

    body = api.get(f"{ROOT}/documents/{pk}/text/").json()
    assert [(page["confidence"], page["is_to_check"]) for page in body["pages"]] == [
        (None, False),
        (61.5, True),
    ]
    assert api.get(f"{ROOT}/documents/{pk}/").json()["pages_to_check"] == 1
    listed = {row["name"]: row["pages_to_check"] for row in api.get(path).json()["results"]}
    assert listed == {"fine.txt": 0, "two.pdf": 1}
    found = api.get(f"{path}?to_check=true").json()["results"]
    assert [row["name"] for row in found] == ["two.pdf"]
    assert api.get(f"{path}?to_check=false").json()["count"] == 2
    assert api.get(f"{path}?to_check=perhaps").status_code == 400


def test_the_file_comes_back_as_it_was_and_is_never_shown_in_place(api: Any) -> None:
    page = b"<html><script>alert(1)</script></html>"
    pk = post_file(api, new_collection(api), page, "page.html").json()["id"]
    answer = api.get(f"{ROOT}/documents/{pk}/file/")
    assert b"".join(answer.streaming_content) == page
    assert answer["content-disposition"].startswith("attachment")
    assert answer["content-type"] == "application/octet-stream"


def test_the_same_bytes_are_recognised_under_any_name(api: Any) -> None:
    collection = new_collection(api)
    first = post_file(api, collection).json()
    again = post_file(api, collection)
    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate")
    renamed = post_file(api, collection, file_name="copy.md")
    assert renamed.status_code == 200
    assert {again.json()["id"], renamed.json()["id"]} == {first["id"]}
    assert renamed.json()["name"] == "leave.md"
    assert DocumentVersion.objects.count() == 1
    elsewhere = post_file(api, new_collection(api, "Other"))
    assert (elsewhere.status_code, elsewhere.json()["id"] == first["id"]) == (201, False)


def test_the_same_bytes_start_a_failed_document_again(api: Any) -> None:
    collection = new_collection(api)
    pk = post_file(api, collection, b"PK\x03\x04 broken", "a.docx").json()["id"]
    run_all()
    assert get_document(api, pk)["state"] == "failed"
    again = post_file(api, collection, b"PK\x03\x04 broken", "a.docx")
    assert (again.status_code, again.json()["state"]) == (200, "queued")


def test_a_changed_file_is_a_new_version(api: Any) -> None:
    collection = new_collection(api)
    first = post_file(api, collection).json()
    run_all()
    second = post_file(api, collection, MARKDOWN + b"Changed.").json()
    assert (second["id"], second["version"], second["outcome"]) == (
        first["id"],
        2,
        "new_version",
    )
    assert (second["state"], second["is_searchable"]) == ("queued", True)
    text = api.get(f"{ROOT}/documents/{first['id']}/text/").json()
    assert (text["version"], "Changed" in text["text"]) == (1, False)
    run_all()
    text = api.get(f"{ROOT}/documents/{first['id']}/text/").json()
    assert (text["version"], "Changed" in text["text"]) == (2, True)
    versions = api.get(f"{ROOT}/documents/{first['id']}/versions/").json()["results"]
    assert [version["number"] for version in versions] == [2, 1]
    back = post_file(api, collection).json()
    assert (back["version"], back["outcome"]) == (3, "new_version")


def test_folders_are_kept_in_names_and_tricks_are_not(api: Any) -> None:
    collection = new_collection(api)
    inside = post_file(api, collection, name="team/leave.md")
    assert inside.status_code == 201
    assert inside.json()["name"] == "team/leave.md"
    tricky = post_file(api, collection, b"x y z", name="../../../etc/\u202ecron.d\\job.txt")
    assert tricky.json()["name"] == "etc/cron.d/job.txt"
    for path in blob_root().rglob("*"):
        assert path.is_dir() or len(path.name) == 64


def test_an_empty_file_fails_with_its_reason(api: Any) -> None:
    answer = post_file(api, new_collection(api), b"", "empty.txt")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["reason_code"]) == ("failed", "empty")
    assert "empty" in body["reason"]
    run_all()
    assert get_document(api, body["id"])["state"] == "failed"


def test_a_file_beyond_the_limit_is_refused_and_not_kept(api: Any, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    answer = post_file(api, new_collection(api), b"x" * 11)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer["content-type"].startswith("application/problem+json")
    assert not Document.objects.exists()
    assert not [path for path in blob_root().rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "body", [{}, {"url": "not an address"}, {"url": "file:///etc/passwd"}, {"url": ""}]
)
def test_requests_without_a_file_or_an_address_are_refused(api: Any, body: dict[str, str]) -> None:
    answer = api.post_json(f"{ROOT}/collections/{new_collection(api)}/documents/", body)
    assert answer.status_code == 400
    assert not Document.objects.exists()


def test_an_address_is_taken(api: Any) -> None:
    answer = api.post_json(
        f"{ROOT}/collections/{new_collection(api)}/documents/",
        {"url": "https://example.com/handbook/leave?x=1"},
    )
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["state"]) == ("example.com/handbook/leave?x=1", "queued")


def test_cancel_and_retry(api: Any) -> None:
    pk = post_file(api, new_collection(api)).json()["id"]
    assert api.post(f"{ROOT}/documents/{pk}/retry/").status_code == 409
    cancelled = api.post(f"{ROOT}/documents/{pk}/cancel/").json()
    assert (cancelled["state"], cancelled["reason_code"]) == ("failed", "cancelled")
    assert api.post(f"{ROOT}/documents/{pk}/cancel/").status_code == 200
    assert api.post(f"{ROOT}/documents/{pk}/retry/").json()["state"] == "queued"
    run_all()
    assert get_document(api, pk)["state"] == "ready"


def test_a_deleted_document_is_gone_from_every_address(api: Any) -> None:
    collection = new_collection(api)
    pk = post_file(api, collection).json()["id"]
    run_all()
    assert api.delete(f"{ROOT}/documents/{pk}/").status_code == 204
    for path in ("", "text/", "file/", "versions/"):
        assert api.get(f"{ROOT}/documents/{pk}/{path}").status_code == 404
    for path in ("retry/", "cancel/"):
        assert api.post(f"{ROOT}/documents/{pk}/{path}").status_code == 404
    assert api.delete(f"{ROOT}/documents/{pk}/").status_code == 404
    assert api.get(f"{ROOT}/collections/{collection}/documents/").json()["count"] == 0
    assert api.get(f"{ROOT}/collections/{collection}/").json()["num_documents"] == 0


def test_lists_are_paged_filtered_and_the_latest_comes_first(api: Any) -> None:
    collection = new_collection(api)
    for number in range(5):
        post_file(api, collection, f"Text {number}".encode(), f"file{number}.txt")
    path = f"{ROOT}/collections/{collection}/documents/"
    first = api.get(f"{path}?page_size=2").json()
    assert (first["count"], [row["name"] for row in first["results"]]) == (
        5,
        ["file4.txt", "file3.txt"],
    )
    assert "page=2" in first["next"]
    found = api.get(f"{path}?name=FILE2").json()["results"]
    assert [row["name"] for row in found] == ["file2.txt"]


def test_two_workspaces_with_the_same_documents_see_nothing_of_each_other(
    api: Any, other_api: Any
) -> None:
    mine, theirs = new_collection(api), new_collection(other_api)
    pk = post_file(api, mine).json()["id"]
    other = post_file(other_api, theirs)
    assert (other.status_code, other.json()["outcome"]) == (201, "created")
    run_all()
    assert other_api.get(f"{ROOT}/collections/").json()["count"] == 1
    for path in ("", "text/", "file/", "versions/"):
        assert other_api.get(f"{ROOT}/documents/{pk}/{path}").status_code == 404
    for path in ("retry/", "cancel/"):
        assert other_api.post(f"{ROOT}/documents/{pk}/{path}").status_code == 404
    assert other_api.delete(f"{ROOT}/documents/{pk}/").status_code == 404
    assert other_api.get(f"{ROOT}/collections/{mine}/").status_code == 404
    assert other_api.get(f"{ROOT}/collections/{mine}/documents/").status_code == 404
    assert other_api.patch_json(f"{ROOT}/collections/{mine}/", {"name": "x"}).status_code == 404
    assert other_api.delete(f"{ROOT}/collections/{mine}/").status_code == 404
    assert post_file(other_api, mine, b"mine now").status_code == 404
    assert get_document(api, pk)["state"] == "ready"
    assert {path.parent.parent.name for path in blob_root().rglob("*") if path.is_file()} == {
        str(row.workspace_id) for row in Collection.objects.all()
    }


def test_unknown_ids_and_missing_keys(api: Any, client: Any) -> None:
    unknown = uuid.uuid4()
    for path in (f"documents/{unknown}/", f"collections/{unknown}/"):
        assert api.get(f"{ROOT}/{path}").status_code == 404
        answer = client.get(f"{ROOT}/{path}")
        assert answer.status_code == 401
        assert answer["content-type"].startswith("application/problem+json")


def test_a_key_that_may_only_read_changes_nothing(api: Any, workspace: Any, owner: Any) -> None:
    collection = new_collection(api)
    pk = post_file(api, collection).json()["id"]
    reader = make_api(workspace, owner, scopes=["read"])
    assert reader.get(f"{ROOT}/documents/{pk}/").status_code == 200
    assert post_file(reader, collection, b"another").status_code == 403
    assert reader.delete(f"{ROOT}/documents/{pk}/").status_code == 403
    assert reader.post(f"{ROOT}/documents/{pk}/cancel/").status_code == 403
    chatter = make_api(workspace, owner, scopes=["chat"])
    assert chatter.get(f"{ROOT}/documents/{pk}/").status_code == 403


def test_what_was_done_stands_in_the_audit_log(api: Any) -> None:
    collection = new_collection(api)
    pk = post_file(api, collection).json()["id"]
    api.delete(f"{ROOT}/documents/{pk}/")
    events = AuditEvent.objects.filter(api_key__isnull=False).order_by("created_at")
    assert list(events.values_list("action", flat=True)) == [
        "collection.created",
        "document.uploaded",
        "document.deleted",
    ]
