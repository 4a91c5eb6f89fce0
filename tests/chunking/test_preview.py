"""The preview: what is drawn and counted, on the page and through the API."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from apps.chunking.histogram import bin_width, plot_histogram
from apps.chunking.models import Chunk, ChunkingProfile
from apps.chunking.preview import MAX_CHARS, draw, make_preview
from apps.chunking.splitters import Piece
from apps.chunking.strategies import STRATEGIES, ChunkingSource
from apps.chunking.units import PageText, join_pages
from apps.documents.models import Document
from apps.workspaces.models import User, Workspace
from tests.chunking.test_splitters import count_tokens, documents, make_pages, sentence
from tests.factories import make_api
from tests.retrieval.helpers import add_document, make_collection

TEXT = " ".join(sentence(n) for n in range(60))


def piece(start: int, end: int, parent: tuple[int, int] | None = None) -> Piece:
    first, last = parent or (None, None)
    return Piece(start, end, "", 1, 1, end - start, parent_start=first, parent_end=last)


def test_the_text_is_drawn_in_runs() -> None:
    pieces = [piece(0, 6, (0, 9)), piece(4, 9, (0, 9)), piece(10, 12, (10, 12))]

    runs = draw("abcdefghi xy", pieces)

    assert [(r.text, r.number, r.is_shared, r.is_inside, r.parent) for r in runs] == [
        ("abcd", 1, False, True, 1), ("ef", 2, True, True, 0), ("ghi", 0, False, True, 0),
        (" ", 0, False, False, 0), ("xy", 3, False, True, 2),
    ]  # fmt: skip
    assert [run.tone for run in runs] == [0, 1, 1, 0, 0]


@hypothesis_settings(max_examples=60, deadline=None)
@given(pages=documents())
def test_the_runs_are_the_whole_text(pages: list[PageText]) -> None:
    strategy = STRATEGIES["sentences"]
    source = ChunkingSource(pages, count_tokens, 120)
    pieces = strategy.cut(source, strategy.defaults())

    runs = draw(source.text, pieces)

    assert "".join(run.text for run in runs) == join_pages([page.text for page in pages])
    numbers = [run.number for run in runs if run.number]
    assert numbers == sorted(numbers)
    assert all(a < b for a, b in pairwise(numbers))


def test_sizes_fall_into_round_bins() -> None:
    chart = plot_histogram([1, 20, 21, 40, 250], limit=254)

    assert bin_width(254) == 20
    assert [(b.low, b.high, b.count) for b in chart.bins if b.count] == [
        (1, 20, 2), (21, 40, 2), (241, 260, 1),
    ]  # fmt: skip
    assert sum(b.count for b in chart.bins) == 5
    assert [tick.label for tick in chart.ticks] == ["0", "1", "2"]


def test_oversize_and_tiny_passages_are_counted() -> None:
    pages = make_pages(" ".join(["word"] * 300) + "\n\n" + "tail")
    strategy = STRATEGIES["words"]
    source = ChunkingSource(pages, count_tokens, 120)

    preview = make_preview(source, strategy=strategy, values=strategy.clean({"size": 150}))

    assert preview.num_oversize == 2
    assert preview.tokens[2] <= 120
    small = make_preview(source, strategy=strategy, values=strategy.clean({"size": 60}))
    assert small.num_oversize == 0
    assert small.num_tiny == 0


def test_only_the_beginning_of_a_long_document_is_cut() -> None:
    source = ChunkingSource(make_pages(TEXT * 30, "never"), count_tokens, 254)

    preview = make_preview(
        source, strategy=STRATEGIES["recursive"], values=STRATEGIES["recursive"].defaults()
    )

    assert preview.is_part
    assert preview.chars_read == MAX_CHARS


@pytest.fixture
def document(workspace: Workspace) -> Document:
    return add_document(make_collection(workspace), "rules.md", TEXT)


@pytest.mark.django_db
def test_two_settings_are_shown_side_by_side_and_nothing_is_stored(
    client_for: Callable[[User], Client], viewer: User, document: Document
) -> None:
    before = list(Chunk.objects.values())
    path = f"/w/acme/collections/{document.collection_id}/chunking/"

    page = client_for(viewer).get(
        f"{path}?document={document.pk}&a-strategy=words&a-shown=words&a-size=50&a-overlap=5"
        "&a-headings=on&b-strategy=sentences"
    ).content.decode()  # fmt: skip

    assert "Setting A" in page
    assert "Setting B" in page
    assert 'name="a-size" value="50"' in page
    assert 'name="b-size" value="6"' in page
    assert "Passages drawn over the text" in page
    assert "Build this beside the live index" not in page  # a viewer builds nothing
    assert list(Chunk.objects.values()) == before
    assert ChunkingProfile.objects.count() == 1


@pytest.mark.django_db
def test_values_that_do_not_fit_are_marked(
    client_for: Callable[[User], Client], editor: User, document: Document
) -> None:
    path = f"/w/acme/collections/{document.collection_id}/chunking/"

    page = client_for(editor).get(
        f"{path}?a-strategy=words&a-shown=words&a-size=50&a-overlap=40&a-headings=on"
    )

    assert "less than half of the size" in page.content.decode()


@pytest.mark.django_db
def test_an_empty_collection_says_what_comes_next(
    client_for: Callable[[User], Client], editor: User, workspace: Workspace
) -> None:
    empty = make_collection(workspace, "Empty")

    page = client_for(editor).get(f"/w/acme/collections/{empty.pk}/chunking/").content.decode()

    assert "No document to try on yet" in page


@pytest.mark.django_db
def test_a_setting_is_kept_and_leads_to_the_index(
    client_for: Callable[[User], Client], editor: User, document: Document
) -> None:
    client, path = client_for(editor), f"/w/acme/collections/{document.collection_id}"
    values = {"splitter": "words", "side": "b", "b-size": "50", "b-overlap": "5", "name": "Fifty"}

    response = client.post(f"{path}/chunking/profiles/", values)

    profile = ChunkingProfile.objects.get(name="Fifty")
    assert profile.params == {"size": 50, "overlap": 5, "headings": False}
    assert response["Location"] == f"{path}/indexes/?profile={profile.pk}#build"
    again = client.post(f"{path}/chunking/profiles/", {**values, "b-size": "60"})
    assert again["Location"] == f"{path}/chunking/"
    assert ChunkingProfile.objects.filter(name="Fifty").count() == 1


@pytest.mark.django_db
def test_the_api_lists_keeps_and_previews(
    workspace: Workspace, owner: User, document: Document
) -> None:
    api = make_api(workspace, owner)

    def post(path: str, data: dict[str, Any]) -> Any:
        return api.post(path, data, content_type="application/json")

    strategies = {s["key"]: s for s in api.get("/api/v1/chunking/strategies/").json()}
    assert set(strategies) == set(STRATEGIES)
    [size] = [p for p in strategies["words"]["parameters"] if p["name"] == "size"]
    assert (size["kind"], size["default"], size["minimum"], size["unit"]) == (
        "integer", 140, 20, "words",
    )  # fmt: skip

    setting = {"strategy": "words", "params": {"size": 50, "overlap": 0}}
    made = post("/api/v1/chunking/profiles/", {**setting, "name": "Fifty"})
    assert made.status_code == 201
    assert made.json()["params"] == {"size": 50, "overlap": 0, "headings": True}
    taken = {"strategy": "words", "params": {}, "name": "Fifty"}
    assert post("/api/v1/chunking/profiles/", taken).status_code == 409
    assert "Fifty" in [p["name"] for p in api.get("/api/v1/chunking/profiles/").json()]

    path = f"/api/v1/documents/{document.pk}/chunking-preview/"
    preview = post(path, setting).json()
    assert len(preview["passages"]) == 11  # 540 words
    assert preview["passages"][0]["start"] == 0
    wrong = post(path, {"strategy": "words", "params": {"size": 1}})
    assert wrong.status_code == 400
    assert "from 20" in str(wrong.json()["errors"]["params"]["size"])
