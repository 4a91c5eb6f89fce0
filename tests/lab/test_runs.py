"""Measuring two profiles over labelled cases: the job, its crash, what the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.core.models import Job, JobKind, JobState
from apps.datasets.examples import ExampleFields, ExpectedPassage
from apps.datasets.models import Dataset, Example, ReviewState
from apps.datasets.services import add_example, create_dataset
from apps.documents.models import Collection, Document
from apps.lab import runs, sides
from apps.lab.models import LabResult, LabRun
from apps.lab.results import summarise
from apps.lab.runs import RunFields, labelled, list_missing, start_run
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.services import Actor
from tests.factories import add_documents
from workers.runner import drain

pytestmark = pytest.mark.django_db
LAB = "/w/acme/evaluate/lab/"
WORDS = ("train", "ship", "plane", "bike", "tram", "boat")
TEXTS = {
    f"{word}.md": f"# {word.title()}\n\nThe {word} costs {number} euros.\n"
    for number, word in enumerate(WORDS, start=3)
}


@pytest.fixture
def cases(workspace: Any) -> Dataset:
    """One case a document; the last has its passage in another document's words."""
    add_documents(workspace, TEXTS)
    dataset = create_dataset(workspace, name="Prices", actor=Actor())
    for number, name in enumerate(TEXTS):
        document = Document.objects.get(name=name)
        text = TEXTS[name]
        passage = ExpectedPassage(text, str(document.pk), name, 0, len(text.strip()))
        word = name.removesuffix(".md")
        fields = ExampleFields(
            f"What does the {word} cost?",
            expected_passages=(passage,),
            tags=("water",) if word in ("ship", "boat") else ("land",),
            language="en" if number else "de",
        )
        add_example(dataset, fields=fields, actor=Actor())
    add_example(dataset, fields=ExampleFields("Unlabelled?"), actor=Actor())
    rejected = ExampleFields("Rejected?", expected_passages=(passage,))
    add_example(dataset, fields=rejected, actor=Actor(), state=ReviewState.REJECTED)
    return dataset


def start(dataset: Dataset, **changes: Any) -> LabRun:
    fields = RunFields(
        profiles={
            "a": RetrievalProfile().change({"mode": "lexical"} | changes),
            "b": RetrievalProfile().change({"mode": "vector"}),
        },
        collection_ids=[Collection.objects.get().pk],
        k=3,
    )
    return start_run(dataset.versions.get(number=0), fields=fields, actor=Actor())


def test_only_accepted_labelled_examples_are_cases(cases: Dataset) -> None:
    assert len(labelled(cases.versions.get(number=0))) == len(TEXTS)


def test_a_run_measures_both_sides_of_every_case(cases: Dataset) -> None:
    run = start(cases)
    drain(JobKind.MEASURE_RETRIEVAL)
    job = Job.objects.get(kind=JobKind.MEASURE_RETRIEVAL)
    assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, 6, 6)
    assert LabResult.objects.filter(run=run).count() == 12
    lexical = LabResult.objects.filter(run=run, side="a")
    # The word of the question stands in one document alone, so BM25 puts it first.
    assert {result.metrics["mrr"] for result in lexical} == {1.0}
    assert all(result.found[0][2] for result in lexical)
    summary = summarise(run)
    assert summary.num_cases == 6
    assert summary.wins + summary.losses + summary.ties == 6
    hit_rate = summary.rows[0]
    assert (hit_rate.label, hit_rate.before.estimate) == ("Hit rate", 1.0)
    assert hit_rate.before.count == hit_rate.change.count == 6
    assert [item.slice.value for item in summary.slices] == ["en"]
    assert summary.slices[0].row.before.count == 5


def test_only_the_passages_that_a_profile_gives_to_read_count(
    cases: Dataset, editor: Any, api: Any, client_for: Callable[[Any], Client]
) -> None:
    profile = RetrievalProfile().change({"mode": "vector"})
    fields = RunFields(
        profiles={"a": profile, "b": profile.change({"limit": 2})},
        collection_ids=[Collection.objects.get().pk],
    )
    run = start_run(cases.versions.get(number=0), fields=fields, actor=Actor())
    drain(JobKind.MEASURE_RETRIEVAL)
    lengths = {
        side: {
            len(found) for found in run.results.filter(side=side).values_list("found", flat=True)
        }
        for side in ("a", "b")
    }
    assert lengths == {"a": {6}, "b": {2}}
    # One passage is expected and two are read: at least half of what is read is something else.
    assert all(r.metrics["precision"] in (0.0, 0.5) for r in run.results.filter(side="b"))
    told = api.get(f"/api/v1/lab/runs/{run.pk}/").json()
    assert (told["k"], told["counted"]) == (10, {"a": 6, "b": 2})
    client = client_for(editor)
    assert "First 6 passages of A, 2 of B" in text_of(client.get(f"{LAB}runs/{run.pk}/"))
    assert "A 6 · B 2" in text_of(client.get(f"{LAB}runs/"))


def test_a_crash_loses_at_most_a_batch(cases: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(cases)
    monkeypatch.setattr("workers.pipelines.lab_run.BATCH", 2)
    calls = 0
    real = sides.search_side

    def die(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise RuntimeError("gone")
        return real(*args, **kwargs)

    monkeypatch.setattr(runs, "search_side", die)
    drain(JobKind.MEASURE_RETRIEVAL)
    assert LabResult.objects.filter(run=run).count() == 4
    assert len(list_missing(run)) == 4
    monkeypatch.setattr(runs, "search_side", real)
    assert Job.objects.get(kind=JobKind.MEASURE_RETRIEVAL).state == JobState.FAILED
    runs.enqueue(run)
    drain(JobKind.MEASURE_RETRIEVAL)
    assert LabResult.objects.filter(run=run).count() == 12
    assert list_missing(run) == []


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_from_the_lab_to_the_numbers(
    cases: Dataset, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(editor)
    assert "Nothing measured yet" in text_of(client.get(f"{LAB}runs/"))
    address = f"{LAB}measure/?a-mode=lexical&b-mode=vector"
    page = text_of(client.get(address))
    assert "Search by words only" in page
    assert "Prices draft (6 labelled cases)" in page
    version = cases.versions.get(number=0)
    assert client.post(address, {"version_id": str(version.pk), "k": 99}).status_code == 422
    made = client.post(address, {"version_id": str(version.pk), "k": 5})
    run = LabRun.objects.get()
    assert made["Location"] == f"{LAB}runs/{run.pk}/"
    assert run.profiles["a"]["mode"] == "lexical"
    assert "Waiting for its turn" in text_of(client.get(made["Location"]))
    client.post(f"{made['Location']}cancel/")
    assert "Stopped." in text_of(client.get(made["Location"]))
    client.post(f"{made['Location']}resume/")
    drain(JobKind.MEASURE_RETRIEVAL)
    page = text_of(client.get(made["Location"]))
    assert "On 6 cases, profile B is better on" in page
    assert "A Words only · B Meaning only" in page
    assert "Wanted text that is found (character recall)" in page
    assert "Done" in text_of(client.get(f"{LAB}runs/"))
    client.post(f"{made['Location']}delete/")
    assert not LabRun.objects.exists()
    assert not Job.objects.filter(kind=JobKind.MEASURE_RETRIEVAL).exists()


def test_without_cases_there_is_nothing_to_measure(
    workspace: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    dataset = create_dataset(workspace, name="Empty", actor=Actor())
    page = text_of(client_for(editor).get(f"{LAB}measure/"))
    assert "No labelled case yet" in page
    with pytest.raises(runs.NoCasesError):
        start_run(
            dataset.versions.get(),
            fields=RunFields({"a": RetrievalProfile(), "b": RetrievalProfile()}, []),
            actor=Actor(),
        )
    assert not Example.objects.exists()
