"""Files that become examples: every row or none, and whatever is in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.datasets.models import Dataset, Example
from apps.datasets.services import create_dataset
from apps.datasets.transfer import tables
from apps.datasets.transfer.importing import import_file
from apps.datasets.transfer.tables import RowError, TableError, read_table
from apps.workspaces.services import Actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(workspace: Any) -> Dataset:
    return create_dataset(workspace, name="Leave", actor=Actor())


def excel(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def rows_of(data: bytes, name: str) -> list[Any]:
    return list(read_table(data, filename=name))


def test_a_sheet_as_people_make_them(dataset: Dataset) -> None:
    text = (
        "\ufeffQuestion;Expected Answer;Tags;Passage;Document;Answerable\n"
        'How long?;"Four weeks; always.";notice, hr;"One.\n\nTwo.";a.md;yes\n\n'
        "Wer zahlt?;;;;;no\n"
    )
    outcome = import_file(dataset, data=text.encode(), filename="cases.csv", actor=Actor())
    assert (outcome.num_imported, outcome.num_errors) == (2, 0)
    first, second = Example.objects.order_by("position")
    assert first.expected_answer == "Four weeks; always."
    assert first.tags == ["notice", "hr"]
    assert [(p["text"], p["document_name"]) for p in first.expected_passages] == [
        ("One.", "a.md"), ("Two.", "a.md"),
    ]  # fmt: skip
    assert (second.is_answerable, second.language) == (False, "de")
    assert (first.source_kind, first.source_note) == ("import", "cases.csv")


def test_what_was_exported_comes_back(
    dataset: Dataset, workspace: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    lines = (
        b'{"question": "=1+1", "expected_answer": "2", "other_answers": ["two"], "tags": ["x"],'
        b' "expected_passages": [{"text": "t", "document_id": "", "document_name": "a.md",'
        b' "start": 3, "end": 4}], "history": [{"question": "q", "answer": "a"}]}\n'
    )
    import_file(dataset, data=lines, filename="a.jsonl", actor=Actor())
    client = client_for(editor)
    for kind in ("jsonl", "csv"):
        address = f"/w/acme/evaluate/datasets/{dataset.pk}/versions/0/export.{kind}"
        data = b"".join(client.get(address).streaming_content)  # type: ignore[attr-defined]
        copy = create_dataset(workspace, name=f"Copy {kind}", actor=Actor())
        import_file(copy, data=data, filename=f"a.{kind}", actor=Actor())
        example = Example.objects.get(version__dataset=copy)
        assert (example.question, example.expected_answer) == ("=1+1", "2")
        assert example.tags == ["x"]
        assert example.expected_passages[0]["text"] == "t"
    exact = Example.objects.get(version__dataset__name="Copy jsonl")
    assert exact.expected_passages[0]["start"] == 3
    assert exact.history == [{"question": "q", "answer": "a"}]
    assert exact.other_answers == ["two"]


def test_excel_and_numbers(dataset: Dataset) -> None:
    data = excel([["Frage", "Antwort"], ["Wie viele?", 25], [None, None], ["Wann?", 1.5]])
    import_file(dataset, data=data, filename="A.XLSX", actor=Actor())
    found = Example.objects.order_by("position").values_list("question", "expected_answer")
    assert list(found) == [("Wie viele?", "25"), ("Wann?", "1.5")]


def test_one_bad_row_and_nothing_is_imported(dataset: Dataset) -> None:
    lines = (
        b'{"question": "A?"}\nnot json\n{"answer": "x"}\n[1]\n{"question": "B?", "tags": [{}]}\n'
    )
    outcome = import_file(dataset, data=lines, filename="a.jsonl", actor=Actor())
    assert [error.number for error in outcome.errors] == [2, 3, 4]
    assert "no valid JSON" in outcome.errors[0].message
    assert "no question" in outcome.errors[1].message
    assert not Example.objects.exists()


def test_known_questions_are_left_out(dataset: Dataset) -> None:
    data = b"question\nHow long?\nhow  LONG?\nWho?\n"
    first = import_file(dataset, data=data, filename="a.csv", actor=Actor())
    assert (first.num_imported, first.num_known) == (2, 1)
    again = import_file(dataset, data=data, filename="a.csv", actor=Actor())
    assert (again.num_imported, again.num_known) == (0, 3)


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (60 * 1024 * 1024))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "a.csv", "empty"),
        (b"x", "a.exe", "Only"),
        (b"x", "noending", "Only"),
        (b'question\n"open', "a.csv", "no valid CSV"),
        (b"question\n" + b"x" * 200_000, "a.csv", "no valid CSV"),
        (b"[{]", "a.json", "no valid JSON"),
        (b"[" * 5_000, "a.json", "no valid JSON"),
        (b"PK\x03\x04 nonsense", "a.xlsx", "damaged"),
        (bomb(), "a.xlsx", "unpacks"),
        (b",".join(b"c" for _ in range(61)) + b"\nx", "a.csv", "columns"),
    ],
)
def test_hostile_files_are_refused(data: bytes, name: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        rows_of(data, name)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    with pytest.raises(TableError, match="more than 2 rows"):
        rows_of(b"question\na\nb\nc\n", "a.csv")
    monkeypatch.setattr(tables, "MAX_BYTES", 4)
    with pytest.raises(TableError, match="MB"):
        rows_of(b"question\na\n", "a.csv")


def test_a_row_with_too_many_cells_says_so() -> None:
    [row] = rows_of(b"question,tags\na,b,c\n", "a.csv")
    assert isinstance(row, RowError)
    assert row.number == 2


def test_other_encodings() -> None:
    [row] = rows_of("question\nÜber?\n".encode("utf-16"), "a.csv")
    assert row == (2, {"question": "Über?"})
    [row] = rows_of(
        "question\nWas hei\u00dft f\u00fcr \u00dcbergr\u00f6\u00dfe?\n".encode("cp1252"), "a.csv"
    )
    assert "heißt" in row[1]["question"]


def test_the_page(dataset: Dataset, editor: Any, client_for: Callable[[Any], Client]) -> None:
    client = client_for(editor)
    address = f"/w/acme/evaluate/datasets/{dataset.pk}/import/"
    assert "Columns" in client.get(address).content.decode()

    def send(data: bytes, name: str = "a.csv") -> Any:
        file = SimpleUploadedFile(name, data)
        return client.post(address, {"file": file, "state": "proposed"})

    refused = send(b"question,tags\nA?,\n,x\n")
    assert refused.status_code == 422
    assert "nothing was imported" in refused.content.decode()
    assert send(b"x", "a.exe").status_code == 422
    assert client.post(address, {"state": "accepted"}).status_code == 422
    taken = send(b"question\nA?\n")
    assert taken["Location"] == f"/w/acme/evaluate/datasets/{dataset.pk}/"
    assert Example.objects.get().state == "proposed"
