"""Questions about a cell: passages that hold its row come first, and texts are not pushed aside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.documents.models import Collection, Page
from apps.retrieval.indexes.services import publish_version
from apps.retrieval.postings.terms import iter_terms
from apps.retrieval.search.pipeline import RetrievalRequest, retrieve
from apps.retrieval.search.profiles import DEFAULT_PROFILE
from apps.retrieval.search.row_match import fit_rows, prefer_rows
from apps.workspaces.models import Workspace
from tests.factories import ApiClient
from tests.retrieval.helpers import add_version, make_collection, prepare
from tests.retrieval.test_stages import hit

HEADER = "|  | 2019 | 2018 |\n| --- | --- | --- |\n"
ASSETS = "| Cash | 120 | 90 |\n| Total other assets | 800 | 700 |"


def fit(question: str, text: str, head: str | None = HEADER) -> float:
    return fit_rows(frozenset(iter_terms(question)), replace(hit(1), text=text, table_head=head))


def test_a_row_fits_by_its_label_and_its_columns() -> None:
    # total, other, assets of the label; 2019 of a column: all four terms of the question.
    assert fit("What were the total other assets in 2019?", ASSETS) == 1.0
    # "total" and "assets" of three in the label; both are all that the question says.
    assert fit("What are total assets?", ASSETS) == pytest.approx(2 / 3)
    # "cash" is the whole label, and half of the question ("cash", "2017").
    assert fit("How much cash was there in 2017?", "| Cash | 1 | 2 |") == pytest.approx(1 / 3)
    assert fit("What were the total other assets in 2019?", ASSETS, head=None) == 0.0
    assert fit("Who wrote this?", ASSETS) == 0.0


def test_an_empty_cell_is_no_answer_under_its_column() -> None:
    filled, empty = "| Land | 10 | 20 |", "| Land |  | 20 |"

    assert fit("Land in 2019?", filled) == 1.0
    assert fit("Land in 2019?", empty) == pytest.approx(1 / 2)


def test_hits_without_a_row_that_is_asked_for_stay_as_they_are() -> None:
    hits = [replace(hit(1), text=ASSETS, table_head=HEADER), replace(hit(2), text="Assets.")]

    assert prefer_rows("Who wrote this?", hits) == hits


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    """Texts that speak a lot about assets, and a table with the row that is asked for."""
    made = make_collection(workspace)
    for number in range(12):
        words = "Total other assets were other assets of other kinds, in total assets. " * 3
        version = add_version(made, f"note{number}.txt", [f"{words} Note {number} of 2019."])
        publish_version(version, index=prepare(version))
    for number in range(4):
        version = add_version(made, f"other{number}.txt", [f"Other words, {number} of them."])
        publish_version(version, index=prepare(version))
    rows = "".join(f"| Item{n} of the plan | {n} | {n} |\n" for n in range(6))
    text = f"{HEADER}{rows}{ASSETS}"
    version = add_version(made, "balance.html", [text])
    Page.objects.filter(version=version).update(blocks=[["table", 0, 0, len(text)]])
    publish_version(version, index=prepare(version))
    return made


@pytest.mark.django_db
def test_the_default_search_finds_the_row_that_words_and_meaning_rank_low(
    collection: Collection,
) -> None:
    question = "What were the total other assets in 2019?"
    request = RetrievalRequest(collection.workspace_id, [collection.pk], question)

    result = retrieve(request, explain=True)

    stages = {stage.name: stage for stage in result.stages}
    assert stages["lexical"].hits[0].document_name != "balance.html"
    assert result.hits[0].document_name == "balance.html"
    assert result.hits[0].row_fit == 1.0
    assert stages["rows"].label == "Rows of tables that the question names"
    words = replace(request, profile=replace(DEFAULT_PROFILE, mode="lexical"))
    assert retrieve(words).hits[0].row_fit is None


@pytest.mark.django_db
def test_rest_says_why_and_shows_the_table_head(api: ApiClient, collection: Collection) -> None:
    body = {"collection": str(collection.pk), "query": "total other assets in 2019"}

    answer = api.post_json("/api/v1/search/", body).json()

    first = answer["hits"][0]
    assert (first["document_name"], first["table_head"]) == ("balance.html", "")
    assert first["why"]["row_fit"] == 1.0
    assert {other["table_head"] for other in answer["hits"][1:]} == {None}
    assert answer["indexes"][0]["collection"] == str(collection.pk)
    assert answer["indexes"][0]["vectors"] == "Compared one by one (exact)"
    assert answer["indexes"][0]["exact"] is True
