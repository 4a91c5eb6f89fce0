"""The settings of a workspace: members, audit log, the workspace itself, the profile."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.workspaces.access import get_invitation, get_member
from apps.workspaces.decorators import workspace_view
from apps.workspaces.doors import choose_start_page
from apps.workspaces.forms import (
    AuditFilterForm,
    ConversationAccessForm,
    DeleteWorkspaceForm,
    InviteForm,
    ProfileForm,
    RoleForm,
    WorkspaceForm,
    describe_action,
    list_details,
)
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.keys.forms import NewOwnerForm
from apps.workspaces.keys.selectors import count_keys_by_owner, list_owners
from apps.workspaces.keys.services import KeyRefusedError, end_membership
from apps.workspaces.models import ConversationAccess, Role
from apps.workspaces.selectors import (
    list_audit_actions,
    list_audit_events,
    list_members,
    list_open_invitations,
)
from apps.workspaces.services import (
    LastOwnerError,
    change_role,
    delete_workspace,
    invite,
    rename_user,
    rename_workspace,
    revoke_invitation,
    set_conversation_access,
)

AUDIT_PAGE = 50
LAST_OWNER = "A workspace needs an owner. Make somebody else an owner first; nothing was changed."


# Members


@require_GET
@workspace_view()
def members(request: WorkspaceRequest) -> HttpResponse:
    return _render_members(request, InviteForm(workspace=request.workspace))


@require_POST
@never_cache
@workspace_view(role=Role.OWNER)
def create_invitation(request: WorkspaceRequest) -> HttpResponse:
    """The page again, with the link: there is no mail server, the owner hands it over."""
    form = InviteForm(request.POST, workspace=request.workspace)
    if not form.is_valid():
        return _render_members(request, form, status=422)
    values = form.cleaned_data
    _, token = invite(
        request.workspace, email=values["email"], role=Role(values["role"]), actor=request.actor
    )
    return _render_members(
        request,
        InviteForm(workspace=request.workspace),
        new_email=values["email"],
        new_link=request.build_absolute_uri(reverse("invite_accept", args=[token])),
    )


def _render_members(
    request: WorkspaceRequest, form: InviteForm, *, status: int = 200, **context: object
) -> HttpResponse:
    is_owner = request.membership.has_role(Role.OWNER)
    rows = list(list_members(request.workspace))
    num_keys = count_keys_by_owner(request.workspace) if is_owner else {}
    return render(
        request,
        "workspaces/settings/members.html",
        {
            "nav": "settings",
            "section": "members",
            "members": [(row, num_keys.get(row.user_id, 0)) for row in rows],
            "owners": [row for row in rows if row.role == Role.OWNER],
            "invitations": list_open_invitations(request.workspace) if is_owner else [],
            "roles": Role.choices,
            "form": form,
            **context,
        },
        status=status,
    )


@require_POST
@workspace_view(role=Role.OWNER)
def set_member_role(request: WorkspaceRequest, *, member_id: UUID) -> HttpResponse:
    membership = get_member(request.workspace, member_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _render_members(request, InviteForm(workspace=request.workspace), status=422)
    try:
        change_role(membership, role=Role(form.cleaned_data["role"]), actor=request.actor)
    except LastOwnerError:
        messages.error(request, LAST_OWNER)
    else:
        messages.success(
            request, f"{membership.user} is now {Role(membership.role).label.lower()}."
        )
    return redirect("workspaces:members", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.OWNER)
def delete_member(request: WorkspaceRequest, *, member_id: UUID) -> HttpResponse:
    """End a membership. The person's keys stop, or go to the owner that is chosen."""
    membership = get_member(request.workspace, member_id)
    form = NewOwnerForm(request.POST, owners=list_owners(request.workspace), required=False)
    if not form.is_valid():
        messages.error(request, "Choose an owner of this workspace for the keys, or nobody.")
        return redirect("workspaces:members", slug=request.workspace.slug)
    try:
        end_membership(membership, actor=request.actor, keys_to=form.cleaned_data["to"])
    except (LastOwnerError, KeyRefusedError) as error:
        messages.error(request, LAST_OWNER if isinstance(error, LastOwnerError) else str(error))
        return redirect("workspaces:members", slug=request.workspace.slug)
    messages.success(request, f"{membership.user} is no longer a member.")
    if membership.user_id == request.user.pk:
        return redirect("home")
    return redirect("workspaces:members", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.OWNER)
def delete_invitation(request: WorkspaceRequest, *, invitation_id: UUID) -> HttpResponse:
    revoke_invitation(get_invitation(request.workspace, invitation_id), actor=request.actor)
    messages.success(request, "The invitation was withdrawn. Its link no longer works.")
    return redirect("workspaces:members", slug=request.workspace.slug)


# Audit log


@require_GET
@workspace_view(role=Role.OWNER)
def audit(request: WorkspaceRequest) -> HttpResponse:
    """What happened, newest first. A filter that is not understood filters nothing."""
    people = [(str(row.user_id), str(row.user)) for row in list_members(request.workspace)]
    form = AuditFilterForm(
        request.GET, actions=list_audit_actions(request.workspace), members=people
    )
    form.is_valid()
    values = form.cleaned_data
    events = list_audit_events(
        request.workspace,
        action=values.get("action", ""),
        member_id=UUID(values["member"]) if values.get("member") else None,
        since=values.get("since"),
        until=values.get("until"),
    )
    page = Paginator(events, AUDIT_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "workspaces/settings/audit.html",
        {
            "nav": "settings",
            "section": "audit",
            "page": page,
            "rows": [(event, describe_action(event.action), list_details(event)) for event in page],
            "form": form,
            "is_filtered": any(values.values()),
        },
    )


# The workspace


@require_GET
@workspace_view()
def workspace_settings(request: WorkspaceRequest) -> HttpResponse:
    """Name, and at the end of the page: deletion."""
    return _render_workspace(request)


@require_POST
@workspace_view(role=Role.OWNER)
def rename(request: WorkspaceRequest) -> HttpResponse:
    form = WorkspaceForm(request.POST)
    if not form.is_valid():
        return _render_workspace(request, form=form)
    rename_workspace(request.workspace, name=form.cleaned_data["name"], actor=request.actor)
    messages.success(request, "The workspace was renamed. Its addresses stay the same.")
    return redirect("workspaces:settings", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.OWNER)
def conversation_access(request: WorkspaceRequest) -> HttpResponse:
    form = ConversationAccessForm(request.POST)
    if not form.is_valid():
        return _render_workspace(request, access_form=form)
    access = ConversationAccess(form.cleaned_data["access"])
    set_conversation_access(request.workspace, access=access, actor=request.actor)
    messages.success(request, "Saved. The chat tells people what can be seen.")
    return redirect("workspaces:settings", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.OWNER)
def remove_workspace(request: WorkspaceRequest) -> HttpResponse:
    """Delete the workspace with everything in it. Typing its name guards against a slip."""
    form = DeleteWorkspaceForm(request.POST, workspace=request.workspace)
    if not form.is_valid():
        return _render_workspace(request, delete_form=form)
    name = request.workspace.name
    delete_workspace(request.workspace)
    messages.success(request, f"The workspace “{name}” and everything in it was deleted.")
    return redirect("home")


def _render_workspace(
    request: WorkspaceRequest,
    *,
    form: WorkspaceForm | None = None,
    access_form: ConversationAccessForm | None = None,
    delete_form: DeleteWorkspaceForm | None = None,
) -> HttpResponse:
    return render(
        request,
        "workspaces/settings/workspace.html",
        {
            "nav": "settings",
            "section": "workspace",
            "form": form or WorkspaceForm(initial={"name": request.workspace.name}),
            "access_form": access_form
            or ConversationAccessForm(initial={"access": request.workspace.conversation_access}),
            "delete_form": delete_form or DeleteWorkspaceForm(workspace=request.workspace),
        },
        status=422 if form or access_form or delete_form else 200,
    )


# The person


@require_http_methods(["GET", "POST"])
@workspace_view()
def profile(request: WorkspaceRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, initial={"name": request.user.name})
    if request.method == "POST" and form.is_valid():
        rename_user(request.user, name=form.cleaned_data["name"])
        messages.success(request, "Your name was changed.")
        return redirect("workspaces:profile", slug=request.workspace.slug)
    return render(
        request,
        "workspaces/settings/profile.html",
        {"nav": "settings", "section": "profile", "form": form},
        status=422 if request.method == "POST" else 200,
    )


@require_GET
@workspace_view()
def workspace_home(request: WorkspaceRequest) -> HttpResponse:
    """A workspace opens on its first steps, and on its assistants once they are taken."""
    return redirect(choose_start_page(request.membership))
