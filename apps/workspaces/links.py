"""Links that lead out of a workspace: which hosts it trusts."""

from __future__ import annotations

from django.urls import reverse

from apps.core.markup.links import LinkPolicy, clean_hosts
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit


def link_policy(workspace: Workspace) -> LinkPolicy:
    """How answers of this workspace link."""
    return LinkPolicy(
        hosts=tuple(workspace.link_hosts),
        notice_path=reverse("workspaces:leave", args=[workspace.slug]),
        realm=str(workspace.pk),
    )


def set_link_hosts(workspace: Workspace, *, hosts: list[str], actor: Actor) -> None:
    """Trust these hosts and no others. Raises `core.markup.links.BadHostError`."""
    before, workspace.link_hosts = workspace.link_hosts, clean_hosts(hosts)
    workspace.save(update_fields=["link_hosts"])
    record_audit(
        workspace.pk,
        actor=actor,
        action="workspace.link_hosts_changed",
        subject=workspace,
        detail={"hosts": ", ".join(workspace.link_hosts), "before": ", ".join(before)},
    )
