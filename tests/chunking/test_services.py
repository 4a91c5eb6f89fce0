"""Storing passages: exact offsets, the same rows at a second run, other rows for other pages."""

from __future__ import annotations

import pytest

from apps.chunking.models import Chunk
from apps.chunking.services import default_profile, split_version
from apps.documents.models import DocumentVersion, Page
from apps.workspaces.models import Workspace
from tests.retrieval.helpers import add_version, make_collection

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(workspace: Workspace) -> DocumentVersion:
    pages = ["Alpha begins. " * 240, "Beta ends."]
    return add_version(make_collection(workspace), "guide.txt", pages)


def test_the_default_profile_is_made_once(workspace: Workspace, other_workspace: Workspace) -> None:
    assert default_profile(workspace) == default_profile(workspace)
    assert default_profile(other_workspace) != default_profile(workspace)


def test_passages_are_exact_slices_of_the_full_text(version: DocumentVersion) -> None:
    count = split_version(version, profile=default_profile(version.document.workspace))

    full = "\n\n".join(version.pages.order_by("number").values_list("text", flat=True))
    chunks = list(Chunk.objects.filter(version=version).order_by("position"))
    assert count == len(chunks) > 1
    assert [chunk.position for chunk in chunks] == list(range(count))
    assert all(chunk.text == full[chunk.start : chunk.end] for chunk in chunks)
    assert all(chunk.workspace_id == version.workspace_id for chunk in chunks)
    assert chunks[-1].last_page == 2


def test_splitting_again_keeps_the_rows(version: DocumentVersion) -> None:
    profile = default_profile(version.document.workspace)
    split_version(version, profile=profile)
    before = list(Chunk.objects.order_by("pk").values_list("pk", flat=True))

    split_version(version, profile=profile)

    assert list(Chunk.objects.order_by("pk").values_list("pk", flat=True)) == before


def test_other_pages_replace_the_rows(version: DocumentVersion) -> None:
    profile = default_profile(version.document.workspace)
    split_version(version, profile=profile)
    Page.objects.filter(version=version, number=1).update(text="Gamma.", end=6)
    Page.objects.filter(version=version, number=2).update(start=8, end=18)

    assert split_version(version, profile=profile) == 1

    assert list(Chunk.objects.values_list("text", flat=True)) == ["Gamma.\n\nBeta ends."]
