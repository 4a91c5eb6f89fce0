"""Profiles: made once by name, complete, checked, and never changed."""

from __future__ import annotations

import pytest

from apps.chunking.models import ChunkingProfile
from apps.chunking.profiles import (
    ProfileNameTakenError,
    create_profile,
    name_setting,
    read_values,
)
from apps.chunking.services import default_profile
from apps.chunking.strategies import UnknownStrategyError
from apps.core.options import OptionError
from apps.workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def test_a_profile_holds_every_parameter(workspace: Workspace) -> None:
    profile = create_profile(
        workspace, name=" By  six ", splitter="sentences", params={"size": "6"}
    )

    assert profile.name == "By six"
    assert profile.params == {"size": 6, "overlap": 1, "headings": True}


def test_the_same_setting_again_is_the_same_profile(workspace: Workspace) -> None:
    first = create_profile(workspace, name="A", splitter="words", params={})

    assert create_profile(workspace, name="A", splitter="words", params={"size": 140}) == first
    with pytest.raises(ProfileNameTakenError):
        create_profile(workspace, name="A", splitter="words", params={"size": 90})
    assert ChunkingProfile.objects.filter(workspace=workspace, name="A").count() == 1


def test_the_default_profile_counts_as_its_setting(workspace: Workspace) -> None:
    profile = default_profile(workspace)

    assert create_profile(workspace, name=profile.name, splitter="recursive", params={}) == profile


def test_a_name_is_made_where_none_is_given(workspace: Workspace) -> None:
    profile = create_profile(workspace, name="", splitter="words", params={"headings": False})

    assert profile.name == "Words, size 140, overlap 20, heading path: off"


def test_wrong_values_are_named(workspace: Workspace) -> None:
    with pytest.raises(OptionError) as caught:
        create_profile(workspace, name="A", splitter="words", params={"size": 5, "overlap": "x"})

    assert set(caught.value.errors) == {"size", "overlap"}
    assert "from 20 to 1500" in caught.value.errors["size"]
    with pytest.raises(OptionError, match="less than half"):
        create_profile(workspace, name="A", splitter="words", params={"size": 20, "overlap": 10})
    with pytest.raises(OptionError, match="no parameter pages"):
        create_profile(workspace, name="A", splitter="words", params={"pages": 1})
    with pytest.raises(UnknownStrategyError):
        create_profile(workspace, name="A", splitter="magic", params={})


def test_a_profile_is_never_edited(workspace: Workspace) -> None:
    profile = default_profile(workspace)
    profile.params = {"target": 90}

    with pytest.raises(TypeError, match="never edited"):
        profile.save()


def test_a_partial_profile_is_read_with_defaults(workspace: Workspace) -> None:
    profile = ChunkingProfile.objects.create(
        workspace=workspace, name="Old", splitter="recursive", params={"target": 120, "gone": 1}
    )

    assert read_values(profile) == {"target": 120, "cap": 250, "overlap": 30}
    assert name_setting("recursive", read_values(profile)) == (
        "Headings and sentences, size 120, at most 250, overlap 30"
    )
