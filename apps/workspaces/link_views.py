"""The settings of links in answers, and the page before a host that nobody vouched for."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from apps.core.markup.links import BadHostError, host_of, read_signed
from apps.workspaces.decorators import workspace_view
from apps.workspaces.forms import LinkHostsForm
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.links import set_link_hosts
from apps.workspaces.models import Role


@require_GET
@workspace_view()
def leave(request: WorkspaceRequest) -> HttpResponse:
    """Says where a link of an answer leads. Of others than an answer here had, nothing is shown."""
    realm = str(request.workspace.pk)
    url = read_signed(request.GET.get("to", ""), request.GET.get("sign", ""), realm=realm)
    context = {"url": url, "host": host_of(url)}
    return render(request, "workspaces/leave.html", context, status=200 if url else 400)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.OWNER)
def link_hosts(request: WorkspaceRequest) -> HttpResponse:
    """The hosts that links in answers open at once."""
    known = request.workspace.link_hosts
    form = LinkHostsForm(request.POST or None, initial={"link_hosts": "\n".join(known)})
    if request.method == "POST" and form.is_valid():
        try:
            hosts = form.cleaned_data["link_hosts"].splitlines()
            set_link_hosts(request.workspace, hosts=hosts, actor=request.actor)
        except BadHostError as error:
            form.add_error("link_hosts", str(error))
        else:
            messages.success(request, "The trusted hosts were saved.")
            return redirect("workspaces:link_hosts", slug=request.workspace.slug)
    return render(
        request,
        "workspaces/settings/links.html",
        {"nav": "settings", "section": "links", "form": form},
        status=422 if request.method == "POST" else 200,
    )
