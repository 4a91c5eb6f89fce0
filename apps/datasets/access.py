"""Checked access to datasets, versions and examples. Missing and forbidden look the same."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.datasets.models import Dataset, DatasetVersion, Example


def get_dataset(workspace_id: UUID, dataset_id: UUID) -> Dataset:
    """The workspace's dataset with this id, or Http404."""
    dataset = Dataset.objects.filter(workspace_id=workspace_id, pk=dataset_id).first()
    if dataset is None:
        raise Http404
    return dataset


def get_draft(workspace_id: UUID, dataset_id: UUID) -> DatasetVersion:
    """The draft of the workspace's dataset with this id, or Http404."""
    return get_version(workspace_id, dataset_id, DatasetVersion.DRAFT)


def get_version(workspace_id: UUID, dataset_id: UUID, number: int) -> DatasetVersion:
    """A dataset's version by its number, with its dataset, or Http404. 0 is the draft."""
    version = (
        DatasetVersion.objects.select_related("dataset", "frozen_by")
        .filter(workspace_id=workspace_id, dataset_id=dataset_id, number=number)
        .first()
    )
    if version is None:
        raise Http404
    return version


def get_example(workspace_id: UUID, example_id: UUID) -> Example:
    """The workspace's example with this id, with its version and dataset, or Http404."""
    example = (
        Example.objects.select_related("version__dataset", "created_by", "reviewed_by")
        .filter(workspace_id=workspace_id, pk=example_id)
        .first()
    )
    if example is None:
        raise Http404
    return example
